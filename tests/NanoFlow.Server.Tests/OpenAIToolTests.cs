// The official .NET client uses tools: it is told of a call, answers it, and reads what comes of
// it.

using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using NanoFlow.Engine;
using OpenAI;
using OpenAI.Chat;

namespace NanoFlow.Server.Tests;

public sealed class OpenAIToolTests(RandomHost random) : IClassFixture<RandomHost>
{
    private static readonly ChatTool Weather = ChatTool.CreateFunctionTool(
        "weather",
        "The weather of a city.",
        BinaryData.FromString(
            """
            {"type":"object","properties":{"city":{"enum":["Oslo","Rome"]}},"required":["city"],
            "additionalProperties":false}
            """));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_ToolRoundTrip_EndsWithText(bool isStreamed)
    {
        var model = new ScriptedModel
        {
            Template = "{{ messages[-1]['content'] }}{# tools <tool_call> #}",
        };
        var ask = model.AddScript(
        [
            "Let me ", "look.", "\n<tool_", "call>\n{\"name\": \"wea", "ther\", \"argu",
            "ments\": {\"ci", "ty\": \"Oslo\"}", "}\n</tool_call>",
        ]);
        var told = model.AddScript(["It ", "rains."]);
        await using var host = await EchoHost.StartAsync(
            new EngineOptions { MaxModelLength = 256 }, null, model);
        var chat = Chat(host.Server.Address, EchoServer.ModelName);
        var messages = new List<ChatMessage> { new UserChatMessage(ask) };

        var (text, calls, reason) = await SayAsync(chat, messages, isStreamed);
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
        Assert.Equal("Let me look.", text);
        var call = Assert.Single(calls);
        Assert.Equal("weather", call.FunctionName);
        Assert.Equal("{\"city\": \"Oslo\"}", call.FunctionArguments.ToString());

        messages.Add(new AssistantChatMessage(calls));
        messages.Add(new ToolChatMessage(call.Id, told));
        (text, calls, reason) = await SayAsync(chat, messages, isStreamed);
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal("It rains.", text);
        Assert.Empty(calls);
    }

    [Fact]
    public async Task Client_RequiredAndNamed_GetValidCalls()
    {
        var chat = Chat(random.Address, "random");
        foreach (var choice in new[]
        {
            ChatToolChoice.CreateRequiredChoice(), ChatToolChoice.CreateFunctionChoice("weather"),
        })
        {
            var options = new ChatCompletionOptions
            {
                ToolChoice = choice,
                Tools = { Weather },
                AllowParallelToolCalls = false,
            };
            ChatCompletion answer =
                await chat.CompleteChatAsync([new UserChatMessage("x")], options);

            var call = Assert.Single(answer.ToolCalls);
            Assert.Equal("weather", call.FunctionName);
            Assert.Contains("city", call.FunctionArguments.ToString());
        }
    }

    [Fact]
    public async Task Client_JsonSchemaFormat_GetsValidJson()
    {
        var options = new ChatCompletionOptions
        {
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat(
                "answer",
                BinaryData.FromString("""{"enum":["yes","no"]}"""),
                jsonSchemaIsStrict: true),
        };
        ChatCompletion answer = await Chat(random.Address, "random")
            .CompleteChatAsync([new UserChatMessage("x")], options);

        Assert.Contains(answer.Content[0].Text, new[] { "\"yes\"", "\"no\"" });
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
    }

    private static async Task<(string Text, IReadOnlyList<ChatToolCall>, ChatFinishReason?)>
        SayAsync(ChatClient chat, List<ChatMessage> messages, bool isStreamed)
    {
        var options = new ChatCompletionOptions { Tools = { Weather } };
        if (!isStreamed)
        {
            ChatCompletion answer = await chat.CompleteChatAsync(messages, options);
            var content = string.Concat(answer.Content.Select(static part => part.Text));
            return (content, answer.ToolCalls, answer.FinishReason);
        }
        var text = new StringBuilder();
        var calls = new Dictionary<int, (string Id, string Name, StringBuilder Arguments)>();
        ChatFinishReason? reason = null;
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, options))
        {
            text.AppendJoin("", update.ContentUpdate.Select(static part => part.Text));
            reason = update.FinishReason ?? reason;
            foreach (var part in update.ToolCallUpdates)
            {
                if (part.FunctionName is { } name)
                {
                    calls[part.Index] = (part.ToolCallId, name, new StringBuilder());
                }
                var piece = part.FunctionArgumentsUpdate;
                var isEmpty = piece.ToMemory().IsEmpty;
                calls[part.Index].Arguments.Append(isEmpty ? "" : piece.ToString());
            }
        }
        return (text.ToString(), [.. calls.Values.Select(static call =>
            ChatToolCall.CreateFunctionToolCall(
                call.Id, call.Name, BinaryData.FromString(call.Arguments.ToString())))], reason);
    }

    private static ChatClient Chat(string address, string model) => new OpenAIClient(
        new ApiKeyCredential("none"),
        new OpenAIClientOptions
        {
            Endpoint = new Uri(address + "/v1"),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        }).GetChatClient(model);
}
