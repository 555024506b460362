// The way of a text to ids: find the added tokens that are matched on raw text, normalise the rest,
// find the added tokens that are matched on normalised text, cut what is left into pieces, encode
// each piece. The parts are immutable; everything that changes lives in the scratch.

using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class EncodeScratch
{
    // A scratch that one huge text has blown up is not kept.
    private const int SmallCapacity = 256 * 1024;

    // Where the ids of the present call go, and how it treats special tokens.
    public List<int> Ids { get; set; } = [];

    public bool ParseSpecial { get; set; }

    public bool DropGuards { get; set; }

    public List<TextPart> RawParts { get; } = [];

    public List<TextPart> NormalParts { get; } = [];

    public Pieces Pieces { get; } = new();

    public PatternMatcher Matcher { get; } = new();

    public ModelScratch Model { get; } = new();

    public bool IsSmall =>
        Pieces.Capacity <= SmallCapacity && Model.Capacity <= SmallCapacity;
}

internal sealed class EncodePipeline
{
    private readonly AddedTokens _rawTokens;
    private readonly AddedTokens _normalTokens;
    private readonly Func<string, string>? _normalize;
    private readonly PreTokenizer? _preTokenizer;
    private readonly TokenModel _model;
    private readonly SpecialTokenTemplate _template;

    public EncodePipeline(TokenizerParts parts)
    {
        _model = parts.Model;
        _normalize = parts.Normalize;
        _preTokenizer = parts.PreTokenizer;
        _template = parts.Template;
        _rawTokens = new AddedTokens(
            [.. parts.Added.Where(static t => !t.Normalized).Select(static t => (t.Content, t))]);
        _normalTokens = new AddedTokens(
            [.. parts.Added.Where(static t => t.Normalized).Select(t => (SpellingOf(t), t))]);
    }

    public void Encode(
        ReadOnlySpan<char> text, EncodeScratch scratch, List<int> ids, EncodeOptions options)
    {
        text = WellFormed(text);
        scratch.Ids = ids;
        scratch.ParseSpecial = options.ParseSpecialTokens;
        scratch.DropGuards = options.DropGuards;
        if (options.AddSpecialTokens)
        {
            ids.AddRange(_template.Before);
        }
        scratch.RawParts.Clear();
        _rawTokens.Split(text, scratch.ParseSpecial, scratch.RawParts);
        foreach (var part in scratch.RawParts)
        {
            if (part.Token is { } token)
            {
                ids.Add(token.Id);
            }
            else
            {
                EncodeRaw(text[part.Start..part.End], part.Start == 0, scratch);
            }
        }
        if (options.AddSpecialTokens)
        {
            ids.AddRange(_template.After);
        }
    }

    private void EncodeRaw(ReadOnlySpan<char> text, bool isTextStart, EncodeScratch scratch)
    {
        if (_normalize is not null)
        {
            text = _normalize(text.ToString());
        }
        scratch.NormalParts.Clear();
        _normalTokens.Split(text, scratch.ParseSpecial, scratch.NormalParts);
        foreach (var part in scratch.NormalParts)
        {
            if (part.Token is { } token)
            {
                scratch.Ids.Add(token.Id);
            }
            else
            {
                var atStart = isTextStart && part.Start == 0;
                EncodeNormal(text[part.Start..part.End], atStart, scratch);
            }
        }
    }

    private void EncodeNormal(ReadOnlySpan<char> text, bool isTextStart, EncodeScratch scratch)
    {
        if (scratch.DropGuards && text.Contains(AddedTokens.Guard))
        {
            text = text.ToString().Replace($"{AddedTokens.Guard}", "", StringComparison.Ordinal);
        }
        var pieces = scratch.Pieces;
        pieces.Reset(text, isTextStart);
        _preTokenizer?.Apply(pieces, scratch.Matcher);
        for (var i = 0; i < pieces.Count; i++)
        {
            _model.Encode(pieces[i], scratch.Model, scratch.Ids);
        }
    }

    // Special tokens that are spelt out in the text are broken up; see AddedTokens.GuardSpecial.
    public string GuardSpecial(string text) =>
        _normalTokens.GuardSpecial(_rawTokens.GuardSpecial(text));

    // What stands for the token in the text where it is looked for.
    public string SpellingOf(AddedToken token) =>
        token.Normalized && _normalize is not null ? _normalize(token.Content) : token.Content;

    // The text itself when every surrogate has its partner.
    private static ReadOnlySpan<char> WellFormed(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            return text;
        }
        var copy = text.ToArray();
        for (var i = 0; i < copy.Length; i++)
        {
            if (i + 1 < copy.Length && char.IsSurrogatePair(copy[i], copy[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(copy[i]))
            {
                copy[i] = '\uFFFD';
            }
        }
        return copy;
    }
}
