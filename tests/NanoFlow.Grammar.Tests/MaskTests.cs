// Masks found by walking the tree of tokens, against every token tried by itself.

using System.Text;

namespace NanoFlow.Grammar.Tests;

public class MaskTests
{
    [Fact]
    public void Mask_AnyState_AllowsExactlyTheTokensThatCanFollow()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var schema = new RandomSchema(random).Next().ToJsonString();
            var grammar = Compile(GrammarSpec.Schema(schema, isStrict: false));
            var constraint = new GrammarConstraint(grammar);
            var state = grammar.Start;
            for (var step = 0; step < 40; step++)
            {
                var mask = grammar.Mask(ref state).ToArray();
                for (var token = 0; token < TestVocabulary.Small.Size; token++)
                {
                    var isAllowed = (mask[token >> 5] >> (token & 31) & 1) != 0;
                    Assert.True(isAllowed == CanFollow(grammar, state, token), $"{seed} {token}");
                }
                var allowed = TestVocabulary.Allowed(mask);
                var next = allowed[random.Next(allowed.Count)];
                if (next == TestVocabulary.End)
                {
                    break;
                }
                constraint.Append(next);
                state = grammar.Next(state, TestVocabulary.Small.Bytes(next));
            }
        }
    }

    [Fact]
    public void Constraint_AfterTheEndToken_AllowsOnlyTheEnd()
    {
        var constraint = new GrammarConstraint(Compile(GrammarSpec.Schema("{\"const\":1}", true)));
        var mask = new uint[TestVocabulary.Small.MaskWords + 1];
        constraint.Append('1');
        constraint.Append(TestVocabulary.End);
        mask[^1] = 7; // a word beyond the vocabulary
        constraint.WriteMask(mask);

        Assert.Equal([TestVocabulary.End], TestVocabulary.Allowed(mask));
    }

    [Fact]
    public void Constraint_GrammarForgetsItsStates_GoesOnWhereItStood()
    {
        var grammar = Compile(GrammarSpec.Schema(
            """{"type":"string","minLength":3,"maxLength":4}""", isStrict: true));
        var first = new GrammarConstraint(grammar);
        var second = new GrammarConstraint(grammar);
        first.Append('"');
        first.Append('a');
        second.Append('"');
        var state = grammar.Next(grammar.Start, "\"abc"u8);
        var generation = grammar.Generation;
        grammar.Forget(state);
        foreach (var token in "bc\""u8)
        {
            Assert.False(first.MayEnd);
            first.Append(token);
        }
        second.Append('"');

        Assert.NotEqual(generation, grammar.Generation);
        Assert.True(first.MayEnd);
        Assert.False(second.MayEnd);
    }

    [Fact]
    public void Mask_AskedAgain_AllocatesNothing()
    {
        var grammar = Compile(GrammarSpec.JsonObject);
        var text = Encoding.UTF8.GetBytes("""{"name": [1, 2.5e3, null, {"a": "bcd"}]}""");
        var mask = new uint[TestVocabulary.Small.MaskWords];
        var allocated = 0L;
        for (var run = 0; run < 3; run++)
        {
            var constraint = new GrammarConstraint(grammar);
            allocated = GC.GetAllocatedBytesForCurrentThread();
            foreach (var token in text)
            {
                constraint.WriteMask(mask);
                constraint.Append(token);
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Cache_SameText_SharesTheGrammarAndForgetsTheOldest()
    {
        var cache = new GrammarCache(() => TestVocabulary.Small, limit: 50_000);
        var first = cache.Get(GrammarSpec.Schema("{\"const\":1}", true));
        Assert.Same(first, cache.Get(GrammarSpec.Schema("{\"const\":1}", true)));
        for (var i = 0; i < 200; i++)
        {
            cache.Get(GrammarSpec.Schema($$"""{"enum":["{{i}}"]}""", true));
        }

        Assert.InRange(cache.Count, 1, 100);
        Assert.NotSame(first, cache.Get(GrammarSpec.Schema("{\"const\":1}", true)));
    }

    [Theory]
    [InlineData("so < it </thin </think>1", true)]
    [InlineData("</think>\n\n1", true)]
    [InlineData("<</think>1", true)]
    [InlineData("a</think>b</think>1", false)]
    [InlineData("1", false)]
    public void Thoughts_EndAtTheFirstMark(string text, bool isAllowed)
    {
        var spec = GrammarSpec.AfterThoughts(
            "<think>", "</think>", isOpen: true, GrammarSpec.Schema("{\"const\":1}", true));
        Assert.Equal(isAllowed, GrammarText.Accepts(spec, text));
    }

    private static bool CanFollow(TokenGrammar grammar, int state, int token)
    {
        if (token == TestVocabulary.End)
        {
            return grammar.MayEnd(state);
        }
        var bytes = TestVocabulary.Small.Bytes(token);
        return bytes.Length > 0 && grammar.Next(state, bytes) != 0;
    }

    private static TokenGrammar Compile(GrammarSpec spec) =>
        new GrammarCache(() => TestVocabulary.Small).Get(spec);
}
