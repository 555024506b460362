// How families of models write tool calls. One row a family; a family whose calls are not JSON
// objects with a name and arguments needs a parser of its own beside ToolCallParser.

using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tools;

/// <summary>Which row of the table holds.</summary>
public enum ToolCallSyntax
{
    /// <summary>The one that the chat template was written for.</summary>
    Auto,

    /// <summary>The model calls no tools by itself.</summary>
    None,

    Hermes,
    Llama3Json,
    Mistral,
}

internal sealed record ToolCallFormat(ToolCallSyntax Syntax)
{
    /// <summary>What tells a call from text; empty: an answer that starts with a brace is a call.
    /// </summary>
    public string Opening { get; init; } = "";

    /// <summary>What may stand around calls beside white space.</summary>
    public IReadOnlyList<string> Fillers { get; init; } = [];

    /// <summary>How calls are written where they must come: before the first, between two, after
    /// the last.</summary>
    public required (string Before, string Between, string After) Written { get; init; }

    /// <summary>What the model calls the arguments.</summary>
    public string ArgumentsKey { get; init; } = "arguments";

    /// <summary>Templates of this family refuse ids of another form.</summary>
    public string IdPrefix { get; init; } = "call_";

    public int IdChars { get; init; } = 24;

    /// <summary>Whether a template was written for it.</summary>
    public required Func<string, bool> IsUsedBy { get; init; }

    /// <summary>The special token that opens calls must not be skipped.</summary>
    public int? ShownToken(Tokenizer tokenizer) =>
        Opening.Length > 0 ? tokenizer.TokenId(Opening) : null;
}

internal static class ToolCallFormats
{
    private static readonly ToolCallFormat[] Table =
    [
        // Also Qwen 2.5 and Qwen 3. A later template of that name writes calls as XML.
        new(ToolCallSyntax.Hermes)
        {
            Opening = "<tool_call>",
            Fillers = ["</tool_call>", "<tool_call>"],
            Written = ("<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>"),
            IsUsedBy = static template =>
                Has(template, "<tool_call>") && !Has(template, "<function="),
        },
        new(ToolCallSyntax.Mistral)
        {
            Opening = "[TOOL_CALLS]",
            Fillers = ["[", "]", ","],
            Written = ("[", ", ", "]"),
            IdPrefix = "",
            IdChars = 9,
            IsUsedBy = static template => Has(template, "[TOOL_CALLS]") && !Has(template, "[ARGS]"),
        },
        new(ToolCallSyntax.Llama3Json)
        {
            Fillers = [";", ","],
            Written = ("", "; ", ""),
            ArgumentsKey = "parameters",
            IsUsedBy = static template =>
                Has(template, "<|start_header_id|>") && Has(template, "\"parameters\""),
        },
    ];

    /// <summary>Where no row holds, calls that must come are a list as in this one.</summary>
    public static ToolCallFormat Plain { get; } = new(ToolCallSyntax.None)
    {
        Fillers = ["[", "]", ","],
        Written = ("[", ", ", "]"),
        IsUsedBy = static _ => false,
    };

    /// <summary>Null: no row holds.</summary>
    public static ToolCallFormat? Of(ToolCallSyntax syntax, string? template) =>
        syntax == ToolCallSyntax.Auto
            ? Table.FirstOrDefault(row => template is not null && Has(template, "tools")
                && row.IsUsedBy(template))
            : Table.FirstOrDefault(row => row.Syntax == syntax);

    private static bool Has(string template, string text) =>
        template.Contains(text, StringComparison.Ordinal);
}
