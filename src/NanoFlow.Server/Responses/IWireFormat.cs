// How the two APIs spell the same thing: completions say "text", chat says "delta" and "message",
// and each has its own form of log-probabilities.

using System.Text.Json;

namespace NanoFlow.Server.Responses;

internal interface IWireFormat
{
    string IdPrefix { get; }
    string ObjectName { get; }
    string ChunkName { get; }

    /// <summary>A stream starts with a chunk that names the role.</summary>
    bool HasOpening { get; }

    /// <summary>The fields of a choice: first chunk of a stream.</summary>
    void WriteOpening(Utf8JsonWriter json);

    /// <summary>The fields of a choice: new text of a stream; empty in its last chunk.</summary>
    void WritePiece(Utf8JsonWriter json, ReadOnlySpan<byte> text);

    /// <summary>The fields of a choice: the whole text.</summary>
    void WriteWhole(Utf8JsonWriter json, string text);

    /// <summary>The value of a choice's "logprobs".</summary>
    void WriteLogProbs(Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens);
}

/// <summary>A sampled token with its log-probability and those of the likeliest others.</summary>
/// <param name="TextOffset">Characters of the tokens before it.</param>
internal sealed record TokenLogProbs(
    TopLogProb Sampled, int TextOffset, IReadOnlyList<TopLogProb> Top);

/// <param name="Text">The token alone; may be lossy where it holds part of a character.</param>
internal readonly record struct TopLogProb(string Text, byte[] Bytes, float LogProb)
{
    // JSON has no infinity; OpenAI writes this for a token that cannot be drawn.
    private const float Impossible = -9999;

    public float JsonLogProb => float.IsFinite(LogProb) ? LogProb : Impossible;
}
