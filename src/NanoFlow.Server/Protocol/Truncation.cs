// `truncate_prompt_tokens` and `truncation_side`: a prompt that is too long loses its beginning, or
// its end, instead of being refused.

namespace NanoFlow.Server.Protocol;

/// <param name="Tokens">So many stay; -1: what the context has room for; null: all.</param>
/// <param name="KeepsStart">The end is cut off, not the beginning.</param>
internal readonly record struct Truncation(int? Tokens, bool KeepsStart)
{
    private const int WhatFits = -1;

    public static Truncation Parse(RequestFields fields)
    {
        var field = FieldTable.TruncatePromptTokens;
        var tokens = (int?)fields.Integer(field);
        if (tokens == 0)
        {
            throw RequestRefusedException.Invalid(
                $"'{field.Name}' must be -1, or an integer from 1 to {field.Max}, got 0",
                field.Name);
        }

        return new Truncation(tokens, fields.Word(FieldTable.TruncationSide) == "right");
    }

    /// <param name="room">Tokens a prompt may have.</param>
    public int[] Apply(int[] tokens, int room)
    {
        var kept = Tokens == WhatFits ? Math.Max(room, 0) : Tokens ?? tokens.Length;
        return tokens.Length <= kept ? tokens
            : KeepsStart ? tokens[..kept]
            : tokens[^kept..];
    }
}
