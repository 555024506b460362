// A request for text, ready to run: prompts as tokens, everything checked. Completions and chat
// both become this.

using NanoFlow.Scheduling;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

/// <param name="NewTokens">At most so many follow; the context has room for them.</param>
/// <param name="Echo">Text to repeat before the answer; null for none.</param>
internal sealed record TokenPrompt(int[] Tokens, int NewTokens, string? Echo = null)
{
    /// <summary>Text to repeat together with the log-probabilities of its tokens, once they are
    /// known; null for none.</summary>
    public string? ScoredEcho { get; init; }
}

internal sealed record TextRequest
{
    public required IWireFormat Format { get; init; }

    /// <summary>As the client called it.</summary>
    public required string ModelName { get; init; }

    public required IReadOnlyList<TokenPrompt> Prompts { get; init; }
    public required GenerationSettings Settings { get; init; }

    /// <summary>Alternatives to report with each token; null: no log-probabilities.</summary>
    public required int? LogProbs { get; init; }

    /// <summary>Makes what the tokens of one choice must keep to; null: nothing.</summary>
    public Func<ITokenConstraint?> NewConstraint { get; init; } = static () => null;

    /// <summary>Alternatives to report with each token of a prompt, apart from what is repeated
    /// before the answer; null: no log-probabilities of prompts.</summary>
    public int? PromptLogProbs { get; init; }

    /// <summary>Alternatives that prompts are scored with; null: they are not.</summary>
    public int? ScoredWith { get; init; }

    /// <summary>Makes the parser of one choice.</summary>
    public Func<IAnswerParser> NewParser { get; init; } = () => new PlainTextParser();

    /// <summary>Special tokens that are text to the parser even when others are skipped.</summary>
    public IReadOnlySet<int> ShownTokens { get; init; } = new HashSet<int>();

    public int ChoiceCount => Prompts.Count * Settings.N;

    public int PromptTokens => Prompts.Sum(prompt => prompt.Tokens.Length);

    public TokenPrompt PromptOf(int choice) => Prompts[choice / Settings.N];
}
