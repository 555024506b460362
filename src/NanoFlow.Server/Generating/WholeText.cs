// The answer as one document, after the last token of the last choice.

using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal static class WholeText
{
    public static async Task WriteAsync(HttpContext context, TextRun run, ResponseHead head)
    {
        var format = run.Request.Format;
        var texts = new string[run.Choices.Count];
        foreach (var choice in run.Choices)
        {
            while (await run.WaitAsync(choice, context.RequestAborted))
            {
                run.AppendReady(choice);
            }

            var echo = run.Request.PromptOf(choice.Index).Echo;
            texts[choice.Index] = echo + Encoding.UTF8.GetString(choice.Ready);
        }

        await JsonResponse.WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            head.Write(json, format.ObjectName);
            json.WriteStartArray("choices"u8);
            foreach (var choice in run.Choices)
            {
                WriteChoice(json, run, choice, texts[choice.Index]);
            }

            json.WriteEndArray();
            run.Usage.Write(json);
            json.WriteNull("system_fingerprint"u8);
        });
    }

    private static void WriteChoice(Utf8JsonWriter json, TextRun run, Choice choice, string text)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, choice.Index);
        run.Request.Format.WriteWhole(json, text);
        json.WritePropertyName("logprobs"u8);
        run.Request.WriteLogProbs(json, choice);
        json.WriteString("finish_reason"u8, choice.FinishReason);
        json.WriteEndObject();
    }
}
