// Makes a prompt of tokens: how many of them stay, and how many the request may generate after
// them, if the context has room for it.

using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Generating;

/// <param name="Param">The field that holds the prompt, for messages.</param>
internal readonly record struct ContextRoom(int MaxModelLength, string Param)
{
    /// <param name="asked">max_tokens of the request; null when it was silent.</param>
    /// <param name="fallback">Then so many, or fewer where the context is short.</param>
    public TokenPrompt Fit(
        int[] tokens, Truncation truncation, int? asked, int fallback, int minTokens)
    {
        var kept = truncation.Apply(tokens, MaxModelLength - (asked ?? 1));
        var newTokens = NewTokens(kept.Length, asked, fallback);
        return minTokens <= newTokens
            ? new TokenPrompt(kept, newTokens)
            : throw RequestRefusedException.Invalid(
                $"'min_tokens' is {minTokens}, more than the {newTokens} tokens that may come",
                "min_tokens");
    }

    private int NewTokens(int promptTokens, int? asked, int fallback)
    {
        if (promptTokens == 0)
        {
            throw RequestRefusedException.Invalid($"'{Param}' has no tokens", Param);
        }

        var room = MaxModelLength - promptTokens;
        return room < (asked ?? 1)
            ? throw new RequestRefusedException(
                ApiError.ContextLength(promptTokens, asked ?? 1, MaxModelLength, Param))
            : asked ?? Math.Min(fallback, room);
    }
}
