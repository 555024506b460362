// What an answer must look like, from everything in the request that has a say: the response
// format, calls that must come, and thoughts before either.

using NanoFlow.Grammar;
using NanoFlow.Scheduling;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Tools;

internal static class AnswerGrammar
{
    // Without a schema of its own a function takes nothing.
    private const string NoArguments =
        """{"type":"object","properties":{},"additionalProperties":false}""";

    /// <summary>Null: anything goes.</summary>
    /// <param name="text">The conversation as its template renders it.</param>
    public static GrammarSpec? For(
        ServedModel model, Conversation conversation, string text, GrammarSpec? format)
    {
        var answer = conversation.Tools switch
        {
            null => format,
            { Choice: ToolChoice.Auto } when format is null => null,
            { Choice: ToolChoice.Auto } tools => GrammarSpec.Choice(
                Calls(tools, model.ToolFormat ?? ToolCallFormats.Plain), format),
            { } tools => Calls(tools, model.ToolFormat ?? ToolCallFormats.Plain),
        };
        return answer is null || !model.SplitsReasoning
            ? answer
            : GrammarSpec.AfterThoughts(
                ReasoningMarkers.Begin,
                ReasoningMarkers.End,
                ReasoningMarkers.IsOpen(conversation, text),
                answer);
    }

    /// <summary>Makes the constraint of one choice, or of none. Compiles on this thread.</summary>
    /// <param name="param">The field to name when it cannot be followed.</param>
    public static async Task<Func<ITokenConstraint?>> CompileAsync(
        ServedModel model, GrammarSpec? spec, string param, CancellationToken cancel)
    {
        if (spec is null)
        {
            return static () => null;
        }

        try
        {
            var grammar = await model.CompileAsync(spec, cancel);
            return () => new GrammarConstraint(grammar);
        }
        catch (GrammarException e)
        {
            throw RequestRefusedException.Invalid(
                $"'{param}' cannot be followed: {Quote.Cut(e.Message, 500)}", param);
        }
    }

    private static GrammarSpec Calls(ToolSet tools, ToolCallFormat format)
    {
        var call = GrammarSpec.Choice([.. tools.Tools.Select(tool => Call(tool, format))]);
        var (before, between, after) = format.Written;
        return GrammarSpec.Sequence(
            GrammarSpec.Text(before),
            GrammarSpec.List(call, between, tools.AllowsSeveral ? ServerLimits.MaxCalls : 1),
            GrammarSpec.Text(after));
    }

    private static GrammarSpec Call(Tool tool, ToolCallFormat format) => GrammarSpec.Sequence(
        GrammarSpec.Text($"{{\"name\": \"{tool.Name}\", \"{format.ArgumentsKey}\": "),
        GrammarSpec.Schema(tool.Parameters ?? NoArguments, tool.IsStrict),
        GrammarSpec.Text("}"));
}
