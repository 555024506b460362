// Chat with the official .NET client.

using System.ClientModel.Primitives;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;

namespace NanoFlow.Server.Tests.Clients;

internal static class DotnetChat
{
    public static async Task RunAsync(ClientCase item, OpenAIClient client, JsonObject seen)
    {
        var request = item.Request;
        var chat = client.GetChatClient((string)request["model"]!);
        var messages = request["messages"]!.AsArray().Select(Read<ChatMessage>).ToArray();
        request.Remove("messages");
        var options = Read<ChatCompletionOptions>(request);
        seen["texts"] = new JsonArray();
        if (item.Mode == "stream")
        {
            await StreamAsync(item, chat, messages, options, seen);
            return;
        }

        Show(await chat.CompleteChatAsync(messages, options), seen);
        if (item.Client["twice"] is not null)
        {
            ChatCompletion again = await chat.CompleteChatAsync(messages, options);
            seen["again"] = new JsonArray(Text(again.Content));
        }
    }

    private static async Task StreamAsync(
        ClientCase item,
        ChatClient chat,
        ChatMessage[] messages,
        ChatCompletionOptions options,
        JsonObject seen)
    {
        var text = "";
        var logProbs = new JsonArray();
        var calls = new List<(string Name, string Arguments)>();
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, options))
        {
            text += Text(update.ContentUpdate);
            seen["id"] = update.CompletionId;
            seen["model"] = update.Model;
            seen["role"] = update.Role is { } role ? Lower(role) : seen["role"]?.DeepClone();
            Show(update.ContentTokenLogProbabilities, logProbs);
            update.ToolCallUpdates.ToList().ForEach(part => Show(part, calls));
            seen["texts"] = new JsonArray(text);
            if (update.FinishReason is { } finish)
            {
                seen["finish"] = new JsonArray(NameOf(finish));
            }

            if (update.Usage is { } usage)
            {
                seen["usage"] = Usage(usage);
            }

            if (item.Client["abort"] is not null && text.Length > 0)
            {
                seen["aborted"] = true;
                break;
            }
        }

        seen["logprobs"] = new JsonArray(logProbs);
        seen["calls"] = new JsonArray([.. calls.Select(call => Call(call.Name, call.Arguments))]);
    }

    private static JsonObject Call(string name, string arguments) =>
        new() { ["name"] = name, ["arguments"] = arguments };

    private static void Show(
        StreamingChatToolCallUpdate update, List<(string Name, string Arguments)> calls)
    {
        if (update.FunctionName is { } name)
        {
            Assert.Equal(calls.Count, update.Index);
            calls.Add((name, ""));
        }

        var piece = update.FunctionArgumentsUpdate;
        if (piece is not null && !piece.ToMemory().IsEmpty)
        {
            calls[update.Index] =
                (calls[update.Index].Name, calls[update.Index].Arguments + piece);
        }
    }

    private static void Show(ChatCompletion answer, JsonObject seen)
    {
        var logProbs = new JsonArray();
        Show(answer.ContentTokenLogProbabilities, logProbs);
        seen["id"] = answer.Id;
        seen["model"] = answer.Model;
        seen["role"] = Lower(answer.Role);
        seen["texts"] = new JsonArray(Text(answer.Content));
        seen["finish"] = new JsonArray(NameOf(answer.FinishReason));
        seen["usage"] = Usage(answer.Usage);
        seen["logprobs"] = new JsonArray(logProbs);
        seen["calls"] = new JsonArray([.. answer.ToolCalls.Select(
            call => Call(call.FunctionName, call.FunctionArguments.ToString()))]);
    }

    private static void Show(
        IReadOnlyList<ChatTokenLogProbabilityDetails> tokens, JsonArray logProbs)
    {
        foreach (var token in tokens)
        {
            logProbs.Add(new JsonObject
            {
                ["token"] = token.Token,
                ["logprob"] = token.LogProbability,
                ["bytes"] = new JsonArray(
                    [.. token.Utf8Bytes!.Value.ToArray().Select(value => (JsonNode)(int)value)]),
                ["top"] = token.TopLogProbabilities.Count,
            });
        }
    }

    private static JsonObject Usage(ChatTokenUsage usage) => new()
    {
        ["prompt"] = usage.InputTokenCount,
        ["completion"] = usage.OutputTokenCount,
        ["total"] = usage.TotalTokenCount,
    };

    private static string Text(ChatMessageContent content) =>
        string.Concat(content.Select(part => part.Text));

    private static string NameOf(ChatFinishReason finish) =>
        finish == ChatFinishReason.ToolCalls ? "tool_calls" : Lower(finish);

    private static string Lower(object value) => value.ToString()!.ToLowerInvariant();

    private static T Read<T>(JsonNode? json) =>
        ModelReaderWriter.Read<T>(BinaryData.FromString(json!.ToJsonString()))!;
}
