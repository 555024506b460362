// `instructions` and `input` of /v1/responses as a conversation. The input is a string, which the
// user says, or a list of items: messages, and the reasoning of earlier answers, which belongs to
// the assistant's message after it.

using System.Text;
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
        foreach (var (index, element) in list.EnumerateArray().Index())
        {
            var path = $"{Name}[{index}]";
            var item = new RequestFields(element, path);
            switch (item.Text("type") ?? "message")
            {
                case "message":
                    messages.Add(One(item, path, reasoning));
                    reasoning = null;
                    break;
                case "reasoning":
                    reasoning += Reasoning(item, path);
                    break;
                case var type:
                    throw new RequestRefusedException(ApiError.NotSupported(
                        path + ".type",
                        $"'{path}' is of type '{Quote.Cut(type)}'; supported are message and "
                        + "reasoning"));
            }
        }
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
