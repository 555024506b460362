// The program serving the sample model, asked over a socket.

using System.Net;
using System.Text;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class ServeTests
{
    private const string Question =
        "\"messages\":[{\"role\":\"user\",\"content\":"
        + "\"Tell me a story about a fox named Lily who finds a map.\"}],\"temperature\":0";

    // As the sample's README quotes it.
    private const string StoryBegins =
        "Once upon a time, in a city, there was a fox called Lily. She was small but patient.";

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public async Task Storyteller_AskedGreedily_TellsItsStory(string device)
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            NanoFlowProcess.Storyteller, "--device", device);
        await using var running = process;
        using var http = client;
        var answer = await PostAsync(client, $"{{{Question},\"model\":\"storyteller\"}}");
        var choice = answer.GetProperty("choices")[0];

        Assert.StartsWith(
            StoryBegins, choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Storyteller_AnswersTogether_AreThoseItGivesAlone()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(NanoFlowProcess.Storyteller);
        await using var running = process;
        using var http = client;
        string[] animals = ["fox", "owl", "rabbit", "hedgehog", "dragon", "mouse"];
        var alone = new List<string>();
        foreach (var animal in animals)
        {
            alone.Add(await StoryAsync(client, animal, seed: 7));
        }

        var together = await Task.WhenAll(
            animals.Select(animal => StoryAsync(client, animal, seed: 7)));

        Assert.Equal(alone, together);
        Assert.Equal(animals.Length, alone.Distinct().Count());
    }

    [Fact]
    public async Task Server_Terminated_EndsRunningStreamsAndItself()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM on Windows");
        var (process, client) = await NanoFlowProcess.ServeAsync(
            NanoFlowProcess.Storyteller, "--device", "reference");
        await using var running = process;
        using var http = client;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Json($"{{{Question},\"stream\":true,\"ignore_eos\":true}}"),
        };
        using var response = await client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead);
        await process.TerminateAsync();
        var stream = await response.Content.ReadAsStringAsync();
        var finished = await process.FinishAsync();

        Assert.EndsWith("data: [DONE]\n\n", stream);
        Assert.Equal(0, finished.ExitCode);
        Assert.Contains("stopped", finished.Output);
    }

    [Fact]
    public async Task Server_Started_SaysHowToAskAndNeverLogsPrompts()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM on Windows");
        var (process, client) = await NanoFlowProcess.ServeAsync(
            NanoFlowProcess.Storyteller, "--served-model-name", "a", "--served-model-name", "b");
        await using var running = process;
        using var http = client;
        await PostAsync(client, $"{{{Question},\"model\":\"b\",\"max_tokens\":3}}");
        await process.TerminateAsync();
        var finished = await process.FinishAsync();

        Assert.Contains("KV cache", finished.Output);
        Assert.Contains("backend cpu", finished.Output);
        Assert.Contains("curl http://127.0.0.1:", finished.Output);
        Assert.Contains("completion_tokens=3", finished.Errors);
        Assert.DoesNotContain("Lily", finished.Errors);
    }

    [Fact]
    public async Task Server_WithKey_AsksForIt()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            NanoFlowProcess.Storyteller, "--api-key", "one", "--api-key", "two");
        await using var running = process;
        using var http = client;
        using var refused = await client.GetAsync("/v1/models");
        client.DefaultRequestHeaders.Authorization = new("Bearer", "two");
        using var passed = await client.GetAsync("/v1/models");

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, passed.StatusCode);
    }

    private static async Task<string> StoryAsync(HttpClient client, string animal, int seed)
    {
        var answer = await PostAsync(
            client,
            $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"Tell me about a {animal}.\"}}],"
            + $"\"seed\":{seed},\"temperature\":0.8,\"max_tokens\":40}}");
        return answer.GetProperty("choices")[0].GetProperty("message")
            .GetProperty("content").GetString()!;
    }

    private static async Task<JsonElement> PostAsync(HttpClient client, string json)
    {
        using var response = await client.PostAsync("/v1/chat/completions", Json(json));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");
}
