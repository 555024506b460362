// Log-probabilities of an answer, as every format writes them.

namespace NanoFlow.Server.Responses;

/// <summary>A sampled token with its log-probability and those of the likeliest others.</summary>
/// <param name="TextOffset">Characters of the tokens before it.</param>
internal sealed record TokenLogProbs(
    TopLogProb Sampled, int TextOffset, IReadOnlyList<TopLogProb> Top)
{
    /// <summary>The first token of a prompt: nothing before it could foretell it.</summary>
    public bool IsUnscored { get; init; }
}

/// <param name="Text">The token alone; may be lossy where it holds part of a character.</param>
internal readonly record struct TopLogProb(string Text, byte[] Bytes, float LogProb)
{
    // JSON has no infinity; OpenAI writes this for a token that cannot be drawn.
    private const float Impossible = -9999;

    public float JsonLogProb => float.IsFinite(LogProb) ? LogProb : Impossible;
}
