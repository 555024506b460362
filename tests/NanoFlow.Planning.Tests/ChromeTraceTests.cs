using System.Text.Json;
using NanoFlow.Planning.Drawing;

namespace NanoFlow.Planning.Tests;

public class ChromeTraceTests
{
    private static readonly PlanBucket Bucket = OverlappedSample.Bucket();

    [Fact]
    public void Write_MeasuredSpans_HasEveryLaunchAndWait()
    {
        var spans = OverlappedSample.Measured(seed: 1);
        var events = Events(Trace(spans)).Where(e => e.Process == 1).ToArray();

        var launches = events.Where(e => e.Category != "wait").ToArray();
        Assert.Equal(spans.Select(span => span.BeginMicroseconds), launches.Select(e => e.Begin));
        Assert.Equal(
            spans.Sum(span => span.EndMicroseconds - span.BeginMicroseconds),
            launches.Sum(e => e.Duration),
            1e-6);
        Assert.Equal(
            spans.Where(span => span.ArrivedMicroseconds < span.BeginMicroseconds)
                .Select(span => span.ArrivedMicroseconds),
            events.Where(e => e.Category == "wait").Select(e => e.Begin));
    }

    [Fact]
    public void Write_EventsOfALane_FollowEachOther()
    {
        var lanes = Events(Trace(OverlappedSample.Measured(seed: 2)))
            .GroupBy(e => (e.Process, e.Thread))
            .ToArray();
        Assert.Equal(6, lanes.Length);
        foreach (var lane in lanes)
        {
            var ordered = lane.OrderBy(e => e.Begin).ToArray();
            Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(
                pair.First.Begin + pair.First.Duration <= pair.Second.Begin + 1e-6));
        }
    }

    [Fact]
    public void Write_Predicted_IsThereForEveryLayer()
    {
        var events = Events(Trace(OverlappedSample.Measured(seed: null)));

        // Run by the same lanes without noise: from the layer that was taken on, it is the same.
        var measured = events.Where(e => e.Process == 1 && e.Category != "wait").ToArray();
        var predicted = events.Where(e => e.Process == 2).ToArray();
        Assert.Equal(measured.Length, predicted.Length);
        Assert.Equal(
            measured.Select(e => (e.Name, e.Thread, Layer: e.Number("layer"))).Order(),
            predicted.Select(e => (e.Name, e.Thread, Layer: e.Number("layer"))).Order());
        Assert.Equal(measured.Sum(e => e.Duration), predicted.Sum(e => e.Duration), 1e-6);
    }

    [Fact]
    public void Write_Launch_SaysWhatItWorkedOn()
    {
        // Half of the plan's rows is half of the step's 1000, 400 of them decoding.
        var step = Trace([new TimelineSpan(1, 4, 3, 5, 10, 12)]) with
        {
            Mix = new StepMix(1000, 400, 50),
        };
        var launch = Events(step).Single(e => e.Process == 1 && e.Category == "memory");

        Assert.Equal("attention_decode A", launch.Name);
        Assert.Equal((10.0, 2.0, 1), (launch.Begin, launch.Duration, launch.Thread));
        Assert.Equal(2, launch.Number("layer"));
        Assert.Equal((0.0, 500.0), (launch.Number("row_begin"), launch.Number("row_end")));
        Assert.Equal(24, launch.Number("units"));
        // Op 3: 4e6 FLOPs a row and 100 more for each of 50 tokens; 1e4 bytes, 200 for each token,
        // 1e5 of weights.
        var (flops, bytes) = (500 * (4e6 + 100 * 50), 500 * (1e4 + 200 * 50) + 1e5);
        Assert.Equal((flops, bytes), (launch.Number("flops"), launch.Number("bytes")));
        Assert.Equal(flops / 2e-6 / 1e9, launch.Number("gflop_per_s"), 1e-6);
        Assert.Equal(bytes / 2e-6 / 1e9, launch.Number("gb_per_s"), 1e-6);
    }

    [Fact]
    public void Write_LaunchWithoutTime_HasNoRates()
    {
        var launch = Events(Trace([new TimelineSpan(1, 4, 3, 10, 10, 10)]))
            .Single(e => e.Process == 1);
        Assert.False(launch.Arguments.TryGetProperty("gflop_per_s", out _));
    }

    [Fact]
    public void Write_Lanes_HaveNames()
    {
        using var stream = new MemoryStream();
        ChromeTrace.Write(stream, Trace(OverlappedSample.Measured(seed: 1)));
        using var trace = JsonDocument.Parse(stream.ToArray());
        var names = trace.RootElement.GetProperty("traceEvents").EnumerateArray()
            .Where(e => e.GetProperty("ph").GetString() == "M")
            .Select(e => (
                e.GetProperty("pid").GetInt32(),
                e.GetProperty("args").GetProperty("name").GetString()));
        Assert.Equal(
            [
                (1, "measured"), (1, "lane 0 (units 0-75)"), (1, "lane 1 (units 76-99)"),
                (1, "lane 2 (units 100-107)"), (2, "predicted"), (2, "lane 0 (units 0-75)"),
                (2, "lane 1 (units 76-99)"), (2, "lane 2 (units 100-107)"),
            ],
            names);
    }

    private static StepTrace Trace(IReadOnlyList<TimelineSpan> spans) => new(
        OverlappedSample.Graph,
        Bucket.Plan,
        Bucket.Mix,
        spans,
        Bucket.Predicted,
        Bucket.Times.Period);

    private static TraceEvent[] Events(StepTrace step)
    {
        using var stream = new MemoryStream();
        ChromeTrace.Write(stream, step);
        using var trace = JsonDocument.Parse(stream.ToArray());
        return [.. trace.RootElement.GetProperty("traceEvents").EnumerateArray()
            .Where(e => e.GetProperty("ph").GetString() == "X")
            .Select(e => new TraceEvent(
                e.GetProperty("name").GetString()!,
                e.GetProperty("cat").GetString()!,
                e.GetProperty("pid").GetInt32(),
                e.GetProperty("tid").GetInt32(),
                e.GetProperty("ts").GetDouble(),
                e.GetProperty("dur").GetDouble(),
                e.GetProperty("args").Clone()))];
    }

    private sealed record TraceEvent(
        string Name,
        string Category,
        int Process,
        int Thread,
        double Begin,
        double Duration,
        JsonElement Arguments)
    {
        public double Number(string name) => Arguments.GetProperty(name).GetDouble();
    }
}
