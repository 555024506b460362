// The row of parsers that a chat answer goes through.

using NanoFlow.Server.Protocol;
using NanoFlow.Server.Tools;

namespace NanoFlow.Server.Generating;

internal static class AnswerParsers
{
    /// <param name="text">The conversation as its template renders it.</param>
    public static Func<IAnswerParser> For(
        ServedModel model, Conversation conversation, string text)
    {
        var inner = ForCalls(model, conversation.Tools);
        if (!model.SplitsReasoning)
        {
            return inner;
        }

        var isOpen = ReasoningMarkers.IsOpen(conversation, text);
        return () => new ReasoningParser(isOpen, inner());
    }

    /// <summary>Special tokens that parsers must see.</summary>
    public static IReadOnlySet<int> ShownTokens(ServedModel model, Conversation conversation)
    {
        var shown = model.SplitsReasoning
            ? ReasoningMarkers.Tokens(model.Tokenizer).ToHashSet()
            : [];
        if (conversation.Tools is not null
            && model.ToolFormat?.ShownToken(model.Tokenizer) is { } opening)
        {
            shown.Add(opening);
        }

        return shown;
    }

    private static Func<IAnswerParser> ForCalls(ServedModel model, ToolSet? tools)
    {
        if (tools is null)
        {
            return static () => new PlainTextParser();
        }

        if (model.ToolFormat is null && tools.Choice == ToolChoice.Auto)
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "tools",
                "this model's chat template knows no tools; with tool_choice required, or a "
                + "function named in it, calls can be had all the same"));
        }

        var format = model.ToolFormat ?? ToolCallFormats.Plain;
        var maxCalls = tools.AllowsSeveral ? int.MaxValue : 1;
        var mustCall = tools.Choice != ToolChoice.Auto;
        return () => new ToolCallParser(format, maxCalls, mustCall);
    }
}
