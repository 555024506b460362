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
            AddTurn(messages, element, $"{Name}[{index}]");
        }

        var continues = messages[^1].Role == "assistant"
            && messages[^1].ToolCalls is null
            && !string.IsNullOrWhiteSpace(messages[^1].Content);
        return new Conversation
        {
            Messages = messages,
            Tools = ForeignTools.OfMessages(fields),
            AddGenerationPrompt = !continues,
            ContinueFinalMessage = continues,
            Variables = Thinking(fields),
        };
    }

    private static void AddTurn(List<Message> messages, JsonElement element, string path)
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
        if (content.ValueKind != JsonValueKind.Array)
        {
            var text = string.Concat(TextBlocks.Parse(content, path, Text));
            Add(messages, new Message(role, text, null, null));
        }
        else if (role == "assistant")
        {
            Add(messages, Answer(content, path));
        }
        else
        {
            AddBlocks(messages, content, path);
        }
    }

    private static void Add(List<Message> messages, Message message)
    {
        if (messages.Count == 0 || messages[^1].Role != message.Role
            || messages[^1].ToolCalls is not null)
        {
            messages.Add(message);
            return;
        }

        messages[^1] = messages[^1] with
        {
            Content = messages[^1].Content + Gap + message.Content,
            Reasoning = messages[^1].Reasoning ?? message.Reasoning,
            ToolCalls = message.ToolCalls,
        };
    }

    // What a tool returned is a message of its own, before what the user says beside it.
    private static void AddBlocks(List<Message> messages, JsonElement content, string path)
    {
        var texts = new List<string>();
        foreach (var (block, blockPath, type) in Blocks(content, path))
        {
            switch (type)
            {
                case "text":
                    texts.Add(TextBlocks.TextOf(block, "text", blockPath));
                    break;
                case "tool_result":
                    messages.Add(Result(block, blockPath));
                    break;
                default:
                    throw Unknown(type, blockPath, "text and tool_result");
            }
        }

        if (texts.Count > 0 || messages.Count == 0 || messages[^1].Role != "tool")
        {
            Add(messages, new Message("user", string.Join(Gap, texts), null, null));
        }
    }

    private static Message Result(RequestFields block, string path)
    {
        var text = block.TryGet("content", out var content)
            ? string.Join(Gap, TextBlocks.Parse(content, path + ".content", Text))
            : "";
        return new Message("tool", text, null, block.Text("tool_use_id"));
    }

    // An answer that is sent back may hold its thoughts and calls.
    private static Message Answer(JsonElement content, string path)
    {
        string? reasoning = null;
        var texts = new List<string>();
        var calls = new List<(string? Id, string? Name, string? Arguments)>();
        foreach (var (block, blockPath, type) in Blocks(content, path))
        {
            switch (type)
            {
                case "text":
                    texts.Add(TextBlocks.TextOf(block, "text", blockPath));
                    break;
                case "thinking":
                    reasoning += TextBlocks.TextOf(block, "thinking", blockPath);
                    break;
                case "tool_use":
                    var input = block.TryGet("input", out var given) ? given.GetRawText() : "{}";
                    calls.Add((block.Text("id"), block.Text("name"), input));
                    break;
                default:
                    throw Unknown(type, blockPath, "text, thinking and tool_use");
            }
        }

        return new Message(
            "assistant",
            string.Join(Gap, texts),
            null,
            null,
            reasoning,
            calls.Count > 0 ? ForeignTools.Calls(calls, path) : null);
    }

    private static IEnumerable<(RequestFields Block, string Path, string Type)> Blocks(
        JsonElement content, string path)
    {
        foreach (var (index, element) in content.EnumerateArray().Index())
        {
            var blockPath = $"{path}[{index}]";
            var block = new RequestFields(element, blockPath);
            yield return (block, blockPath, block.Text("type") ?? "");
        }
    }

    private static RequestRefusedException Unknown(string type, string path, string known) =>
        new(ApiError.NotSupported(
            path + ".type",
            $"'{path}' is of type '{Quote.Cut(type)}'; supported are {known}"));

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
