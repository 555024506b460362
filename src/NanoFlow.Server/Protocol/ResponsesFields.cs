// The fields of /v1/responses beside its input: those that an answer repeats, and those that are
// refused because what they ask for is not there.

using System.Text.Json;
using NanoFlow.Grammar;

namespace NanoFlow.Server.Protocol;

/// <summary>What an answer repeats of its request, beside the sampling.</summary>
internal sealed record ResponsesFields
{
    private const string LogProbs = "message.output_text.logprobs";

    private static readonly (string Name, string Message)[] Unsupported =
    [
        (
            "previous_response_id",
            "previous_response_id is not supported: answers are not stored; send the whole "
            + "conversation as 'input'"),
        (
            "conversation",
            "conversation is not supported: nothing is stored; send the whole conversation as "
            + "'input'"),
        ("prompt", "stored prompts are not supported; send 'instructions' and 'input'"),
        ("context_management", "context_management is not supported"),
    ];

    public const string FormatName = "text.format";

    private static readonly WordField FormatType =
        new("type", ["text", "json_object", "json_schema"]);

    private static readonly WordField Truncation = new("truncation", ["auto", "disabled"]);

    public string? Instructions { get; init; }
    public int? MaxOutputTokens { get; init; }
    public bool ParallelToolCalls { get; init; } = true;
    public string? ReasoningEffort { get; init; }
    public string? User { get; init; }

    /// <summary>An object; null when absent.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>What the text must look like; null: anything goes.</summary>
    public GrammarSpec? Format { get; init; }

    /// <summary>As the client sent it, as are the next two; null when absent.</summary>
    public JsonElement? FormatElement { get; init; }

    public JsonElement? Tools { get; init; }
    public JsonElement? ToolChoice { get; init; }

    public static ResponsesFields Parse(RequestFields fields)
    {
        Refuse(fields);
        var text = fields.Nested("text");
        return new ResponsesFields
        {
            Format = ParseFormat(text),
            FormatElement = Given(text, "format"),
            Tools = Given(fields, "tools"),
            ToolChoice = Given(fields, "tool_choice"),
            Instructions = fields.Text("instructions"),
            MaxOutputTokens = (int?)fields.Integer(FieldTable.MaxOutputTokens),
            ParallelToolCalls = fields.Bool("parallel_tool_calls") ?? true,
            ReasoningEffort = Effort(fields),
            User = fields.Text("user"),
            Metadata = Given(fields, "metadata"),
        };
    }

    /// <summary>The variables of the template that these fields set.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables(RequestFields fields)
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (ReasoningEffort is not null)
        {
            fields.TryGet("reasoning", out var reasoning);
            variables[FieldTable.ReasoningEffort.Name] = reasoning.GetProperty("effort");
        }

        return variables;
    }

    private static string? Effort(RequestFields fields)
    {
        var reasoning = fields.Nested("reasoning");
        foreach (var name in (string[])["summary", "generate_summary"])
        {
            if (reasoning?.Text(name) is not null)
            {
                reasoning.Ignore(name);
            }
        }

        return reasoning?.Word(FieldTable.ReasoningEffort with { Name = "effort" });
    }

    private static void Refuse(RequestFields fields)
    {
        foreach (var (name, message) in Unsupported)
        {
            if (fields.TryGet(name, out _))
            {
                throw new RequestRefusedException(ApiError.NotSupported(name, message));
            }
        }

        if (fields.Bool("background") ?? false)
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "background", "background is not supported: the answer is that of this request"));
        }

        if (fields.Word(Truncation) == "auto")
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "truncation", "truncation 'auto' is not supported; shorten the input"));
        }

        if (fields.Integer(FieldTable.TopLogProbs) > 0 || Includes(fields, LogProbs))
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "top_logprobs",
                "log-probabilities are not supported here; use /v1/chat/completions"));
        }
    }

    // What else can be included belongs to tools and to reasoning that is hidden from the client.
    private static bool Includes(RequestFields fields, string wanted)
    {
        if (!fields.TryGet("include", out var list))
        {
            return false;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw RequestRefusedException.Invalid(
                "'include' must be a list of strings", "include");
        }

        fields.Ignore("include");
        return list.EnumerateArray().Any(
            item => RequestFields.TextOf(item, "include") == wanted);
    }

    // The name and the description of a schema are for the caller's records.
    private static GrammarSpec? ParseFormat(RequestFields? text)
    {
        if (text?.Text("verbosity") is not null)
        {
            text.Ignore("verbosity");
        }

        if (text?.Nested("format") is not { } format)
        {
            return null;
        }

        format.Text("name");
        format.Text("description");
        var isStrict = format.Bool("strict") ?? false;
        var hasSchema = format.TryGet("schema", out var schema);
        return format.Word(FormatType) switch
        {
            "text" => null,
            "json_object" => GrammarSpec.JsonObject,
            "json_schema" when hasSchema => GrammarSpec.Schema(schema.GetRawText(), isStrict),
            var type => throw RequestRefusedException.Invalid(
                $"'{FormatName}.{(type is null ? "type" : "schema")}' is missing", FormatName),
        };
    }

    private static JsonElement? Given(RequestFields? fields, string name) =>
        fields is not null && fields.TryGet(name, out var value) ? value : null;
}
