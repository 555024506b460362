// /metrics of the real program, in both formats, by the rules of Prometheus and against what the
// requests are known to have been.

namespace NanoFlow.EndToEnd.Tests;

public sealed class MetricsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Page_AfterRequests_IsWellFormed(bool openMetrics)
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        await AskAsync(client, LoadWorkload.Create(seed: 13, 12, LoadShape.TinyLlama));
        var page = await MetricsPage.ReadAsync(client, openMetrics);

        Assert.Equal(openMetrics, page.HasEnd);
        Assert.Equal(
            openMetrics
                ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                : "text/plain; version=0.0.4; charset=utf-8",
            page.ContentType);
        Assert.All(page.Families, family => CheckFamily(family, openMetrics));
        Assert.Contains(page.Families, family => family.Name.StartsWith(
            "dotnet_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Counters_AfterRequests_AreWhatWasAnswered()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var requests = LoadWorkload.Create(seed: 14, 30, LoadShape.TinyLlama);
        var answers = await AskAsync(client, requests);
        var page = await MetricsPage.UntilAsync(
            client,
            "every request is counted",
            page => page.Ended() == requests.Length);
        await MetricsPage.UntilIdleAsync(client);

        foreach (var group in answers.GroupBy(answer => answer.Finish))
        {
            Assert.Equal(group.Count(), page.Ended(group.Key));
        }

        Assert.Equal(
            requests.Sum(request => request.Prompt.Length), page["nanoflow_prompt_tokens_total"]);
        var generated = answers.Sum(answer => answer.Tokens);
        Assert.Equal(generated, page["nanoflow_generation_tokens_total"]);
        Assert.Equal(
            generated - requests.Length, page["nanoflow_inter_token_latency_seconds_count"]);
        Assert.All(
            new[]
            {
                "nanoflow_time_to_first_token_seconds_count",
                "nanoflow_e2e_request_latency_seconds_count",
                "nanoflow_request_queue_time_seconds_count",
                "nanoflow_request_prompt_tokens_count",
                "nanoflow_request_generation_tokens_count",
            },
            name => Assert.Equal(requests.Length, page[name]));
    }

    // Instruments that report changes, not what is.
    [Fact]
    public async Task Gauges_OfOpenRequests_AreThoseOpen()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        await AskAsync(client, LoadWorkload.Create(seed: 16, 12, LoadShape.TinyLlama));
        var page = await MetricsPage.UntilAsync(
            client,
            "only the request for this page is open",
            page => page["http_server_active_requests"] == 1
                && page["kestrel_queued_connections"] == 0);

        Assert.All(
            page.Samples("http_server_active_requests"),
            sample => Assert.InRange(sample.Value, 0, 1));
        Assert.InRange(page["kestrel_active_connections"], 1, 12);
        Assert.InRange(page["dotnet_thread_pool_thread_number"], 1, 1000);
    }

    [Fact]
    public async Task Counters_BetweenTwoPages_NeverFall()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var asking = AskAsync(client, LoadWorkload.Create(seed: 15, 64, LoadShape.TinyLlama));
        var before = await MetricsPage.ReadAsync(client);
        do
        {
            var after = await MetricsPage.ReadAsync(client);
            foreach (var sample in Rising(before))
            {
                var same = after.Samples(sample.Name).Single(s => s.Labels == sample.Labels);
                Assert.True(same.Value >= sample.Value, sample.Name + sample.Labels);
            }

            before = after;
        }
        while (!asking.IsCompleted);

        await asking;
    }

    private static IEnumerable<MetricSample> Rising(MetricsPage page) => page.Families
        .Where(family => family.Kind is "counter" or "histogram")
        .SelectMany(family => family.Samples);

    private static void CheckFamily(MetricFamilyText family, bool openMetrics)
    {
        Assert.NotEmpty(family.Help);
        Assert.NotEmpty(family.Samples);
        Assert.Equal(
            family.Samples.Count,
            family.Samples.Select(sample => (sample.Name, sample.Labels)).Distinct().Count());
        Assert.True(
            family.Unit.Length == 0
            || (openMetrics && family.Name.EndsWith("_" + family.Unit, StringComparison.Ordinal)),
            $"{family.Name} has the unit {family.Unit}");
        switch (family.Kind)
        {
            case "counter":
                var name = openMetrics ? family.Name + "_total" : family.Name;
                Assert.EndsWith("_total", name);
                Assert.All(family.Samples, sample => Assert.Equal(name, sample.Name));
                Assert.All(family.Samples, sample => Assert.True(sample.Value >= 0));
                break;
            case "gauge":
                Assert.All(family.Samples, sample => Assert.Equal(family.Name, sample.Name));
                break;
            default:
                Assert.Equal("histogram", family.Kind);
                CheckHistogram(family);
                break;
        }
    }

    // Of every series: buckets in rising order of le and of count, +Inf last, then sum and count.
    private static void CheckHistogram(MetricFamilyText family)
    {
        var count = 0.0;
        var bound = double.NegativeInfinity;
        foreach (var sample in family.Samples)
        {
            if (sample.Name == family.Name + "_bucket")
            {
                var le = Bound(sample.Labels);
                Assert.True(le > bound, $"{family.Name}: {sample.Labels}");
                Assert.True(sample.Value >= count, $"{family.Name}: {sample.Labels}");
                (bound, count) = (le, sample.Value);
            }
            else if (sample.Name == family.Name + "_count")
            {
                Assert.Equal(double.PositiveInfinity, bound);
                Assert.Equal(count, sample.Value);
                (bound, count) = (double.NegativeInfinity, 0);
            }
            else
            {
                Assert.Equal(family.Name + "_sum", sample.Name);
            }
        }

        Assert.Equal(double.NegativeInfinity, bound);
    }

    private static double Bound(string labels)
    {
        var at = labels.LastIndexOf("le=\"", StringComparison.Ordinal);
        var text = labels[(at + "le=\"".Length)..^1];
        return text == "+Inf"
            ? double.PositiveInfinity
            : double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Task<LoadAnswer[]> AskAsync(HttpClient client, LoadRequest[] requests) =>
        Task.WhenAll(requests.Select(request => request.AskStreamAsync(client)));

    private static Task<(NanoFlowProcess Process, HttpClient Client)> ServeAsync() =>
        NanoFlowProcess.ServeAsync(LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "16m");
}
