// nanoflow bench kernels: the speed of the CPU backend's kernels one by one, and what share that is
// of what this machine can do at best. Needs no model.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Measuring;

namespace NanoFlow.Commands;

internal static class BenchKernelsCommand
{
    private const int MostThreads = 255; // of a lane
    private const int WidestMatrix = 1 << 20;
    private const int Launches = 7; // so that a median means something

    private static readonly TimeSpan DefaultTime = TimeSpan.FromMilliseconds(200);

    // At least, whatever the cases get: all of them are held against the peaks.
    private static readonly TimeSpan PeakTime = TimeSpan.FromMilliseconds(200);

    private static readonly Flag<int[]> Threads = new(
        "--threads", "N[,N]", $"numbers from 1 to {MostThreads}", "1, and all",
        "threads of the lane",
        Read.Integers(1, MostThreads))
    {
        Repeats = true,
    };

    private static readonly Flag<string> InstructionSet = new(
        "--isa", "NAME", $"one of {string.Join(", ", KernelReport.InstructionSets)}",
        "what engines use",
        "kernels of this instruction set",
        Read.Choice([.. KernelReport.InstructionSets.Select(name => (name, name))]));

    private static readonly Flag<string> Filter = new(
        "--filter", "TEXT", "text", "all",
        "only those whose kernel or shape contains it",
        Read.Text)
    {
        Repeats = true,
    };

    private static readonly Flag<(int Out, int In)> Shape = new(
        "--shape", "OUTxIN", $"two numbers from 1 to {WidestMatrix} with an x between",
        "4096x4096, and those of two models",
        "the matrix of all products",
        Read.Pair(1, WidestMatrix));

    private static readonly Flag<TimeSpan> MinTime = new(
        "--min-time", "TIME", "1ms to 60s", "200ms",
        $"how long each is repeated, {Launches} times at least",
        Read.ShortTime(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60)));

    public static Command Command { get; } = new(
        "bench kernels",
        null,
        "Measures the CPU's kernels one by one, and their share of the machine's peaks.",
        [Threads, InstructionSet, Filter, Shape, MinTime, CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var isJson = given.Get(CommonFlags.Json, false);
        var device = DeviceProbe.Of(DeviceKind.Cpu).Device
            ?? throw new CommandException("there is no CPU backend");
        var counts = ThreadCounts(given, device.UnitCount);
        var instructionSet = given.All(InstructionSet) is [.., var named]
            ? named
            : device.InstructionSet;
        var report = new KernelReport(DateTimeOffset.UtcNow, device.Processor, instructionSet);
        using (var progress = new ProgressLine("measuring", total => $"{total} cases"))
        {
            for (var i = 0; i < counts.Length; i++)
            {
                report.Add(Measure(given, instructionSet, counts[i], (done, total) =>
                    progress.Report((i * total) + done, counts.Length * total)));
            }
        }
        report.Write(isJson);
        return Task.FromResult(0);
    }

    private static KernelRun Measure(
        Given given, string instructionSet, int threads, Action<int, int> report)
    {
        var time = given.Get(MinTime, DefaultTime);
        using var bench = KernelBench.Open(threads, instructionSet, given.GetOrNull(Shape));
        var filters = given.All(Filter);
        var cases = bench.Cases.Where(each => Passes(each, filters)).ToArray();
        if (cases.Length == 0)
        {
            throw new UsageException(
                $"--filter {string.Join(", ", filters)}: no kernel or shape of "
                + $"{instructionSet} contains it");
        }
        report(0, cases.Length);
        var peaks = bench.MeasurePeaks(time > PeakTime ? time : PeakTime, Launches);
        var run = new KernelRun(threads, peaks);
        for (var i = 0; i < cases.Length; i++)
        {
            run.Rows.Add((cases[i], bench.Run(cases[i], time, Launches)));
            report(i + 1, cases.Length);
        }
        return run;
    }

    private static bool Passes(KernelCase each, IReadOnlyList<string> filters) =>
        filters.Count == 0 || filters.Any(text =>
            each.Kernel.Contains(text, StringComparison.Ordinal)
            || each.Shape.Contains(text, StringComparison.Ordinal));

    private static int[] ThreadCounts(Given given, int all)
    {
        var named = given.All(Threads).SelectMany(list => list).Distinct().ToArray();
        return named.Length > 0 ? named : [.. new[] { 1, all }.Distinct()];
    }
}
