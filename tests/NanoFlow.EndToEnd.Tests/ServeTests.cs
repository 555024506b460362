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
    public async Task Storyteller_AskedTwiceWithASeed_RepeatsItsChoices()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(NanoFlowProcess.Storyteller);
        await using var running = process;
        using var http = client;
        const string Body = "{\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a story.\"}],"
            + "\"temperature\":1.5,\"n\":4,\"max_tokens\":30,\"seed\":";
        var first = Texts(await PostAsync(client, Body + "5}"));
        var again = Texts(await PostAsync(client, Body + "5}"));
        var other = Texts(await PostAsync(client, Body + "6}"));

        Assert.Equal(first, again);
        Assert.Equal(4, first.Distinct().Count());
        Assert.NotEqual(first, other);
    }

    [Fact]
    public async Task Storyteller_PromptsOfOneRequest_AreAnsweredAsEachAlone()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(NanoFlowProcess.Storyteller);
        await using var running = process;
        using var http = client;
        const string Rest = ",\"n\":2,\"seed\":11,\"temperature\":1,\"max_tokens\":20}";
        string[] prompts = ["\"One day, the fox\"", "\"In the forest\""];
        var alone = new List<string>();
        foreach (var prompt in prompts)
        {
            alone.AddRange(await CompleteAsync(client, $"{{\"prompt\":{prompt}{Rest}"));
        }

        var together = await CompleteAsync(
            client, $"{{\"prompt\":[{string.Join(',', prompts)}]{Rest}");

        Assert.Equal(alone, together);
        Assert.Equal(4, alone.Distinct().Count());
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
    public async Task Server_TerminatedTwice_DoesNotWaitForRunningStreams()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM on Windows");
        var (process, client) = await NanoFlowProcess.ServeAsync(
            NanoFlowProcess.Storyteller, "--device", "reference", "--max-num-seqs", "1");
        await using var running = process;
        using var http = client;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Json($"{{{Question},\"stream\":true,\"ignore_eos\":true,\"n\":16}}"),
        };
        using var response = await client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead);
        await process.TerminateAsync();
        await process.ReadLineAsync("stopping");
        await process.TerminateAsync();
        var finished = await process.FinishAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
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
        var curl = await process.ReadLineAsync("  curl");
        var body = curl[(curl.IndexOf("-d '", StringComparison.Ordinal) + 4)..^1];
        var offered = await PostAsync(client, body);
        await process.TerminateAsync();
        var finished = await process.FinishAsync();

        Assert.Equal("a", offered.GetProperty("model").GetString());
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

    private static string[] Texts(JsonElement answer) => answer.GetProperty("choices")
        .EnumerateArray()
        .Select(choice => choice.GetProperty("message").GetProperty("content").GetString()!)
        .ToArray();

    private static async Task<string> StoryAsync(HttpClient client, string animal, int seed)
    {
        var answer = await PostAsync(
            client,
            $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"Tell me about a {animal}.\"}}],"
            + $"\"seed\":{seed},\"temperature\":0.8,\"max_tokens\":40}}");
        return answer.GetProperty("choices")[0].GetProperty("message")
            .GetProperty("content").GetString()!;
    }

    private static async Task<string[]> CompleteAsync(HttpClient client, string json)
    {
        var answer = await PostAsync(client, json, "/v1/completions");
        return answer.GetProperty("choices").EnumerateArray()
            .Select(choice => choice.GetProperty("text").GetString()!).ToArray();
    }

    private static async Task<JsonElement> PostAsync(
        HttpClient client, string json, string path = "/v1/chat/completions")
    {
        using var response = await client.PostAsync(path, Json(json));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        return JsonDocument.Parse(text).RootElement.Clone();
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");
}
