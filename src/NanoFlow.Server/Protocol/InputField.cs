// `instructions` and `input` of /v1/responses as a conversation. The input is a string, which the
// user says, or a list of items: messages, the reasoning of earlier answers, which belongs to the
// assistant's message after it, calls and what they returned.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class InputField
{
    private const string Name = "input";

    private static readonly WordField Role =
        new("role", ["system", "developer", "user", "assistant"]);

    // A client that sends an answer back sends output_text; "text" is how older ones call it.
    private static readonly string[] TextParts = ["input_text", "output_text", "text"];

    public static IReadOnlyList<Message> Parse(RequestFields fields)
    {
        var messages = new List<Message>();
        if (fields.Text("instructions") is { } instructions)
        {
            messages.Add(new Message("system", instructions, null, null));
        }

        if (!fields.TryGet(Name, out var input))
        {
            throw RequestRefusedException.Invalid("'input' is missing", Name);
        }

        if (input.ValueKind == JsonValueKind.String)
        {
            messages.Add(new Message("user", RequestFields.TextOf(input, Name), null, null));
        }
        else if (input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0)
        {
            AddItems(messages, input);
        }
        else
        {
            throw RequestRefusedException.Invalid(
                "'input' must be a string or a non-empty list of items", Name);
        }

        return messages;
    }

    private static void AddItems(List<Message> messages, JsonElement list)
    {
        string? reasoning = null;
        var calls = new List<(string? Id, string? Name, string? Arguments)>();
        foreach (var (index, element) in list.EnumerateArray().Index())
        {
            var path = $"{Name}[{index}]";
            var item = new RequestFields(element, path);
            var type = item.Text("type") ?? "message";
            if (type != "function_call")
            {
                AddCalls(messages, calls, ref reasoning, path);
            }

            switch (type)
            {
                case "message":
                    messages.Add(One(item, path, reasoning));
                    reasoning = null;
                    break;
                case "reasoning":
                    reasoning += Reasoning(item, path);
                    break;
                case "function_call":
                    calls.Add((item.Text("call_id"), item.Text("name"), item.Text("arguments")));
                    break;
                case "function_call_output":
                    messages.Add(Output(item, path));
                    break;
                default:
                    throw new RequestRefusedException(ApiError.NotSupported(
                        path + ".type",
                        $"'{path}' is of type '{Quote.Cut(type)}'; supported are message, "
                        + "reasoning, function_call and function_call_output"));
            }
        }

        AddCalls(messages, calls, ref reasoning, Name);
    }

    // Neighbouring calls belong to one message of the assistant, the one before them if there is
    // one.
    private static void AddCalls(
        List<Message> messages,
        List<(string? Id, string? Name, string? Arguments)> calls,
        ref string? reasoning,
        string path)
    {
        if (calls.Count == 0)
        {
            return;
        }

        if (messages.Count == 0 || messages[^1].Role != "assistant")
        {
            messages.Add(new Message("assistant", "", null, null, reasoning));
            reasoning = null;
        }

        messages[^1] = messages[^1] with { ToolCalls = ForeignTools.Calls(calls, path) };
        calls.Clear();
    }

    private static Message Output(RequestFields item, string path)
    {
        if (!item.TryGet("output", out var output))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.output' is missing", path + ".output");
        }

        var text = string.Concat(TextBlocks.Parse(output, path + ".output", TextParts));
        return new Message("tool", text, null, item.Text("call_id"));
    }

    private static Message One(RequestFields item, string path, string? reasoning)
    {
        var role = item.Word(Role) ?? throw RequestRefusedException.Invalid(
            $"'{path}.role' is missing", path + ".role");
        if (!item.TryGet("content", out var content))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.content' is missing", path + ".content");
        }

        var text = TextBlocks.Parse(content, path + ".content", TextParts);
        return new Message(
            role, string.Concat(text), null, null, role == "assistant" ? reasoning : null);
    }

    // The summary repeats what the content says.
    private static string Reasoning(RequestFields item, string path) =>
        item.TryGet("content", out var content)
            ? string.Concat(TextBlocks.Parse(content, path + ".content", ["reasoning_text"]))
            : "";
}
