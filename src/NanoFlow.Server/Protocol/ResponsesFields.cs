// The fields of /v1/responses beside its input: those that an answer repeats, and those that are
// refused because what they ask for is not there.

using System.Text.Json;

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

    private static readonly WordField Truncation = new("truncation", ["auto", "disabled"]);

    public string? Instructions { get; init; }
    public int? MaxOutputTokens { get; init; }
    public bool ParallelToolCalls { get; init; } = true;
    public string? ReasoningEffort { get; init; }
    public string? User { get; init; }

    /// <summary>An object; null when absent.</summary>
    public JsonElement? Metadata { get; init; }

    public static ResponsesFields Parse(RequestFields fields)
    {
        Refuse(fields);
        var hasMetadata = fields.TryGet("metadata", out var metadata);
        return new ResponsesFields
        {
            Instructions = fields.Text("instructions"),
            MaxOutputTokens = (int?)fields.Integer(FieldTable.MaxOutputTokens),
            ParallelToolCalls = fields.Bool("parallel_tool_calls") ?? true,
            ReasoningEffort = Effort(fields),
            User = fields.Text("user"),
            Metadata = hasMetadata ? metadata : null,
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

        RefuseFormat(fields);
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

    private static void RefuseFormat(RequestFields fields)
    {
        var text = fields.Nested("text");
        if (text?.Nested("format") is { } format && format.Text("type") != "text")
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "text.format", "only text.format {\"type\":\"text\"} is supported"));
        }

        if (text?.Text("verbosity") is not null)
        {
            text.Ignore("verbosity");
        }
    }
}
