// The program with a GGUF file in the place of a folder: tokenizer, template, end tokens and
// quantized weights all come from the one file.

using System.Net;
using System.Text;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class GgufTests
{
    private static readonly string Folder =
        Path.Combine(NanoFlowProcess.Repository, "tests", "golden", "gguf");

    private static readonly string Mixed = Path.Combine(Folder, "llama-mixed.gguf");

    [Fact]
    public async Task Gguf_Served_AnswersAsTransformersDoes()
    {
        using var golden = JsonDocument.Parse(
            await File.ReadAllBytesAsync(Path.Combine(Folder, "llama-mixed.json")));
        var (process, client) = await NanoFlowProcess.ServeAsync(Mixed);
        await using var running = process;
        using var http = client;
        foreach (var entry in golden.RootElement.GetProperty("tokenizer").EnumerateArray().Take(9))
        {
            var prompt = entry.GetProperty("text").GetRawText();
            var tokens = await PostAsync(client, "/tokenize", $"{{\"prompt\":{prompt}}}");
            Assert.Equal(Ints(entry.GetProperty("ids")), Ints(tokens.GetProperty("tokens")));
        }

        var greedy = golden.RootElement.GetProperty("greedy")[3];
        var answer = await PostAsync(
            client,
            "/v1/completions",
            $"{{\"model\":\"llama-mixed\",\"prompt\":{greedy.GetProperty("prompt").GetRawText()},"
            + "\"max_tokens\":1,\"temperature\":0,\"logprobs\":1}");
        var logProb = answer.GetProperty("choices")[0].GetProperty("logprobs")
            .GetProperty("token_logprobs")[0].GetDouble();

        Assert.Equal(
            greedy.GetProperty("steps")[0].GetProperty("logprob").GetDouble(), logProb, 0.05);
    }

    [Fact]
    public async Task Gguf_ServedForChat_UsesItsTemplate()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(Mixed, "--device", "reference");
        await using var running = process;
        using var http = client;
        const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]";

        var answer = await PostAsync(
            client, "/v1/chat/completions", $"{{{Messages},\"max_tokens\":4,\"temperature\":0}}");
        var tokens = await PostAsync(client, "/tokenize", $"{{{Messages}}}");

        Assert.Equal("llama-mixed", answer.GetProperty("model").GetString());
        Assert.Equal(
            tokens.GetProperty("tokens").GetArrayLength(),
            answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Gguf_Inspected_ShowsItsFacts()
    {
        var seen = await NanoFlowProcess.RunAsync(["model", "inspect", Mixed, "--json"]);
        var json = JsonDocument.Parse(seen.Output).RootElement;

        Assert.Equal((0, ""), (seen.ExitCode, seen.Errors));
        Assert.Equal("LlamaForCausalLM", json.GetProperty("architecture").GetString());
        Assert.Equal(1024, json.GetProperty("tokenizer_vocabulary").GetInt32());
        Assert.True(json.GetProperty("chat_template").GetBoolean());
    }

    [Fact]
    public async Task Gguf_CutShort_IsOneLine()
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-gguf-tests-").FullName;
        var path = Path.Combine(folder, "cut.gguf");
        var bytes = await File.ReadAllBytesAsync(Mixed);
        await File.WriteAllBytesAsync(path, bytes[..(bytes.Length / 2)]);
        var finished = await NanoFlowProcess.RunAsync(["memory", path]);
        Directory.Delete(folder, recursive: true);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("cut.gguf: tensor '", Assert.Single(finished.ErrorLines));
    }

    private static int[] Ints(JsonElement array) =>
        [.. array.EnumerateArray().Select(value => value.GetInt32())];

    private static async Task<JsonElement> PostAsync(HttpClient client, string path, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement.Clone();
    }
}
