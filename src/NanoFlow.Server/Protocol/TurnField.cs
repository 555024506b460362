// `system` and `messages` of /v1/messages as a conversation. Neighbouring messages of one role are
// one turn, and a last message of the assistant is the beginning of the answer.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class TurnField
{
    private const string Name = "messages";

    // Between blocks of text, and between messages that become one turn.
    private const string Gap = "\n\n";

    private static readonly WordField Role = new("role", ["user", "assistant"]);
    private static readonly string[] Text = ["text"];
    private static readonly JsonElement True = JsonElement.Parse("true");
    private static readonly JsonElement False = JsonElement.Parse("false");

    public static Conversation Parse(RequestFields fields)
    {
        var messages = new List<Message>();
        if (fields.TryGet("system", out var system))
        {
            var text = string.Join(Gap, TextBlocks.Parse(system, "system", Text));
            messages.Add(new Message("system", text, null, null));
        }

        if (!fields.TryGet(Name, out var list) || list.ValueKind != JsonValueKind.Array
            || list.GetArrayLength() == 0)
        {
            throw RequestRefusedException.Invalid("'messages' must be a non-empty list", Name);
        }

        foreach (var (index, element) in list.EnumerateArray().Index())
        {
            Add(messages, One(element, $"{Name}[{index}]"));
        }

        var continues = messages[^1].Role == "assistant"
            && !string.IsNullOrWhiteSpace(messages[^1].Content);
        return new Conversation
        {
            Messages = messages,
            AddGenerationPrompt = !continues,
            ContinueFinalMessage = continues,
            Variables = Thinking(fields),
        };
    }

    private static void Add(List<Message> messages, Message message)
    {
        if (messages.Count == 0 || messages[^1].Role != message.Role)
        {
            messages.Add(message);
            return;
        }

        messages[^1] = messages[^1] with
        {
            Content = messages[^1].Content + Gap + message.Content,
            Reasoning = messages[^1].Reasoning ?? message.Reasoning,
        };
    }

    private static Message One(JsonElement element, string path)
    {
        var fields = new RequestFields(element, path);
        var role = fields.Word(Role) ?? throw RequestRefusedException.Invalid(
            $"'{path}.role' is missing", path + ".role");
        if (!fields.TryGet("content", out var content))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.content' is missing", path + ".content");
        }

        path += ".content";
        return role == "assistant" && content.ValueKind == JsonValueKind.Array
            ? Answer(content, path)
            : new Message(
                role, string.Join(Gap, TextBlocks.Parse(content, path, Text)), null, null);
    }

    // An answer that is sent back may hold its thoughts.
    private static Message Answer(JsonElement content, string path)
    {
        string? reasoning = null;
        var texts = new List<string>();
        foreach (var (index, element) in content.EnumerateArray().Index())
        {
            var blockPath = $"{path}[{index}]";
            var block = new RequestFields(element, blockPath);
            switch (block.Text("type"))
            {
                case "text":
                    texts.Add(TextBlocks.TextOf(block, "text", blockPath));
                    break;
                case "thinking":
                    reasoning += TextBlocks.TextOf(block, "thinking", blockPath);
                    break;
                case var type:
                    throw new RequestRefusedException(ApiError.NotSupported(
                        blockPath + ".type",
                        $"'{blockPath}' is of type '{Quote.Cut(type ?? "")}'; supported are text "
                        + "and thinking"));
            }
        }

        return new Message("assistant", string.Join(Gap, texts), null, null, reasoning);
    }

    // Templates of models that can do both know the choice under this name.
    private static Dictionary<string, JsonElement> Thinking(RequestFields fields)
    {
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        var field = new WordField("type", ["enabled", "disabled", "adaptive"]);
        if (fields.Nested("thinking") is { } thinking && thinking.Word(field) is { } type)
        {
            variables["enable_thinking"] = type == "disabled" ? False : True;
        }

        return variables;
    }
}
