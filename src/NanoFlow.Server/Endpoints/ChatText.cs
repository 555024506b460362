// A conversation as the text its model was trained on.

using System.Buffers;
using System.Text.Json;
using NanoFlow.Server.Protocol;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Endpoints;

internal static class ChatText
{
    // Stands behind the content that is to be continued while the template is rendered, and is cut
    // off with everything after it. The space shows whether the template trims what it is given.
    private const string Cut = "\uE000cut\uE001 ";

    public static string Render(ServerState server, Conversation conversation)
    {
        if (server.Model.ChatTemplate is not { } template)
        {
            throw RequestRefusedException.Invalid(
                "this model has no chat template; use /v1/completions", "messages");
        }

        var guard = Guard(server);
        using var json = ToJson(conversation);
        var config = server.Model.Tokenizer.Config;
        try
        {
            var text = template.Render(new ChatTemplateInput
            {
                Messages = json.RootElement,
                Tools = conversation.Tools?.Element,
                AddGenerationPrompt = conversation.AddGenerationPrompt,
                BosToken = config.BosToken,
                EosToken = config.EosToken,
                Variables = conversation.Variables,
                Guard = guard,
            });
            return conversation.ContinueFinalMessage
                ? UpToContent(text, conversation.Messages[^1].Content, guard)
                : text;
        }
        catch (ChatTemplateException e)
        {
            // Templates refuse conversations they were not made for, such as two user turns.
            throw RequestRefusedException.Invalid(Quote.Cut(e.Message, 500), "messages");
        }
    }

    /// <summary>How rendered text becomes tokens.</summary>
    public static EncodeOptions Encoding(ServerState server, bool addSpecialTokens) => new()
    {
        AddSpecialTokens = addSpecialTokens,
        DropGuards = server.Options.NoSpecialInContent,
    };

    private static Func<string, string>? Guard(ServerState server) =>
        server.Options.NoSpecialInContent ? server.Model.Tokenizer.GuardSpecialTokens : null;

    // A template that trims contents was not trained on spaces there, so they go here, too.
    private static string UpToContent(string text, string content, Func<string, string>? guard)
    {
        var mark = text.LastIndexOf(Cut.TrimEnd(), StringComparison.Ordinal);
        if (mark >= 0)
        {
            var trims = !text.AsSpan(mark).StartsWith(Cut);
            var prefix = trims ? text[..mark].TrimEnd() : text[..mark];
            var expected = (guard?.Invoke(content) ?? content).TrimStart();
            if (prefix.EndsWith(trims ? expected.TrimEnd() : expected, StringComparison.Ordinal))
            {
                return prefix;
            }
        }

        throw RequestRefusedException.Invalid(
            "this model's chat template changes the last message, so that it cannot be continued",
            FieldTable.ContinueFinalMessage.Name);
    }

    // Parts of content have been joined: many templates know text only.
    private static JsonDocument ToJson(Conversation conversation)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (var i = 0; i < conversation.Messages.Count; i++)
            {
                var isLast = i == conversation.Messages.Count - 1;
                Write(
                    json,
                    conversation.Messages[i],
                    isLast && conversation.ContinueFinalMessage ? Cut : "");
            }

            json.WriteEndArray();
        }

        return JsonDocument.Parse(buffer.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter json, Message message, string suffix)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, TemplateRole(message.Role));
        json.WriteString("content"u8, message.Content + suffix);
        WriteIfAny(json, "reasoning_content", message.Reasoning);
        WriteIfAny(json, "name", message.Name);
        WriteIfAny(json, "tool_call_id", message.ToolCallId);
        if (message.ToolCalls is { } calls)
        {
            json.WritePropertyName("tool_calls"u8);
            json.WriteRawValue(calls);
        }

        json.WriteEndObject();
    }

    private static void WriteIfAny(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    // Templates predate the role "developer", which OpenAI calls the new name of "system".
    private static string TemplateRole(string role) => role == "developer" ? "system" : role;
}
