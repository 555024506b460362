// The pattern matcher: against .NET's on text of the basic plane, where that one is right, and by
// hand where it is not.

using System.Text.RegularExpressions;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Tests;

public sealed class TextPatternTests
{
    private const string Gpt4o =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        + @"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
        + @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string DeepSeek =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        + @"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+|\p{N}{1,3}";

    // Letters, digits, signs, marks and spaces of every category the patterns tell apart.
    private const string Alphabet =
        "aZ'sSTtreVEmLld  \t\n\r.,!/-_09٣Ⅷ²éßÀǅʰא中文かハ한\u0301\u00A0\u2003\u3000\u2028€«»😀";

    [Theory]
    [InlineData(SmallTokenizers.Gpt2Pattern)]
    [InlineData(SmallTokenizers.Llama3Pattern)]
    [InlineData(SmallTokenizers.Qwen2Pattern)]
    [InlineData(Gpt4o)]
    [InlineData(DeepSeek)]
    [InlineData(@"\p{N}{1,3}")]
    [InlineData(@"(?:ab|a)*?c|[a-z]{2,4}?|(?>a+)b|(?=Z)[A-Z]+")]
    public void Find_RandomText_MatchesWhatDotNetMatches(string pattern)
    {
        var expected = new Regex(pattern, RegexOptions.CultureInvariant);
        var actual = TextPattern.Compile(pattern);
        var random = new Random(5);
        var alphabet = Alphabet.Where(static c => !char.IsSurrogate(c)).ToArray();
        for (var i = 0; i < 3000; i++)
        {
            var text = new string(random.GetItems(alphabet, random.Next(30)));
            var wanted = expected.Matches(text).Where(static m => m.Length > 0)
                .Select(static m => (m.Index, m.Index + m.Length));
            Assert.Equal(wanted, AllMatches(actual, text));
        }
    }

    [Theory]
    [InlineData(@"\p{L}+", "a𠀀𝐀𐐀b", "a𠀀𝐀𐐀b")]
    [InlineData(@"\p{N}{1,3}", "𝟏𝟐𝟑𝟒", "𝟏𝟐𝟑|𝟒")]
    [InlineData(@"[^\s\p{L}\p{N}]+", "𠀀😀𝐀", "😀")]
    [InlineData(@".", "😀a", "😀|a")]
    [InlineData(@"a++a", "aaa", "")]
    [InlineData(@"a++b|a", "aaab", "aaab")]
    [InlineData(@"\p{L}?+x", "ax x", "ax")]
    [InlineData(@"(?:ab)*+c", "ababc", "ababc")]
    [InlineData(@"a{2}+", "aaaaa", "aaaa")]
    [InlineData(@"(?>a|ab)c", "abc", "")]
    [InlineData(@"\p{Han}+", "中a𠀀々あ", "中|𠀀々")]
    [InlineData(@"(?i:'s|'k)", "'S'ſ'K's", "'S|'ſ|'K|'s")]
    [InlineData(@"(?i)é", "É", "É")]
    [InlineData(@"[a-c&&[^b]]+", "abc", "a|c")]
    [InlineData(@"[\p{L}--]+", "a-", "a-")]
    [InlineData(@"^a|b$", "a\nab\nb", "a|a|b|b")]
    [InlineData(@"\Aa|b\z", "aab", "a|b")]
    [InlineData(@"\x41|\x{1F600}|\u00e9", "A😀é", "A|😀|é")]
    [InlineData(@"[一-龥]+", "a中文b", "中文")]
    [InlineData(@"\P{L}\p{^N}", "1a", "1a")]
    [InlineData(@"\s+(?!\S)", "a   b", "  ")]
    [InlineData("\\s+", "a\u0085\u200B\u180E\u2028b", "\u0085|\u2028")]
    [InlineData(@"[]a]+", "a]", "a]")]
    [InlineData(@"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))", "1234567", "1|234|567")]
    public void Find_ByHand_GivesMatches(string pattern, string text, string joined)
    {
        var matches = AllMatches(TextPattern.Compile(pattern), text)
            .Select(match => text[match.Start..match.End]);
        Assert.Equal(joined, string.Join('|', matches));
    }

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("a{3,2}")]
    [InlineData("a{9999}")]
    [InlineData("*a")]
    [InlineData(@"\p{Nope}")]
    [InlineData(@"\q")]
    [InlineData(@"(?<=a)b")]
    [InlineData(@"(?<n>a)")]
    [InlineData("[b-a]")]
    [InlineData("(?:a*)*")]
    [InlineData("\\")]
    [InlineData("[[:alpha:]]")]
    [InlineData(@"\x{110000}")]
    [InlineData("(?:(?:(?:a{1000}){1000}){1000}){1000}b{2}|(?:(?:ab){1000}){1000}")]
    public void Compile_UnsupportedPattern_IsRefused(string pattern)
    {
        Assert.Throws<TokenizerFormatException>(() => TextPattern.Compile(pattern));
    }

    [Fact]
    public void Compile_DeepNesting_IsRefused()
    {
        Assert.Throws<TokenizerFormatException>(
            () => TextPattern.Compile(new string('(', 1000) + new string(')', 1000)));
        Assert.Throws<TokenizerFormatException>(() => TextPattern.Compile(new string('[', 1000)));
    }

    [Theory]
    [InlineData("(?:a+)+b")]
    [InlineData("(?:a|a)*b")]
    [InlineData("a*a*a*a*a*b")]
    public void Find_HostilePattern_StopsAtTheStepLimit(string pattern)
    {
        Assert.Throws<PatternLimitException>(
            () => AllMatches(TextPattern.Compile(pattern), new string('a', 5000)));
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("!")]
    [InlineData("1")]
    [InlineData("'")]
    [InlineData(" \n")]
    [InlineData("中 ")]
    [InlineData("𠀀")]
    public void Find_KnownPatternsOnLongRuns_StayWithinTheStepLimit(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 200_000)) + "x";
        foreach (var pattern in new[]
        {
            SmallTokenizers.Gpt2Pattern, SmallTokenizers.Llama3Pattern, Gpt4o, DeepSeek,
        })
        {
            var matches = AllMatches(TextPattern.Compile(pattern), text);
            Assert.Equal(text.Length, matches.Sum(static match => match.End - match.Start));
        }
    }

    private static List<(int Start, int End)> AllMatches(TextPattern pattern, string text)
    {
        var matcher = new PatternMatcher();
        matcher.Begin(text.Length);
        var matches = new List<(int, int)>();
        for (var at = 0; at <= text.Length;)
        {
            var (start, end) = pattern.Find(matcher, text, at);
            if (start < 0)
            {
                break;
            }
            if (end > start)
            {
                matches.Add((start, end));
            }
            at = end > start ? end : end + 1;
        }
        return matches;
    }
}
