// The model as the server shows it: names, limits, sampling defaults, tokenizer and template.
// Immutable. Text becomes tokens here, on the request's own thread, never on the engine's.

using NanoFlow.Grammar;
using NanoFlow.Models;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Tools;
using NanoFlow.Tokenization;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Server;

/// <summary>Which models are taken to think before they answer.</summary>
public enum ReasoningMode
{
    /// <summary>Those whose template or vocabulary has the marks of thoughts.</summary>
    Auto,

    /// <summary>None: thoughts are content like everything else.</summary>
    None,

    /// <summary>This one.</summary>
    Think,
}

public sealed class ServedModel : IDisposable
{
    // Texts longer than this wait for each other, so that a few huge prompts cannot take every
    // core from the steps of the running requests.
    private const int LargeTextChars = 64 * 1024;

    private readonly SemaphoreSlim _largeTexts =
        new(Math.Max(1, Environment.ProcessorCount / 2));

    // Likewise for schemas.
    private readonly SemaphoreSlim _grammars = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly GrammarCache _grammarCache;

    public ServedModel()
    {
        _grammarCache = new GrammarCache(ToVocabulary);
    }

    /// <summary>What a request may call the model; the first is its name in answers.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    public required int VocabSize { get; init; }

    /// <summary>Prompt and answer together, in tokens.</summary>
    public required int MaxModelLength { get; init; }

    public required GenerationDefaults Defaults { get; init; }
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>Null when the model has none: chat is then refused.</summary>
    public ChatTemplate? ChatTemplate { get; init; }

    /// <summary>Whether thoughts are taken out of the content of chat answers.</summary>
    public ReasoningMode Reasoning { get; init; }

    /// <summary>How the model writes tool calls.</summary>
    public ToolCallSyntax ToolCalls { get; init; }

    /// <summary>Which hidden state of a text is its embedding.</summary>
    public PoolingMode Pooling { get; init; } = PoolingMode.Last;

    /// <summary>Tokens that end an answer unless the request ignores them.</summary>
    public required IReadOnlyList<int> EndTokens { get; init; }

    public DateTimeOffset Created { get; init; }

    public string Name => Names[0];

    internal bool SplitsReasoning => Reasoning == ReasoningMode.Think
        || (Reasoning == ReasoningMode.Auto && ReasoningMarkers.AreUsedBy(Tokenizer));

    /// <summary>Null: it calls none by itself.</summary>
    internal ToolCallFormat? ToolFormat =>
        ToolCallFormats.Of(ToolCalls, Tokenizer.Config.ChatTemplate);

    /// <summary>The request's name for the model when it is served here; no name means the only
    /// model there is.</summary>
    internal string Resolve(string? requested) =>
        requested is null ? Name
        : Names.Contains(requested) ? requested
        : throw new RequestRefusedException(
            ApiError.NoSuchModel(requested, string.Join(", ", Names)));

    internal async Task<int[]> EncodeAsync(
        string text, EncodeOptions options, CancellationToken cancel)
    {
        if (text.Length <= LargeTextChars)
        {
            return Encode(text, options);
        }

        await _largeTexts.WaitAsync(cancel);
        try
        {
            return Encode(text, options);
        }
        finally
        {
            _largeTexts.Release();
        }
    }

    /// <exception cref="GrammarException">It cannot be followed.</exception>
    internal async Task<TokenGrammar> CompileAsync(GrammarSpec spec, CancellationToken cancel)
    {
        await _grammars.WaitAsync(cancel);
        try
        {
            return _grammarCache.Get(spec);
        }
        finally
        {
            _grammars.Release();
        }
    }

    public void Dispose()
    {
        _largeTexts.Dispose();
        _grammars.Dispose();
    }

    private GrammarVocabulary ToVocabulary() => GrammarVocabulary.Of(
        Tokenizer,
        VocabSize,
        EndTokens,
        SplitsReasoning ? ReasoningMarkers.Tokens(Tokenizer) : new HashSet<int>());

    private int[] Encode(string text, EncodeOptions options)
    {
        try
        {
            var tokens = new List<int>();
            Tokenizer.Encode(text, tokens, options);
            CheckVocabulary(tokens);
            return [.. tokens];
        }
        catch (PatternLimitException)
        {
            throw RequestRefusedException.Invalid(
                "this text takes too long to split into tokens");
        }
    }

    // Some tokenizers know tokens that their model was never given a row for.
    private void CheckVocabulary(List<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (token >= VocabSize)
            {
                throw RequestRefusedException.Invalid(
                    $"the text holds token {token}, which this model does not have");
            }
        }
    }
}
