// The row of parsers that a chat answer goes through.

using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Generating;

internal static class AnswerParsers
{
    private static readonly HashSet<int> None = [];

    /// <param name="text">The conversation as its template renders it.</param>
    public static Func<IAnswerParser> For(
        ServedModel model, Conversation conversation, string text)
    {
        if (!model.SplitsReasoning)
        {
            return () => new PlainTextParser();
        }

        var isOpen = ReasoningMarkers.IsOpen(conversation, text);
        return () => new ReasoningParser(isOpen, new PlainTextParser());
    }

    /// <summary>Special tokens that parsers must see.</summary>
    public static IReadOnlySet<int> ShownTokens(ServedModel model) =>
        model.SplitsReasoning ? ReasoningMarkers.Tokens(model.Tokenizer) : None;
}
