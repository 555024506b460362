// How a text is encoded. A completion prompt uses the defaults. A rendered chat template already
// carries its special tokens, so it turns AddSpecialTokens off; text that a user wrote turns
// ParseSpecialTokens off, so that "<|eot_id|>" in it stays seven harmless words.

namespace NanoFlow.Tokenization;

public sealed record EncodeOptions
{
    public static readonly EncodeOptions Default = new();

    public static readonly EncodeOptions Chat =
        new() { AddSpecialTokens = false, DropGuards = true };

    public static readonly EncodeOptions PlainText =
        new() { AddSpecialTokens = false, ParseSpecialTokens = false };

    // Put the tokenizer's own tokens (such as beginning of text) around the text.
    public bool AddSpecialTokens { get; init; } = true;

    // Recognise special tokens that are spelt out in the text.
    public bool ParseSpecialTokens { get; init; } = true;

    // Leave out the guards that Tokenizer.GuardSpecialTokens put into parts of the text.
    public bool DropGuards { get; init; }
}
