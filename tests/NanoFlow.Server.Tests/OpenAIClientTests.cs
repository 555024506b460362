// The official .NET client against the real server over a socket. It is the strictest of the
// official clients: it throws on a finish reason or a role that it does not know.

using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace NanoFlow.Server.Tests;

public sealed class OpenAIClientTests(EchoServer server) : IClassFixture<EchoServer>
{
    private static readonly ChatMessage[] Conversation =
    [
        new SystemChatMessage("You count."),
        new UserChatMessage("abc"),
        new AssistantChatMessage("def"),
        new UserChatMessage("ghi"),
    ];

    [Fact]
    public async Task Client_Chat_ReadsTextReasonAndUsage()
    {
        ChatCompletion answer = await Chat().CompleteChatAsync(
            Conversation, new ChatCompletionOptions { MaxOutputTokenCount = 4 });

        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(4, answer.Content[0].Text.Length);
        Assert.Equal(4, answer.Usage.OutputTokenCount);
        Assert.Equal(
            answer.Usage.InputTokenCount + 4, answer.Usage.TotalTokenCount);
        Assert.Equal("echo", answer.Model);
        Assert.StartsWith("chatcmpl-", answer.Id);
    }

    [Fact]
    public async Task Client_StopSequence_EndsWithStop()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 30 };
        options.StopSequences.Add("\u0011");
        ChatCompletion answer = await Chat().CompleteChatAsync(Conversation, options);

        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.DoesNotContain("\u0011", answer.Content[0].Text);
    }

    [Fact]
    public async Task Client_Stream_EqualsTheWholeAnswerAndEndsWithUsage()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 12 };
        ChatCompletion whole = await Chat().CompleteChatAsync(Conversation, options);
        var text = "";
        ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;
        await foreach (var update in Chat().CompleteChatStreamingAsync(Conversation, options))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason = update.FinishReason ?? reason;
            usage = update.Usage ?? usage;
        }

        Assert.Equal(whole.Content[0].Text, text);
        Assert.Equal(ChatFinishReason.Length, reason);
        Assert.Equal(12, usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Client_LogProbs_AreReadForEveryToken()
    {
        var options = new ChatCompletionOptions
        {
            MaxOutputTokenCount = 3,
            IncludeLogProbabilities = true,
            TopLogProbabilityCount = 2,
        };
        ChatCompletion answer = await Chat().CompleteChatAsync(Conversation, options);

        Assert.Equal(3, answer.ContentTokenLogProbabilities.Count);
        foreach (var token in answer.ContentTokenLogProbabilities)
        {
            Assert.True(token.LogProbability <= 0);
            Assert.Equal(2, token.TopLogProbabilities.Count);
            Assert.Equal(
                token.Utf8Bytes!.Value.ToArray(), System.Text.Encoding.UTF8.GetBytes(token.Token));
        }
    }

    [Fact]
    public async Task Client_Models_AreListed()
    {
        OpenAIModelCollection models = await Client().GetOpenAIModelClient().GetModelsAsync();

        Assert.Contains(models, model => model.Id == "echo");
    }

    [Fact]
    public async Task Client_BadValue_GetsStatus400WithMessage()
    {
        var options = new ChatCompletionOptions { Temperature = 3 };
        var error = await Assert.ThrowsAsync<ClientResultException>(
            async () => await Chat().CompleteChatAsync(Conversation, options));

        Assert.Equal(400, error.Status);
        Assert.Contains("temperature", error.Message);
    }

    [Fact]
    public async Task Client_UnknownModel_GetsStatus404WithCode()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(
            async () => await Client().GetChatClient("gpt-9").CompleteChatAsync(Conversation));

        Assert.Equal(404, error.Status);
        Assert.Contains("model_not_found", error.Message);
    }

    [Fact]
    public async Task Client_WrongKey_GetsStatus401WithCode()
    {
        var guarded = await server.StartAsync(new ServerOptions { ApiKeys = ["right"] });
        var client = Client(guarded.Address);
        var error = await Assert.ThrowsAsync<ClientResultException>(
            async () => await client.GetChatClient("echo").CompleteChatAsync(Conversation));

        Assert.Equal(401, error.Status);
        Assert.Contains("invalid_api_key", error.Message);
    }

    private ChatClient Chat() => Client().GetChatClient("echo");

    private OpenAIClient Client(string? address = null) => new(
        new ApiKeyCredential("wrong"),
        new OpenAIClientOptions
        {
            Endpoint = new Uri((address ?? server.Address) + "/v1"),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        });
}
