// What a tokenizer is made of, whatever file it was read from.

using NanoFlow.Tokenization.Models;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed record TokenizerParts
{
    public required TokenModel Model { get; init; }

    /// <summary>All texts and ids but the added ones; more than the model's where two ids share a
    /// text.</summary>
    public required IEnumerable<(string Text, int Id)> Tokens { get; init; }

    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    public Func<string, string>? Normalize { get; init; }

    public PreTokenizer? PreTokenizer { get; init; }

    public SpecialTokenTemplate Template { get; init; } = SpecialTokenTemplate.Empty;

    public required TokenDecoder Decoder { get; init; }

    /// <summary>The content of a tokenizer.json.</summary>
    public static TokenizerParts Read(FileNode root)
    {
        var model = TokenModel.Read(root.Child("model"));
        return new TokenizerParts
        {
            Model = model,
            Tokens = model.Tokens.Select(static token => (token.Key, token.Value)),
            Added = root.Optional("added_tokens") is { } list
                ? [.. list.AsItems().Select(AddedToken.Read)]
                : [],
            Normalize = root.Optional("normalizer") is { } normalizer
                ? Normalizer.Read(normalizer)
                : null,
            PreTokenizer = root.Optional("pre_tokenizer") is { } preTokenizer
                ? PreTokenizer.Read(preTokenizer)
                : null,
            Template = root.Optional("post_processor") is { } template
                ? SpecialTokenTemplate.Read(template)
                : SpecialTokenTemplate.Empty,
            Decoder = TokenDecoder.Read(root.Optional("decoder")),
        };
    }
}
