// Flags of the commands that load a server or an engine: what is asked, and what is reported. The
// names are those of vLLM's benchmarks.

using System.Globalization;
using NanoFlow.Benchmarks;
using NanoFlow.Cli;

namespace NanoFlow.Commands;

internal static class LoadFlags
{
    private const int MostPercentiles = 16;

    private static readonly string Tokens = $"1 to {LoadLimits.Tokens}";

    public static readonly Flag<int> PromptCount = new(
        "--num-prompts", "N", $"1 to {LoadLimits.Requests}", "1000",
        "requests",
        Read.Integer(1, LoadLimits.Requests));

    public static readonly Flag<bool> FromTrace = new(
        "--dataset-name", "NAME", "random or trace", "trace with --trace, or random",
        "where the lengths of prompts and answers come from; the prompts are random tokens",
        Read.Choice(("random", false), ("trace", true)));

    public static readonly Flag<string> Trace = new(
        "--trace", "FILE", "a CSV file with the columns ContextTokens and GeneratedTokens", "none",
        "requests to draw lengths from, in the form of Azure's traces of language models",
        Read.Text)
    {
        Also = "--dataset-path",
    };

    public static readonly Flag<int> InputLength = new(
        "--random-input-len", "TOKENS", Tokens, "1024",
        "tokens of a prompt",
        Read.Integer(1, LoadLimits.Tokens))
    {
        Also = "--input-len",
    };

    public static readonly Flag<int> OutputLength = new(
        "--random-output-len", "TOKENS", Tokens, "128",
        "tokens of an answer",
        Read.Integer(1, LoadLimits.Tokens))
    {
        Also = "--output-len",
    };

    public static readonly Flag<double> RangeRatio = new(
        "--random-range-ratio", "SHARE", "0 to 0.99", "0",
        "lengths are drawn evenly from LEN * (1 - SHARE) to LEN * (1 + SHARE)",
        Read.Number(0, 0.99));

    public static readonly Flag<int> MaxInputLength = new(
        "--max-input-len", "TOKENS", Tokens, "none",
        "longer prompts of a trace are cut to this",
        Read.Integer(1, LoadLimits.Tokens));

    public static readonly Flag<int> MaxOutputLength = new(
        "--max-output-len", "TOKENS", Tokens, "none",
        "longer answers of a trace are cut to this",
        Read.Integer(1, LoadLimits.Tokens));

    public static readonly Flag<double[]> Percentiles = new(
        "--metric-percentiles", "LIST",
        $"up to {MostPercentiles} numbers from 0 to 100, such as 50,90,99.9", "50,90,99",
        "percentiles of latencies to report",
        TryReadPercentiles)
    {
        Also = "--percentiles",
    };

    /// <summary>Those that say what is asked.</summary>
    public static IReadOnlyList<Flag> OfWorkload { get; } =
    [
        PromptCount, FromTrace, Trace, InputLength, OutputLength, RangeRatio, MaxInputLength,
        MaxOutputLength, PlanFlags.Seed,
    ];

    public static int SeedOf(Given given) => given.Get(PlanFlags.Seed, 1);

    public static double[] PercentilesOf(Given given) => given.Get(Percentiles, [50, 90, 99]);

    /// <param name="replay">At the times of the trace, which then must have them.</param>
    /// <returns>The workload of a seed.</returns>
    /// <exception cref="UsageException">The flags contradict each other.</exception>
    /// <exception cref="CommandException">The trace cannot be read.</exception>
    public static Func<int, Workload> Workloads(Given given, bool replay)
    {
        var count = given.Get(PromptCount, 1000);
        var path = given.GetOrNull(Trace);
        if (!given.Get(FromTrace, path is not null))
        {
            RefuseUnless(path is null, "--trace is for --dataset-name trace");
            RefuseUnless(!replay, "--request-rate trace is for --dataset-name trace");
            RefuseAny(given, "trace", MaxInputLength, MaxOutputLength);
            var mean = new Lengths(given.Get(InputLength, 1024), given.Get(OutputLength, 128));
            var ratio = given.Get(RangeRatio, 0);
            return seed => Workload.Random(count, mean, ratio, seed);
        }
        RefuseUnless(path is not null, "--dataset-name trace needs --trace FILE");
        RefuseAny(given, "random", InputLength, OutputLength, RangeRatio);
        var trace = LengthTrace.Read(path!, replay, replay ? count : int.MaxValue);
        var longest = new Lengths(
            given.Get(MaxInputLength, int.MaxValue), given.Get(MaxOutputLength, int.MaxValue));
        return replay
            ? seed => Workload.Replay(trace, longest, seed)
            : seed => Workload.Sample(count, trace, longest, seed);
    }

    private static void RefuseAny(Given given, string dataset, params Flag[] flags)
    {
        foreach (var flag in flags)
        {
            RefuseUnless(!given.Has(flag), $"{flag.Name} is for --dataset-name {dataset}");
        }
    }

    private static void RefuseUnless(bool isSo, string message)
    {
        if (!isSo)
        {
            throw new UsageException(message);
        }
    }

    private static bool TryReadPercentiles(string text, out double[] value)
    {
        var parts = text.Split(',');
        value = new double[parts.Length];
        var isGood = parts.Length <= MostPercentiles;
        for (var i = 0; i < parts.Length; i++)
        {
            isGood &= double.TryParse(
                parts[i], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out value[i]) && value[i] is >= 0 and <= 100;
        }
        value = [.. value.Distinct().Order()];
        return isGood;
    }
}
