// What a chat template is rendered from: the messages, and the fields that steer the template.

using System.Text.Json;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Protocol;

internal sealed record Conversation
{
    private const string Kwargs = "chat_template_kwargs";

    public required IReadOnlyList<Message> Messages { get; init; }

    /// <summary>What may be called; null: nothing.</summary>
    public ToolSet? Tools { get; init; }

    /// <summary>The text ends where the assistant's turn begins.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The text ends with the content of the last message, which the model goes on with.
    /// </summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Further variables of the template.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } =
        new Dictionary<string, JsonElement>();

    public static Conversation Parse(RequestFields fields)
    {
        var messages = MessageField.Parse(fields);
        var continues = fields.Flag(FieldTable.ContinueFinalMessage);
        var opens = fields.Bool(FieldTable.AddGenerationPrompt.Name);
        if (continues && opens == true)
        {
            throw RequestRefusedException.Invalid(
                "'continue_final_message' and 'add_generation_prompt' cannot both be true",
                FieldTable.ContinueFinalMessage.Name);
        }

        if (continues && (messages[^1].Role != "assistant" || IsBlank(messages[^1].Content)))
        {
            throw RequestRefusedException.Invalid(
                "'continue_final_message' needs a last message of the assistant with text",
                FieldTable.ContinueFinalMessage.Name);
        }

        return new Conversation
        {
            Messages = messages,
            Tools = ToolFields.Parse(fields),
            AddGenerationPrompt = opens ?? (!continues && FieldTable.AddGenerationPrompt.Default),
            ContinueFinalMessage = continues,
            Variables = ParseVariables(fields),
        };
    }

    // What chat_template_kwargs says wins over the field of the same meaning.
    private static Dictionary<string, JsonElement> ParseVariables(RequestFields fields)
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (fields.Word(FieldTable.ReasoningEffort) is not null)
        {
            fields.TryGet(FieldTable.ReasoningEffort.Name, out var effort);
            variables[FieldTable.ReasoningEffort.Name] = effort;
        }

        if (fields.TryGet("documents", out var documents))
        {
            CheckDocuments(documents);
            variables["documents"] = documents;
        }

        if (fields.TryGet(Kwargs, out var kwargs))
        {
            AddKwargs(kwargs, variables);
        }

        return variables;
    }

    private static void CheckDocuments(JsonElement documents)
    {
        if (documents.ValueKind != JsonValueKind.Array
            || documents.GetArrayLength() > ServerLimits.MaxDocuments
            || documents.EnumerateArray().Any(one => one.ValueKind != JsonValueKind.Object))
        {
            throw RequestRefusedException.Invalid(
                $"'documents' must be a list of at most {ServerLimits.MaxDocuments} objects",
                "documents");
        }
    }

    private static void AddKwargs(JsonElement kwargs, Dictionary<string, JsonElement> variables)
    {
        if (kwargs.ValueKind != JsonValueKind.Object
            || kwargs.GetPropertyCount() > ServerLimits.MaxTemplateVariables)
        {
            throw RequestRefusedException.Invalid(
                $"'{Kwargs}' must be an object of at most {ServerLimits.MaxTemplateVariables} "
                + "variables",
                Kwargs);
        }

        foreach (var property in kwargs.EnumerateObject())
        {
            var name = RequestFields.NameOf(property);
            variables[name] = ChatTemplate.ReservedNames.Contains(name)
                ? throw RequestRefusedException.Invalid(
                    $"'{Kwargs}' may not set '{Quote.Cut(name)}', which the server sets", Kwargs)
                : property.Value;
        }
    }

    private static bool IsBlank(string text) => text.AsSpan().Trim().IsEmpty;
}
