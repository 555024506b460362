// nanoflow bench serve against a real server, and against servers that do what none should.

using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class BenchServeTests
{
    private const string Done = "[DONE]";

    private static readonly string Good = ScriptedServer.Events(
        ScriptedServer.Text("a b c"), ScriptedServer.Text("d"), ScriptedServer.Usage(8, 4), Done);

    [Fact]
    public async Task Load_OfARealServer_CountsWhatItAskedFor()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;

        var figures = await LoadAsync(
            $"{http.BaseAddress}", "--num-prompts", "24", "--max-concurrency", "4",
            "--random-input-len", "20", "--random-output-len", "8", "--num-warmups", "2",
            "--goodput", "ttft:3600000", "e2el:3600000", "--metric-percentiles", "50,99.9");

        Assert.Equal((24, 0), (Int(figures, "completed"), Int(figures, "failed")));
        Assert.Equal(24 * 20, Int(figures, "total_input_tokens"));
        Assert.Equal(24 * 8, Int(figures, "total_output_tokens"));
        Assert.InRange(Int(figures, "max_concurrent_requests"), 1, 4);
        Assert.Equal("tiny-llama", figures.GetProperty("model_id").GetString());
        Assert.Equal(Real(figures, "request_throughput"), Real(figures, "request_goodput"));
        Assert.Equal(24 / Real(figures, "duration"), Real(figures, "request_throughput"), 6);
        foreach (var metric in (string[])["ttft", "tpot", "itl", "e2el"])
        {
            Assert.InRange(Real(figures, $"std_{metric}_ms"), 0, double.MaxValue);
            Assert.Equal(
                Real(figures, $"median_{metric}_ms"), Real(figures, $"p50_{metric}_ms"));
            Assert.True(
                Real(figures, $"p99.9_{metric}_ms") >= Real(figures, $"median_{metric}_ms"));
        }
        Assert.True(Real(figures, "mean_e2el_ms") > Real(figures, "mean_ttft_ms"));
    }

    // The server has seen each request once, warming up included, and none was taken for a client
    // that has left.
    [Fact]
    public async Task Load_AtARate_IsSeenByTheServerAsItWasSent()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;

        var finished = await NanoFlowProcess.RunAsync(
        [
            "bench", "serve", $"{http.BaseAddress}v1/", "--num-prompts", "20", "--request-rate",
            "200", "--burstiness", "0.5", "--input-len", "16", "--output-len", "4",
            "--random-range-ratio", "0.5",
        ]);
        var page = await MetricsPage.UntilIdleAsync(http);

        Assert.True(finished.ExitCode == 0, finished.Errors);
        Assert.Contains("20 completed, 0 failed", finished.Output);
        Assert.Contains("TTFT", finished.Output);
        Assert.Equal(21, page.Ended("length"));
        Assert.Equal(0, page.Ended("abort") + page.Ended("error"));
    }

    [Fact]
    public async Task Compare_AServerWithItself_PrintsBothAndTheirRatio()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        string[] flags =
        [
            "--compare-with", $"{http.BaseAddress}", "--pairs", "2", "--num-prompts", "6",
            "--input-len", "16", "--output-len", "4",
        ];

        var table = await NanoFlowProcess.RunAsync(
            ["bench", "serve", $"{http.BaseAddress}", .. flags]);
        var figures = await LoadAsync($"{http.BaseAddress}", flags);

        Assert.True(table.ExitCode == 0, table.Errors);
        Assert.Matches(
            @"(?m)^\| median_ttft_ms \(ms\) \| [\d.]+ \([\d.]+\.\.[\d.]+\) \| [\d.]+ \(.*\) \| "
            + @"[\d.]+ \(.*\) \|$",
            table.Output);
        Assert.InRange(
            Real(figures, "ratio_total_token_throughput"),
            Real(figures, "ratio_total_token_throughput_min"),
            Real(figures, "ratio_total_token_throughput_max"));
        var page = await MetricsPage.UntilIdleAsync(http);
        Assert.Equal(2 * 2 * (1 + (2 * 6)), page.Ended("length"));
    }

    [Fact]
    public async Task Load_OfABadServer_CountsEachKindOfFailure()
    {
        await using var server = new ScriptedServer(
            Good,
            ScriptedServer.Json(500, """{"error":{"message":"out of pages"}}"""),
            ScriptedServer.Events(ScriptedServer.Text("a")),
            ScriptedServer.Events("garbage", Done),
            ScriptedServer.Events(ScriptedServer.Text("a"), """{"error":{"message":"lost"}}"""),
            ScriptedServer.Json(200, """{"choices":[]}"""),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n",
            "nonsense\r\n\r\n",
            ScriptedServer.Events(Done),
            ScriptedServer.Json(500, """{"error":{"message":"out of pages"}}"""),
            Good);

        var finished = await RunAsync(server.Url, "--num-prompts", "11");

        var figures = JsonDocument.Parse(finished.Output).RootElement;
        Assert.Equal(0, finished.ExitCode);
        Assert.Equal((2, 9), (Int(figures, "completed"), Int(figures, "failed")));
        // Four tokens came in two pieces: usage counts tokens, ITL pieces.
        Assert.Equal((16, 8),
            (Int(figures, "total_input_tokens"), Int(figures, "total_output_tokens")));
        Assert.Contains("2 failed: HTTP 500: out of pages", finished.Errors);
        Assert.Contains("1 failed: the stream was cut", finished.Errors);
        Assert.Contains("1 failed: an event is no completion: garbage", finished.Errors);
        Assert.Contains("1 failed: an error in the stream: lost", finished.Errors);
        Assert.Contains("1 failed: the answer is application/json, not a stream", finished.Errors);
        Assert.Contains("1 failed: the answer has no tokens", finished.Errors);
        Assert.DoesNotContain("   at ", finished.Errors);
    }

    [Fact]
    public async Task Load_WithoutAnyAnswer_EndsWith1AndNullFigures()
    {
        await using var server = new ScriptedServer(ScriptedServer.Json(429, "busy"));

        var finished = await RunAsync(server.Url, "--num-prompts", "3", "--goodput", "ttft:5");

        var figures = JsonDocument.Parse(finished.Output).RootElement;
        Assert.Equal(1, finished.ExitCode);
        Assert.Equal((0, 3), (Int(figures, "completed"), Int(figures, "failed")));
        Assert.Equal(JsonValueKind.Null, figures.GetProperty("mean_ttft_ms").ValueKind);
        Assert.Equal(0, Real(figures, "request_goodput"));
        Assert.Contains("3 failed: HTTP 429: busy", finished.Errors);
    }

    [Fact]
    public async Task Requests_OfALoad_AreThoseThatTheFlagsSay()
    {
        await using var server = new ScriptedServer(Good);

        await RunAsync(
            server.Url, "--num-prompts", "1", "--api-key", "k", "--random-input-len", "3",
            "--vocab-size", "20", "--ignore-eos=false", "--temperature", "0.5", "--extra-body",
            "{\"cache_prompt\":false}");

        var request = Assert.Single(server.Requests);
        Assert.StartsWith("POST /v1/completions HTTP/1.1", request);
        Assert.Contains("Authorization: Bearer k", request);
        var body = JsonDocument.Parse(request[request.IndexOf('{')..]).RootElement;
        Assert.Equal("m", body.GetProperty("model").GetString());
        Assert.Equal(4, body.GetProperty("max_tokens").GetInt32());
        Assert.Equal(0.5, body.GetProperty("temperature").GetDouble());
        Assert.False(body.GetProperty("ignore_eos").GetBoolean());
        Assert.False(body.GetProperty("cache_prompt").GetBoolean());
        var prompt = body.GetProperty("prompt").EnumerateArray().Select(token => token.GetInt32());
        Assert.Equal(3, prompt.Count());
        Assert.All(prompt, token => Assert.InRange(token, 10, 19));
    }

    [Fact]
    public async Task Server_NotThereOrWithoutModels_IsOneLine()
    {
        // Connections wait for somebody to accept them.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var silentPort = ((IPEndPoint)silent.LocalEndpoint).Port;
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        await using var other = new ScriptedServer(ScriptedServer.Json(200, """{"data":[]}"""));
        await using var failing = new ScriptedServer(ScriptedServer.Json(400, "no such model"));

        await AssertLineAsync($"http://127.0.0.1:{port}", "refused");
        await AssertLineAsync(
            $"http://127.0.0.1:{silentPort}", "not done after 1 s", "--request-timeout", "1s");
        await AssertLineAsync(other.Url, "no list of models: use --model");
        await AssertLineAsync(failing.Url, "warming up: HTTP 400: no such model", "--model", "m");
    }

    [Fact]
    public async Task Throughput_OfATrace_HasTheFiguresOfALoad()
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-bench-").FullName;
        var trace = Path.Combine(folder, "trace.csv");
        await File.WriteAllTextAsync(
            trace, "TIMESTAMP,ContextTokens,GeneratedTokens\nx,8,4\nx,9999,4\n");

        var finished = await NanoFlowProcess.RunAsync(
        [
            "bench", "throughput", LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "16m",
            "--num-prompts", "10", "--trace", trace, "--max-input-len", "8", "--json",
        ]);
        Directory.Delete(folder, recursive: true);

        Assert.True(finished.ExitCode == 0, finished.Errors);
        var figures = JsonDocument.Parse(finished.Output).RootElement;
        Assert.Equal(10, Int(figures, "completed"));
        Assert.Equal((80, 40),
            (Int(figures, "total_input_tokens"), Int(figures, "total_output_tokens")));
        Assert.True(Real(figures, "median_e2el_ms") > Real(figures, "median_ttft_ms"));
        Assert.True(Real(figures, "p99_tpot_ms") > 0);
    }

    private static Task<(NanoFlowProcess Process, HttpClient Client)> ServeAsync() =>
        NanoFlowProcess.ServeAsync(LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "16m");

    private static async Task<JsonElement> LoadAsync(string url, params string[] flags)
    {
        var finished = await NanoFlowProcess.RunAsync(["bench", "serve", url, "--json", .. flags]);
        Assert.True(finished.ExitCode == 0, finished.Errors);
        return JsonDocument.Parse(finished.Output).RootElement;
    }

    // Nothing before the measurement, one request at a time.
    private static Task<Finished> RunAsync(string url, params string[] flags) =>
        NanoFlowProcess.RunAsync(
        [
            "bench", "serve", url, "--json", "--model", "m", "--num-warmups", "0",
            "--max-concurrency", "1", "--input-len", "8", "--random-output-len", "4", .. flags,
        ]);

    private static async Task AssertLineAsync(string url, string says, params string[] flags)
    {
        var finished = await NanoFlowProcess.RunAsync(["bench", "serve", url, .. flags]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains(says, Assert.Single(finished.ErrorLines));
        Assert.Empty(finished.Output);
    }

    private static int Int(JsonElement figures, string key) =>
        figures.GetProperty(key).GetInt32();

    private static double Real(JsonElement figures, string key) =>
        figures.GetProperty(key).GetDouble();
}
