using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Embeddings;

namespace NanoFlow.Server.Tests;

public sealed class EmbeddingTests(EmbeddingHost host) : IClassFixture<EmbeddingHost>
{
    [Fact]
    public async Task Embeddings_GoldenTexts_AreTransformers()
    {
        var path = Path.Combine(EmbeddingHost.Folder, "prompts.json");
        using var golden = JsonDocument.Parse(await File.ReadAllBytesAsync(path));
        var entries = golden.RootElement.GetProperty("embeddings").EnumerateArray().ToArray();
        var texts = entries.Select(entry => entry.GetProperty("text").GetString());

        var answer = await host.EmbedAsync($"\"input\":{JsonSerializer.Serialize(texts)}");

        Assert.Equal(200, answer.Status);
        Assert.Equal("list", answer.Json.GetProperty("object").GetString());
        Assert.Equal("tiny", answer.Json.GetProperty("model").GetString());
        var data = answer.Json.GetProperty("data");
        Assert.Equal(entries.Length, data.GetArrayLength());
        for (var i = 0; i < entries.Length; i++)
        {
            Assert.Equal(i, data[i].GetProperty("index").GetInt32());
            var vector = Vector(data[i]);
            var expected = entries[i].GetProperty("mean").EnumerateArray()
                .Select(x => x.GetSingle()).ToArray();
            Assert.Equal(expected.Length, vector.Length);
            Assert.All(vector.Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-4f));
        }
        var tokens = entries.Sum(entry => entry.GetProperty("ids").GetArrayLength());
        var usage = answer.Json.GetProperty("usage");
        Assert.Equal(tokens, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(tokens, usage.GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData("[5,6,7]", 1)]
    [InlineData("[[5,6,7],[8]]", 2)]
    [InlineData("\"a b\"", 1)]
    [InlineData("[\"a b\",[8],\"c\"]", 3)]
    public async Task Embeddings_EveryFormOfInput_HasLengthOne(string input, int count)
    {
        var answer = await host.EmbedAsync($"\"input\":{input}");

        var data = answer.Json.GetProperty("data").EnumerateArray().ToArray();
        Assert.Equal(count, data.Length);
        Assert.All(data, item => Assert.Equal(1, Vector(item).Sum(x => (double)x * x), 1e-5));
    }

    [Fact]
    public async Task Embeddings_MoreInputsThanTheWindow_AreInTheirOrder()
    {
        var inputs = Enumerable.Range(0, 3 * ServerLimits.EmbeddingWindow + 1)
            .Select(i => $"[{i % 11 + 1},{i % 7 + 20}]").ToArray();

        var many = await host.EmbedAsync($"\"input\":[{string.Join(',', inputs)}]");
        var last = await host.EmbedAsync($"\"input\":{inputs[^1]}");

        var data = many.Json.GetProperty("data");
        Assert.Equal(inputs.Length, data.GetArrayLength());
        Assert.Equal(Vector(last.Json.GetProperty("data")[0]), Vector(data[inputs.Length - 1]));
    }

    [Fact]
    public async Task Embeddings_Dimensions_AreTheFirstAtLengthOne()
    {
        var whole = Vector((await host.EmbedAsync("\"input\":\"a b\""))
            .Json.GetProperty("data")[0]);
        var cut = Vector((await host.EmbedAsync("\"input\":\"a b\",\"dimensions\":8"))
            .Json.GetProperty("data")[0]);

        Assert.Equal(8, cut.Length);
        var length = MathF.Sqrt(whole.Take(8).Sum(x => x * x));
        Assert.All(cut.Zip(whole), p => Assert.Equal(p.Second / length, p.First, 1e-5f));
    }

    [Theory]
    [InlineData("\"input\":[]", "input", null)]
    [InlineData("\"input\":\"\"", "input", null)]
    [InlineData("\"input\":7", "input", null)]
    [InlineData("\"input\":[1024]", "input", null)]
    [InlineData("\"dimensions\":8", "input", null)]
    [InlineData("\"input\":\"a\",\"dimensions\":0", "dimensions", null)]
    [InlineData("\"input\":\"a\",\"dimensions\":65", "dimensions", null)]
    [InlineData("\"input\":\"a\",\"encoding_format\":\"hex\"", "encoding_format", null)]
    public async Task Embeddings_FieldOutOfRange_IsRefused(
        string fields, string param, string? code)
    {
        var answer = await host.EmbedAsync(fields);

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
        Assert.Equal(code, answer.Code);
    }

    [Fact]
    public async Task Embeddings_InputTooLongOrTooMany_IsRefused()
    {
        static string Tokens(int count) => string.Join(',', Enumerable.Repeat("1", count));
        var fits = await host.EmbedAsync($"\"input\":[{Tokens(EmbeddingHost.MaxModelLength)}]");
        var tooLong = await host.EmbedAsync(
            $"\"input\":[{Tokens(EmbeddingHost.MaxModelLength + 1)}]");
        var truncated = await host.EmbedAsync(
            $"\"input\":[{Tokens(EmbeddingHost.MaxModelLength + 1)}],"
            + "\"truncate_prompt_tokens\":-1");
        var texts = string.Join(',', Enumerable.Repeat("\"a\"", 2049));
        var tooMany = await host.EmbedAsync($"\"input\":[{texts}]");

        Assert.Equal((200, 200), (fits.Status, truncated.Status));
        Assert.Equal((400, "context_length_exceeded"), (tooLong.Status, tooLong.Code));
        Assert.Equal((400, "input"), (tooMany.Status, tooMany.Param));
    }

    [Fact]
    public async Task Client_Embeddings_ReadsVectorsAndUsage()
    {
        var client = new OpenAIClient(
            new ApiKeyCredential("any"),
            new OpenAIClientOptions { Endpoint = new Uri(host.Address + "/v1") })
            .GetEmbeddingClient("tiny");

        // The client asks for base64.
        OpenAIEmbeddingCollection some = await client.GenerateEmbeddingsAsync(["a b", "c"]);
        OpenAIEmbedding cut = await client.GenerateEmbeddingAsync(
            "c", new EmbeddingGenerationOptions { Dimensions = 16 });

        var plain = await host.EmbedAsync("\"input\":[\"a b\",\"c\"],\"user\":\"me\"");
        var data = plain.Json.GetProperty("data");
        Assert.Equal(2, some.Count);
        Assert.Equal(Vector(data[0]), some[0].ToFloats().ToArray());
        Assert.Equal(Vector(data[1]), some[1].ToFloats().ToArray());
        Assert.Equal(16, cut.ToFloats().Length);
        Assert.Equal(some.Usage.InputTokenCount, some.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Embeddings_Metrics_CountThem()
    {
        await host.EmbedAsync("\"input\":[[5,6,7],[8]]");
        var page = await host.Client.GetStringAsync("/metrics");

        var line = page.Split('\n').Single(
            l => l.StartsWith("vllm:prompt_tokens_total", StringComparison.Ordinal)
                || l.StartsWith("nanoflow_prompt_tokens_total", StringComparison.Ordinal));
        Assert.True(double.Parse(
            line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture) >= 4, line);
    }

    private static float[] Vector(JsonElement item) =>
        [.. item.GetProperty("embedding").EnumerateArray().Select(x => x.GetSingle())];
}

public sealed class NoEmbeddingTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Embeddings_ModelWithoutHiddenStates_IsRefused()
    {
        var answer = await server.PostAsync(
            "/v1/embeddings", """{"model":"echo","input":"a"}""");

        Assert.Equal(400, answer.Status);
        Assert.Equal("model", answer.Param);
    }
}
