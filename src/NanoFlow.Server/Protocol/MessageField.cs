// `messages` of /v1/chat/completions. Content is a string or a list of text parts, which are
// joined; other kinds of parts are refused, because dropping one would change the question.

using System.Text;
using System.Text.Json;

namespace NanoFlow.Server.Protocol;

/// <param name="Reasoning">What the assistant thought before it answered; templates that know
/// about it decide whether the model sees it again.</param>
/// <param name="ToolCalls">What the assistant called, as JSON for templates.</param>
internal sealed record Message(
    string Role,
    string Content,
    string? Name,
    string? ToolCallId,
    string? Reasoning = null,
    string? ToolCalls = null);

internal static class MessageField
{
    private const string Name = "messages";

    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    public static IReadOnlyList<Message> Parse(RequestFields fields)
    {
        if (!fields.TryGet(Name, out var list))
        {
            throw RequestRefusedException.Invalid("'messages' is missing", Name);
        }

        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw RequestRefusedException.Invalid("'messages' must be a non-empty list", Name);
        }

        return list.EnumerateArray().Select(One).ToArray();
    }

    private static Message One(JsonElement element, int index)
    {
        var path = $"messages[{index}]";
        var fields = new RequestFields(element, path);
        var role = fields.Text("role")
            ?? throw RequestRefusedException.Invalid($"'{path}.role' is missing", path + ".role");
        if (!Roles.Contains(role))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.role' must be one of {string.Join(", ", Roles)}, "
                + $"got '{Quote.Cut(role)}'",
                path + ".role");
        }

        return new Message(
            role,
            Content(fields, role, path + ".content"),
            fields.Text("name"),
            fields.Text("tool_call_id"),
            fields.Text("reasoning_content"),
            ToolCallsField.Parse(fields, role, path));
    }

    private static string Content(RequestFields fields, string role, string param)
    {
        if (!fields.TryGet("content", out var content))
        {
            return role == "assistant"
                ? ""
                : throw RequestRefusedException.Invalid($"'{param}' is missing", param);
        }

        return content.ValueKind switch
        {
            JsonValueKind.String => RequestFields.TextOf(content, param),
            JsonValueKind.Array => Parts(content, param),
            _ => throw RequestRefusedException.Invalid(
                $"'{param}' must be a string or a list of text parts", param),
        };
    }

    private static string Parts(JsonElement list, string param)
    {
        var text = new StringBuilder();
        foreach (var item in list.EnumerateArray())
        {
            var part = new RequestFields(item, param);
            if (part.Text("type") != "text")
            {
                throw new RequestRefusedException(ApiError.NotSupported(
                    param, $"'{param}' may hold parts of type text only"));
            }

            text.Append(part.Text("text") ?? throw RequestRefusedException.Invalid(
                $"a part of '{param}' has no text", param));
        }

        return text.ToString();
    }
}
