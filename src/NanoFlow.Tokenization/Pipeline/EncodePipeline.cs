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

    public List<TextPart> RawParts { get; } = [];

    public List<TextPart> NormalParts { get; } = [];

    public Pieces Pieces { get; } = new();

    public PatternMatcher Matcher { get; } = new();

    public ModelScratch Model { get; } = new();

    public bool IsSmall =>
        Pieces.Capacity <= SmallCapacity && Model.Merger.Capacity <= SmallCapacity;
}

internal sealed class EncodePipeline
{
    private readonly AddedTokens _rawTokens;
    private readonly AddedTokens _normalTokens;
    private readonly Func<string, string>? _normalize;
    private readonly PreTokenizer? _preTokenizer;
    private readonly TokenModel _model;
    private readonly SpecialTokenTemplate _template;

    public EncodePipeline(FileNode root, TokenModel model, IReadOnlyList<AddedToken> added)
    {
        _model = model;
        _normalize = root.Optional("normalizer") is { } normalizer
            ? Normalizer.Read(normalizer)
            : null;
        _preTokenizer = root.Optional("pre_tokenizer") is { } preTokenizer
            ? PreTokenizer.Read(preTokenizer)
            : null;
        _template = root.Optional("post_processor") is { } template
            ? SpecialTokenTemplate.Read(template)
            : SpecialTokenTemplate.Empty;
        _rawTokens = new AddedTokens(
            [.. added.Where(static t => !t.Normalized).Select(static t => (t.Content, t))]);
        _normalTokens = new AddedTokens(
            [.. added.Where(static t => t.Normalized).Select(t => (Normalize(t.Content), t))]);
    }

    public void Encode(
        ReadOnlySpan<char> text, EncodeScratch scratch, List<int> ids, EncodeOptions options)
    {
        text = WellFormed(text);
        if (options.AddSpecialTokens)
        {
            ids.AddRange(_template.Before);
        }
        scratch.RawParts.Clear();
        _rawTokens.Split(text, options.ParseSpecialTokens, scratch.RawParts);
        foreach (var part in scratch.RawParts)
        {
            if (part.Token is { } token)
            {
                ids.Add(token.Id);
            }
            else
            {
                EncodeRaw(text[part.Start..part.End], scratch, ids, options);
            }
        }
        if (options.AddSpecialTokens)
        {
            ids.AddRange(_template.After);
        }
    }

    private void EncodeRaw(
        ReadOnlySpan<char> text, EncodeScratch scratch, List<int> ids, EncodeOptions options)
    {
        if (_normalize is not null)
        {
            text = _normalize(text.ToString());
        }
        scratch.NormalParts.Clear();
        _normalTokens.Split(text, options.ParseSpecialTokens, scratch.NormalParts);
        foreach (var part in scratch.NormalParts)
        {
            if (part.Token is { } token)
            {
                ids.Add(token.Id);
            }
            else
            {
                EncodeNormal(text[part.Start..part.End], scratch, ids);
            }
        }
    }

    private void EncodeNormal(ReadOnlySpan<char> text, EncodeScratch scratch, List<int> ids)
    {
        var pieces = scratch.Pieces;
        pieces.Reset(text);
        _preTokenizer?.Apply(pieces, scratch.Matcher);
        for (var i = 0; i < pieces.Count; i++)
        {
            _model.Encode(pieces[i], scratch.Model, ids);
        }
    }

    private string Normalize(string text) => _normalize is null ? text : _normalize(text);

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
