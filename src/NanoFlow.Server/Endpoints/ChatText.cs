// A conversation as the text its model was trained on.

using System.Buffers;
using System.Text.Json;
using NanoFlow.Server.Protocol;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Endpoints;

internal static class ChatText
{
    public static string Render(
        ServedModel model, IReadOnlyList<Message> messages, bool addGenerationPrompt)
    {
        if (model.ChatTemplate is not { } template)
        {
            throw RequestRefusedException.Invalid(
                "this model has no chat template; use /v1/completions", "messages");
        }

        using var json = ToJson(messages);
        var config = model.Tokenizer.Config;
        try
        {
            return template.Render(new ChatTemplateInput
            {
                Messages = json.RootElement,
                AddGenerationPrompt = addGenerationPrompt,
                BosToken = config.BosToken,
                EosToken = config.EosToken,
            });
        }
        catch (ChatTemplateException e)
        {
            // Templates refuse conversations they were not made for, such as two user turns.
            throw RequestRefusedException.Invalid(Quote.Cut(e.Message, 500), "messages");
        }
    }

    // Parts of content have been joined: many templates know text only.
    private static JsonDocument ToJson(IReadOnlyList<Message> messages)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var message in messages)
            {
                json.WriteStartObject();
                json.WriteString("role"u8, TemplateRole(message.Role));
                json.WriteString("content"u8, message.Content);
                WriteIfAny(json, "name", message.Name);
                WriteIfAny(json, "tool_call_id", message.ToolCallId);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return JsonDocument.Parse(buffer.WrittenMemory);
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
