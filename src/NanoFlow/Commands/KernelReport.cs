// What `nanoflow bench kernels` found out: a table for each number of threads, or one JSON object.

using System.Globalization;
using System.Text.Json;
using NanoFlow.Cli;
using NanoFlow.Engine.Measuring;

namespace NanoFlow.Commands;

/// <summary>What was measured on a lane of so many threads.</summary>
internal sealed record KernelRun(int Threads, KernelPeaks Peaks)
{
    public List<(KernelCase Case, KernelTimes Times)> Rows { get; } = [];
}

internal sealed class KernelReport(
    DateTimeOffset date, string processor, string instructionSet)
{
    public static readonly string[] InstructionSets = ["scalar", "avx2", "avx512", "avx512bf16"];

    private readonly List<KernelRun> _runs = [];

    public void Add(KernelRun run) => _runs.Add(run);

    public void Write(bool asJson)
    {
        if (asJson)
        {
            WriteJson();
            return;
        }
        foreach (var run in _runs)
        {
            WriteTable(run);
        }
    }

    private void WriteTable(KernelRun run)
    {
        var threads = run.Threads == 1 ? "1 thread" : $"{run.Threads} threads";
        Console.WriteLine($"{processor}, {instructionSet}, {threads}");
        Console.WriteLine($"peaks: {Peaks(run.Peaks)}");
        Console.WriteLine();
        var table = new Table(
            "kernel", "shape", "rows", "us", "min", "max", "GB/s", "GFLOP/s", "of peak");
        foreach (var (which, times) in run.Rows)
        {
            table.Add(
                WithoutInstructionSet(which.Kernel),
                which.Shape,
                Text.Of($"{which.Rows}"),
                Microseconds(times.Median),
                Microseconds(times.Min),
                Microseconds(times.Max),
                Rate(which.Bytes, times),
                Rate(which.Operations, times),
                Share(run.Peaks.Bound(which), times));
        }
        Console.WriteLine(table);
    }

    private static string Peaks(KernelPeaks peaks)
    {
        var parts = Enum.GetValues<Arithmetic>().Where(each => peaks.Of(each) > 0).Select(each =>
            Text.Of($"{Name(each)} {peaks.Of(each) / 1e9:F0} GFLOP/s"));
        return string.Join(", ", parts) + Text.Of($", memory {peaks.Bytes / 1e9:F1} GB/s read");
    }

    private static string Microseconds(double time) =>
        time < 1000 ? Text.Of($"{time:F1}") : Text.Of($"{time:F0}");

    // 1e9 of them a second.
    private static string Rate(double amount, KernelTimes times) =>
        amount > 0 ? Text.Of($"{amount / times.Median / 1e3:F1}") : "-";

    private static string Share(KernelBound? bound, KernelTimes times) => bound is null
        ? "-"
        : Text.Of($"{bound.Microseconds / times.Median * 100:F0} % {Name(bound.Arithmetic)}");

    private static string Name(Arithmetic? arithmetic) => arithmetic switch
    {
        Arithmetic.F32 => "fp32",
        Arithmetic.Bf16 => "bf16",
        Arithmetic.I8 => "int8",
        _ => "memory",
    };

    private static string WithoutInstructionSet(string kernel)
    {
        var end = kernel.LastIndexOf('_');
        return end >= 0 && InstructionSets.Contains(kernel[(end + 1)..]) ? kernel[..end] : kernel;
    }

    private void WriteJson() => Figures.WriteObject(json =>
    {
        json.WriteString("date", date.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("processor", processor);
        json.WriteString("isa", instructionSet);
        json.WriteStartArray("peaks");
        _runs.ForEach(run => WritePeaks(json, run));
        json.WriteEndArray();
        json.WriteStartArray("rows");
        _runs.ForEach(run => run.Rows.ForEach(row => WriteRow(json, run, row.Case, row.Times)));
        json.WriteEndArray();
    });

    private static void WritePeaks(Utf8JsonWriter json, KernelRun run)
    {
        json.WriteStartObject();
        json.WriteNumber("threads", run.Threads);
        foreach (var each in Enum.GetValues<Arithmetic>().Where(each => run.Peaks.Of(each) > 0))
        {
            json.WriteNumber($"{Name(each)}_gop_per_s", run.Peaks.Of(each) / 1e9);
        }
        json.WriteNumber("read_gb_per_s", run.Peaks.Bytes / 1e9);
        json.WriteEndObject();
    }

    private static void WriteRow(
        Utf8JsonWriter json, KernelRun run, KernelCase which, KernelTimes times)
    {
        json.WriteStartObject();
        json.WriteNumber("threads", run.Threads);
        json.WriteString("kernel", which.Kernel);
        json.WriteString("kind", which.Kind);
        json.WriteString("shape", which.Shape);
        json.WriteNumber("rows", which.Rows);
        json.WriteNumber("launches", times.Launches);
        json.WriteNumber("median_us", times.Median);
        json.WriteNumber("min_us", times.Min);
        json.WriteNumber("max_us", times.Max);
        json.WriteNumber("operations", which.Operations);
        json.WriteNumber("bytes", which.Bytes);
        json.WriteNumber("gop_per_s", which.Operations / times.Median / 1e3);
        json.WriteNumber("gb_per_s", which.Bytes / times.Median / 1e3);
        if (run.Peaks.Bound(which) is { } bound)
        {
            json.WriteString("bound", Name(bound.Arithmetic));
            json.WriteNumber("share", bound.Microseconds / times.Median);
        }
        json.WriteEndObject();
    }
}
