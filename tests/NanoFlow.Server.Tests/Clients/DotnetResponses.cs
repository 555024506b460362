// The Responses API with the official .NET client. It shows a summary of reasoning only, so what a
// model thought is seen by the other clients.

using System.ClientModel.Primitives;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Responses;

namespace NanoFlow.Server.Tests.Clients;

internal static class DotnetResponses
{
    public static async Task RunAsync(ClientCase item, OpenAIClient client, JsonObject seen)
    {
        var options = Options(item.Request);
        if (item.Mode == "whole")
        {
            Show(await client.GetResponsesClient().CreateResponseAsync(options), seen);
            return;
        }

        options.StreamingEnabled = true;
        var text = "";
        var count = 0;
        var events = new List<string>();
        var updates = client.GetResponsesClient().CreateResponseStreamingAsync(options);
        await foreach (var update in updates)
        {
            Assert.Equal(count++, update.SequenceNumber);
            if (TypeOf(update) is var type && events.LastOrDefault() != type)
            {
                events.Add(type);
            }

            text += (update as StreamingResponseOutputTextDeltaUpdate)?.Delta;
            if (Ended(update) is { } response)
            {
                Show(response, seen);
                Assert.Equal(response.GetOutputText() ?? "", text);
            }
        }

        seen["events"] = new JsonArray([.. events.Select(name => (JsonNode)name)]);
    }

    // The client has no strings in place of lists, and every item has its type.
    private static CreateResponseOptions Options(JsonObject request)
    {
        if (request["input"] is JsonValue said)
        {
            request["input"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = said.DeepClone() });
        }

        foreach (var item in request["input"]!.AsArray().OfType<JsonObject>())
        {
            item["type"] ??= "message";
            if (item["content"] is JsonValue text)
            {
                item["content"] = new JsonArray(
                    new JsonObject { ["type"] = "input_text", ["text"] = text.DeepClone() });
            }
        }

        return ModelReaderWriter.Read<CreateResponseOptions>(
            BinaryData.FromString(request.ToJsonString()))!;
    }

    private static ResponseResult? Ended(StreamingResponseUpdate update) => update switch
    {
        StreamingResponseCompletedUpdate completed => completed.Response,
        StreamingResponseIncompleteUpdate incomplete => incomplete.Response,
        StreamingResponseFailedUpdate failed => failed.Response,
        _ => null,
    };

    private static string TypeOf(StreamingResponseUpdate update) =>
        (string)JsonNode.Parse(ModelReaderWriter.Write(update))!["type"]!;

    private static void Show(ResponseResult response, JsonObject seen)
    {
        var messages = response.OutputItems.OfType<MessageResponseItem>().ToArray();
        seen["id"] = response.Id;
        seen["model"] = response.Model;
        seen["role"] = messages.FirstOrDefault()?.Role.ToString().ToLowerInvariant();
        seen["texts"] = new JsonArray([.. messages.Select(message =>
            (JsonNode)string.Concat(message.Content.Select(part => part.Text)))]);
        seen["calls"] = new JsonArray([.. response.OutputItems.OfType<FunctionCallResponseItem>()
            .Select(call => new JsonObject
            {
                ["name"] = call.FunctionName,
                ["arguments"] = call.FunctionArguments.ToString(),
            })]);
        seen["status"] = response.Status?.ToString().ToLowerInvariant();
        seen["incomplete"] = response.IncompleteStatusDetails?.Reason?.ToString();
        seen["metadata"] = new JsonObject(response.Metadata.Select(
            entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
        if (response.Usage is { } usage)
        {
            seen["usage"] = new JsonObject
            {
                ["prompt"] = usage.InputTokenCount,
                ["completion"] = usage.OutputTokenCount,
                ["total"] = usage.TotalTokenCount,
                ["reasoning"] = usage.OutputTokenDetails.ReasoningTokenCount,
            };
        }
    }
}
