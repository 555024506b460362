namespace NanoFlow.Engine;

public readonly record struct TokenLogProb(int Token, float LogProb);

/// <summary>One token of an answer.</summary>
/// <param name="Token">Its id.</param>
/// <param name="IsEnd">An end token: counted, but not part of the text.</param>
/// <param name="LogProb">Of this token, from the unmodified logits; null when not asked
/// for.</param>
/// <param name="Top">The most likely tokens, best first; empty when not asked for.</param>
public readonly record struct GeneratedToken(
    int Token, bool IsEnd, float? LogProb, ReadOnlyMemory<TokenLogProb> Top);
