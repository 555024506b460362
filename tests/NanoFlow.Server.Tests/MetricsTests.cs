// The exposition, read back by a small reader of its own.

using System.Globalization;

namespace NanoFlow.Server.Tests;

public sealed class MetricsTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Metrics_AfterRequests_CountThem()
    {
        var before = await ScrapeAsync();
        await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":5");
        await server.CompleteAsync("\"prompt\":\"a\",\"max_tokens\":9,\"stop\":\"d\"");
        var after = await ScrapeAsync();

        // Prompts of 4 and 2 tokens, answers of 5 and of 3.
        Assert.Equal(6, Grown("prompt_tokens_total"));
        Assert.Equal(8, Grown("generation_tokens_total"));
        Assert.Equal(1, Grown("request_success_total", ",finished_reason=\"length\""));
        Assert.Equal(1, Grown("request_success_total", ",finished_reason=\"stop\""));
        Assert.Equal(2, Grown("time_to_first_token_seconds_count"));
        Assert.Equal(2, Grown("e2e_request_latency_seconds_count"));
        Assert.Equal(2, Grown("request_queue_time_seconds_count"));
        Assert.Equal(6, Grown("inter_token_latency_seconds_count"));

        double Grown(string name, string labels = "") =>
            after[Key(name, labels)] - before.GetValueOrDefault(Key(name, labels));
    }

    [Fact]
    public async Task Metrics_Histograms_AreCumulativeAndHaveTheObjectives()
    {
        await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":2");
        var lines = await ScrapeAsync();
        const string Name = "time_to_first_token_seconds";
        var buckets = lines.Where(line => line.Key.Contains(Name + "_bucket"))
            .Select(line => line.Value).ToArray();

        Assert.Equal(buckets.Order(), buckets);
        Assert.Equal(lines[Key(Name + "_count")], buckets[^1]);
        foreach (var bound in (string[])["0.001", "0.2", "0.5", "1.0", "2.0", "4.0", "+Inf"])
        {
            Assert.Contains(Key(Name + "_bucket", $",le=\"{bound}\""), lines.Keys);
        }
    }

    [Fact]
    public async Task Metrics_Gauges_ShowTheEngine()
    {
        var lines = await ScrapeAsync();

        Assert.Equal(0, lines[Key("num_requests_waiting")]);
        Assert.InRange(lines[Key("kv_cache_usage_perc")], 0, 1);
        Assert.Contains(Key("num_requests_running"), lines.Keys);
        Assert.Contains(Key("num_preemptions_total"), lines.Keys);
    }

    [Fact]
    public async Task Metrics_WithoutPlans_EveryStepIsSequential()
    {
        await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":5");
        var lines = await ScrapeAsync();

        Assert.True(lines[Key("plan_steps_total", ",plan=\"sequential\"")] >= 5);
        Assert.Equal(0, lines[Key("plans_active")]);
        Assert.Equal(0, lines[Key("plan_fallbacks_total")]);
        Assert.Equal(0, lines[Key("plan_returns_total")]);
    }

    [Fact]
    public async Task Metrics_EveryLine_BelongsToADeclaredFamily()
    {
        await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":2");
        using var response = await server.Client.GetAsync("/metrics");
        var text = await response.Content.ReadAsStringAsync();
        var family = "";
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
            }
            else if (!line.StartsWith('#'))
            {
                Assert.StartsWith(family, line);
                Assert.True(family.Length > 0);
            }
        }

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8",
            response.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task Metrics_OpenMetrics_IsGivenWhenAskedFor()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1");
        using var response = await server.Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal(
            "application/openmetrics-text", response.Content.Headers.ContentType!.MediaType);
        Assert.EndsWith("# EOF\n", text);
        Assert.Contains("# TYPE nanoflow_num_preemptions counter\n", text);
        Assert.Contains($"\n{Key("num_preemptions_total")} 0\n", text);
    }

    private async Task<Dictionary<string, double>> ScrapeAsync()
    {
        var text = await server.Client.GetStringAsync("/metrics");
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith('#'))
            .Select(line => (At: line.LastIndexOf(' '), Line: line))
            .ToDictionary(
                item => item.Line[..item.At],
                item => Parse(item.Line[(item.At + 1)..]));
    }

    private static string Key(string name, string labels = "") =>
        $"nanoflow_{name}{{model_name=\"echo\"{labels}}}";

    private static double Parse(string value) => value == "+Inf"
        ? double.PositiveInfinity
        : double.Parse(value, CultureInfo.InvariantCulture);
}
