// One answer of /metrics, read strictly: a line that is not of the exposition format throws. It
// knows nothing of the code that writes the page.

using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace NanoFlow.EndToEnd.Tests;

/// <param name="Labels">As written, without braces.</param>
public sealed record MetricSample(string Name, string Labels, double Value);

public sealed class MetricFamilyText
{
    public required string Name { get; init; }
    public string Help { get; set; } = "";
    public string Kind { get; set; } = "";
    public string Unit { get; set; } = "";
    public List<MetricSample> Samples { get; } = [];
}

public sealed partial class MetricsPage
{
    private const string OpenMetricsType = "application/openmetrics-text";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Dictionary<string, MetricFamilyText> _families = [];

    private MetricsPage(string contentType)
    {
        ContentType = contentType;
    }

    public string ContentType { get; }

    public bool HasEnd { get; private set; }

    public IReadOnlyCollection<MetricFamilyText> Families => _families.Values;

    public bool IsIdle => this["nanoflow_num_requests_running"] == 0
        && this["nanoflow_num_requests_waiting"] == 0
        && this["nanoflow_kv_cache_usage_perc"] == 0;

    /// <summary>Sum over the series of that name, of which there must be one.</summary>
    public double this[string name]
    {
        get
        {
            var samples = Samples(name).ToArray();
            Assert.True(samples.Length > 0, $"/metrics has no {name}");
            return samples.Sum(sample => sample.Value);
        }
    }

    public IEnumerable<MetricSample> Samples(string name) =>
        Families.SelectMany(family => family.Samples).Where(sample => sample.Name == name);

    /// <summary>Choices that ended for that reason, or for any.</summary>
    public double Ended(string reason = "") => Samples("nanoflow_request_success_total")
        .Where(sample => sample.Labels.Contains(
            $"finished_reason=\"{reason}", StringComparison.Ordinal))
        .Sum(sample => sample.Value);

    public static async Task<MetricsPage> ReadAsync(HttpClient client, bool openMetrics = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (openMetrics)
        {
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(OpenMetricsType));
        }

        using var response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
        var page = new MetricsPage($"{response.Content.Headers.ContentType}");
        page.Parse(await response.Content.ReadAsStringAsync());
        return page;
    }

    /// <summary>Reads again until it is so: what a client has seen is counted a moment
    /// later.</summary>
    public static async Task<MetricsPage> UntilAsync(
        HttpClient client, string what, Predicate<MetricsPage> isSo)
    {
        using var limit = new CancellationTokenSource(Patience);
        var page = await ReadAsync(client);
        while (!isSo(page))
        {
            Assert.False(
                limit.IsCancellationRequested,
                $"never became so: {what}; running {page["nanoflow_num_requests_running"]}, "
                + $"waiting {page["nanoflow_num_requests_waiting"]}, "
                + $"KV pages {page["nanoflow_kv_cache_usage_perc"]:P1}");
            page = await ReadAsync(client);
        }

        return page;
    }

    public static Task<MetricsPage> UntilIdleAsync(HttpClient client) =>
        UntilAsync(client, "nothing runs, waits or holds a page", page => page.IsIdle);

    private void Parse(string text)
    {
        Assert.EndsWith("\n", text);
        foreach (var line in text[..^1].Split('\n'))
        {
            Assert.False(HasEnd, "a line after # EOF: " + line);
            if (line == "# EOF")
            {
                HasEnd = true;
            }
            else if (line.StartsWith('#'))
            {
                AddComment(line);
            }
            else
            {
                AddSample(line);
            }
        }
    }

    private void AddComment(string line)
    {
        var match = Comment().Match(line);
        Assert.True(match.Success, line);
        var family = Family(match.Groups["name"].Value);
        var text = match.Groups["text"].Value;
        Assert.True(family.Samples.Count == 0, "after its samples: " + line);
        switch (match.Groups["what"].Value)
        {
            case "HELP":
                Assert.Empty(family.Help);
                family.Help = text;
                break;
            case "TYPE":
                Assert.Empty(family.Kind);
                family.Kind = text;
                break;
            default:
                Assert.Empty(family.Unit);
                family.Unit = text;
                break;
        }
    }

    private void AddSample(string line)
    {
        var match = Sample().Match(line);
        Assert.True(match.Success, line);
        Assert.NotEmpty(_families);
        // Lines of a family stand together, so it is the one named last.
        var family = _families.Last().Value;
        Assert.StartsWith(family.Name, match.Groups["name"].Value);
        var number = match.Groups["value"].Value;
        var value = number == "+Inf"
            ? double.PositiveInfinity
            : double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture);
        family.Samples.Add(new MetricSample(
            match.Groups["name"].Value, match.Groups["labels"].Value, value));
    }

    private MetricFamilyText Family(string name)
    {
        if (!_families.TryGetValue(name, out var family))
        {
            family = new MetricFamilyText { Name = name };
            _families.Add(name, family);
        }

        Assert.Same(_families.Last().Value, family);
        return family;
    }

    [GeneratedRegex("^# (?<what>HELP|TYPE|UNIT) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<text>.+)$")]
    private static partial Regex Comment();

    [GeneratedRegex(
        "^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
        + "(\\{(?<labels>[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\\\n]|\\\\[\\\\\"n])*\""
        + "(,[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\\\n]|\\\\[\\\\\"n])*\")*)\\})?"
        + " (?<value>[-+]?[0-9.]+([eE][-+]?[0-9]+)?|[+-]Inf|NaN)$")]
    private static partial Regex Sample();
}
