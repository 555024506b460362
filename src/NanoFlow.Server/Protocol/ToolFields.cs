// `tools`, `tool_choice` and `parallel_tool_calls`: the functions that the model may call, and
// whether it may, must or must not.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal enum ToolChoice
{
    /// <summary>No calls; the model is not told of the functions.</summary>
    None,

    /// <summary>The model decides.</summary>
    Auto,

    /// <summary>At least one call, of whichever function.</summary>
    Required,

    /// <summary>A call of the one function that is left in the list.</summary>
    Named,
}

/// <param name="Parameters">Schema of the arguments; null: it takes none.</param>
internal sealed record Tool(string Name, string? Parameters, bool IsStrict);

/// <param name="Tools">Those that may be called.</param>
/// <param name="Element">All of them as the client sent them, for the template.</param>
internal sealed record ToolSet(
    IReadOnlyList<Tool> Tools, JsonElement Element, ToolChoice Choice, bool AllowsSeveral);

internal static class ToolFields
{
    private const string Tools = "tools";
    private const string Choice = "tool_choice";
    private const string ChatOnly = "tools are not supported here; use /v1/chat/completions";

    /// <summary>Null: there are none, or none may be called.</summary>
    public static ToolSet? Parse(RequestFields fields)
    {
        var allowsSeveral = fields.Bool("parallel_tool_calls") ?? true;
        var hasTools = fields.TryGet(Tools, out var list);
        var tools = hasTools ? List(list) : [];
        var (choice, name) = ParseChoice(fields, tools.Length > 0);
        if (name is not null)
        {
            tools = [.. tools.Where(tool => tool.Name == name)];
        }

        if (tools.Length == 0 && choice is ToolChoice.Required or ToolChoice.Named)
        {
            throw RequestRefusedException.Invalid(
                name is null
                    ? $"'{Choice}' asks for a call, and '{Tools}' is empty"
                    : $"'{Choice}' names '{Quote.Cut(name)}', which is not in '{Tools}'",
                Choice);
        }

        return tools.Length == 0 || choice == ToolChoice.None
            ? null
            : new ToolSet(tools, list, choice, allowsSeveral && choice != ToolChoice.Named);
    }

    /// <summary>For requests that have no conversation.</summary>
    public static void Refuse(RequestFields fields)
    {
        if (fields.TryGet(Tools, out var list)
            && (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > 0))
        {
            throw new RequestRefusedException(ApiError.NotSupported(Tools, ChatOnly));
        }

        if (fields.TryGet(Choice, out var choice)
            && (choice.ValueKind != JsonValueKind.String || !choice.ValueEquals("none")))
        {
            throw new RequestRefusedException(ApiError.NotSupported(Choice, ChatOnly));
        }
    }

    /// <summary>The name of a function: what OpenAI allows.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= ServerLimits.MaxToolNameChars
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private static Tool[] List(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array
            || list.GetArrayLength() > ServerLimits.MaxTools)
        {
            throw RequestRefusedException.Invalid(
                $"'{Tools}' must be a list of at most {ServerLimits.MaxTools} tools", Tools);
        }

        var tools = list.EnumerateArray().Select(One).ToArray();
        var twice = tools.GroupBy(static tool => tool.Name)
            .FirstOrDefault(static group => group.Count() > 1);
        return twice is null
            ? tools
            : throw RequestRefusedException.Invalid(
                $"'{Tools}' has two functions called '{twice.Key}'", Tools);
    }

    private static Tool One(JsonElement element, int index)
    {
        var path = $"{Tools}[{index}]";
        var fields = new RequestFields(element, path);
        if (fields.Text("type") is not (null or "function"))
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                path + ".type", $"'{path}' must be of type function"));
        }

        var function = fields.Nested("function")
            ?? throw RequestRefusedException.Invalid($"'{path}.function' is missing", path);
        var name = function.Text("name");
        if (name is null || !IsName(name))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.function.name' must have 1 to {ServerLimits.MaxToolNameChars} letters, "
                + $"digits, '_' and '-', got '{Quote.Cut(name ?? "")}'",
                path + ".function.name");
        }

        function.Text("description");
        var isStrict = function.Bool("strict") ?? false;
        return new Tool(name, Parameters(function, path + ".function.parameters"), isStrict);
    }

    private static string? Parameters(RequestFields function, string path)
    {
        if (!function.TryGet("parameters", out var schema))
        {
            return null;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw RequestRefusedException.Invalid($"'{path}' must be a JSON schema", path);
        }

        // Before the model sees it: a prompt of megabytes of schema helps nobody.
        var text = schema.GetRawText();
        return text.Length <= Grammar.GrammarLimits.SchemaBytes
            ? text
            : throw RequestRefusedException.Invalid(
                $"'{path}' has {text.Length} characters; the limit is "
                + $"{Grammar.GrammarLimits.SchemaBytes}",
                path);
    }

    private static (ToolChoice Choice, string? Name) ParseChoice(
        RequestFields fields, bool hasTools)
    {
        if (!fields.TryGet(Choice, out var choice))
        {
            return (hasTools ? ToolChoice.Auto : ToolChoice.None, null);
        }

        if (choice.ValueKind == JsonValueKind.Object)
        {
            var named = new RequestFields(choice, Choice);
            var name = named.Text("type") is null or "function"
                ? named.Nested("function")?.Text("name")
                : null;
            return name is null ? throw Unknown() : (ToolChoice.Named, name);
        }

        return choice.ValueKind != JsonValueKind.String
            ? throw Unknown()
            : RequestFields.TextOf(choice, Choice) switch
            {
                "none" => (ToolChoice.None, null),
                "auto" => (hasTools ? ToolChoice.Auto : ToolChoice.None, null),
                "required" => (ToolChoice.Required, null),
                _ => throw Unknown(),
            };
    }

    private static RequestRefusedException Unknown() => RequestRefusedException.Invalid(
        $"'{Choice}' must be none, auto, required, or "
        + "{\"type\":\"function\",\"function\":{\"name\":...}}",
        Choice);
}
