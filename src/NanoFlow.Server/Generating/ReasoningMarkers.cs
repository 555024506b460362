// How a model that thinks before it answers marks its thoughts. The one form in use by open models;
// a template may write the opening mark itself, and then the answer begins within the thoughts.

using NanoFlow.Server.Protocol;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal static class ReasoningMarkers
{
    public const string Begin = "<think>";
    public const string End = "</think>";

    private static readonly string[] Both = [Begin, End];

    /// <summary>The template knows about thoughts, or the vocabulary has both marks as tokens.
    /// </summary>
    public static bool AreUsedBy(Tokenizer tokenizer) =>
        tokenizer.Config.ChatTemplate?.Contains(End, StringComparison.Ordinal) == true
        || Both.All(mark => tokenizer.TokenId(mark) is not null);

    /// <summary>Marks that the tokenizer has as tokens; they must not be skipped as special.
    /// </summary>
    public static IReadOnlySet<int> Tokens(Tokenizer tokenizer) =>
        Both.Select(tokenizer.TokenId).OfType<int>().ToHashSet();

    /// <summary>The answer to this prompt begins within the thoughts.</summary>
    /// <param name="text">The conversation as its template renders it.</param>
    public static bool IsOpen(Conversation conversation, string text)
    {
        if (conversation.ContinueFinalMessage)
        {
            var content = conversation.Messages[^1].Content;
            return content.LastIndexOf(Begin, StringComparison.Ordinal)
                > content.LastIndexOf(End, StringComparison.Ordinal);
        }

        return conversation.AddGenerationPrompt && text.AsSpan().TrimEnd().EndsWith(Begin);
    }
}
