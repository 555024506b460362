// Added tokens: strings that are one token wherever they appear, found before the model sees the
// text. At each place the longest one wins, and the leftmost place goes first. The flags of a token
// widen or veto a match: lstrip and rstrip swallow white space beside it, single_word asks that no
// word character touches it.

using System.Buffers;
using System.Text;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed record AddedToken(string Content, int Id)
{
    public bool Special { get; init; }

    public bool Normalized { get; init; }

    public bool SingleWord { get; init; }

    public bool StripLeft { get; init; }

    public bool StripRight { get; init; }

    public static AddedToken Read(FileNode node)
    {
        var special = node.Flag("special", absent: false);
        return new AddedToken(
            node.Text("content"), node.Integer("id", 0, VocabularyLimits.MaximumId))
        {
            Special = special,
            Normalized = node.Flag("normalized", absent: !special),
            SingleWord = node.Flag("single_word", absent: false),
            StripLeft = node.Flag("lstrip", absent: false),
            StripRight = node.Flag("rstrip", absent: false),
        };
    }
}

// A part of a text: plain (Token null) or one added token.
internal readonly record struct TextPart(int Start, int End, AddedToken? Token);

internal sealed class AddedTokens
{
    // A code point that Unicode reserves for such internal use and that no text contains.
    public const char Guard = '\uFDD0';

    private static readonly CodePointSet Word = new(UnicodeClasses.Word());

    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<AddedToken?> _tokenAt = [null];
    private readonly SearchValues<char> _firstChars;

    // Tokens with the text to look for, which a normaliser may have changed.
    public AddedTokens(IReadOnlyList<(string Text, AddedToken Token)> tokens)
    {
        foreach (var (text, token) in tokens)
        {
            Insert(text, token);
        }
        _firstChars = SearchValues.Create(
            [.. _edges.Keys.Where(static edge => edge.Node == 0).Select(static edge => edge.Next)]);
    }

    // Cuts the text; special tokens are left as plain text when parseSpecial is false.
    public void Split(ReadOnlySpan<char> text, bool parseSpecial, List<TextPart> parts)
    {
        var done = 0;
        var at = 0;
        while (at < text.Length)
        {
            var skip = text[at..].IndexOfAny(_firstChars);
            if (skip < 0)
            {
                break;
            }
            at += skip;
            var (token, length) = LongestAt(text, at);
            if (token is null)
            {
                at++;
                continue;
            }
            var end = at + length;
            if ((parseSpecial || !token.Special) && Allows(token, text, at, end))
            {
                done = AddMatch(parts, text, done, new TextPart(at, end, token));
            }
            at = end;
        }
        if (done < text.Length)
        {
            parts.Add(new TextPart(done, text.Length, null));
        }
    }

    // Puts a guard behind the first character of every special token in the text, overlapping ones
    // too, so that none is recognised. One of a single character cannot be broken up and stays.
    public string GuardSpecial(string text)
    {
        StringBuilder? guarded = null;
        var done = 0;
        for (var at = 0; at < text.Length; at++)
        {
            if (_firstChars.Contains(text[at]) && SpecialBeginsAt(text, at))
            {
                guarded ??= new StringBuilder(text.Length + 8);
                guarded.Append(text, done, at + 1 - done).Append(Guard);
                done = at + 1;
            }
        }
        return guarded is null
            ? text
            : guarded.Append(text, done, text.Length - done).ToString();
    }

    private static int AddMatch(
        List<TextPart> parts, ReadOnlySpan<char> text, int done, TextPart match)
    {
        var start = match.Start;
        var end = match.End;
        if (match.Token!.StripLeft)
        {
            start = Math.Max(text[..start].TrimEnd().Length, done);
        }
        if (match.Token.StripRight)
        {
            end = text.Length - text[end..].TrimStart().Length;
        }
        if (done < start)
        {
            parts.Add(new TextPart(done, start, null));
        }
        parts.Add(match);
        return end;
    }

    private static bool Allows(AddedToken token, ReadOnlySpan<char> text, int start, int end) =>
        !token.SingleWord
        || (!Word.EndsIn(text[..start]) && !Word.BeginsIn(text[end..]));

    private void Insert(string text, AddedToken token)
    {
        var node = 0;
        foreach (var c in text)
        {
            if (!_edges.TryGetValue((node, c), out var next))
            {
                next = _tokenAt.Count;
                _edges.Add((node, c), next);
                _tokenAt.Add(null);
            }
            node = next;
        }
        if (node != 0)
        {
            _tokenAt[node] = token;
        }
    }

    private bool SpecialBeginsAt(ReadOnlySpan<char> text, int start)
    {
        var node = 0;
        for (var i = start; i < text.Length && _edges.TryGetValue((node, text[i]), out node); i++)
        {
            if (_tokenAt[node] is { Special: true })
            {
                return true;
            }
        }
        return false;
    }

    private (AddedToken? Token, int Length) LongestAt(ReadOnlySpan<char> text, int start)
    {
        (AddedToken? Token, int Length) best = (null, 0);
        var node = 0;
        for (var i = start; i < text.Length && _edges.TryGetValue((node, text[i]), out node); i++)
        {
            if (_tokenAt[node] is { } token)
            {
                best = (token, i + 1 - start);
            }
        }
        return best;
    }
}
