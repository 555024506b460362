// Flags of "nanoflow bench serve" besides those of the workload.

using System.Globalization;
using System.Text.Json;
using NanoFlow.Benchmarks;
using NanoFlow.Cli;

namespace NanoFlow.Commands;

/// <param name="PerSecond">Infinite: all requests are there at the start.</param>
/// <param name="IsOfTrace">Requests come when they came in the trace.</param>
internal readonly record struct RequestRate(double PerSecond, bool IsOfTrace)
{
    private const double Least = 0.001;
    private const double Most = 1e6;

    public const string Range = "requests a second from 0.001 to 1000000, 'inf' or 'trace'";

    public bool IsNumber => !IsOfTrace && double.IsFinite(PerSecond);

    public static RequestRate AtOnce => new(double.PositiveInfinity, false);

    public static bool TryRead(string text, out RequestRate rate)
    {
        rate = text == "trace" ? new(0, true) : AtOnce;
        if (text is "trace" or "inf")
        {
            return true;
        }
        var isNumber = double.TryParse(
            text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number);
        rate = new(number, false);
        return isNumber && number is >= Least and <= Most;
    }

    public override string ToString() => IsOfTrace ? "trace"
        : double.IsInfinity(PerSecond) ? "inf" : Text.Of($"{PerSecond}");
}

internal static class BenchServeFlags
{
    /// <summary>Below are often special tokens, such as end of text.</summary>
    public const int LeastToken = 10;

    public const int DefaultVocabSize = 1000;

    public const int DefaultPairs = 5;

    private const int MostPairs = 1000;

    /// <summary>That of vLLM's client.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromHours(6);

    public static readonly Flag<string> Model = new(
        "--model", "NAME", "a name", "the first of the server's models",
        "model to ask for",
        Read.Text);

    public static readonly Flag<int> MaxConcurrency = new(
        "--max-concurrency", "N", $"1 to {LoadLimits.Requests}", "all",
        "requests in flight at once; others wait until one has ended",
        Read.Integer(1, LoadLimits.Requests));

    public static readonly Flag<RequestRate> Rate = new(
        "--request-rate", "RATE", RequestRate.Range, "inf: all are there at the start",
        "requests that come a second; trace: as they came in it, the first --num-prompts rows",
        RequestRate.TryRead);

    public static readonly Flag<double> Burstiness = new(
        "--burstiness", "SHAPE", "0.01 to 1000", "1: a Poisson process",
        "shape of the gamma distribution of the gaps between requests; bursts below 1",
        Read.Number(0.01, 1000));

    public static readonly Flag<int> VocabSize = new(
        "--vocab-size", "N", $"{2 * LeastToken} to {LoadLimits.Tokens}", $"{DefaultVocabSize}",
        $"token ids of prompts are {LeastToken} to N - 1; any model has the default's",
        Read.Integer(2 * LeastToken, LoadLimits.Tokens));

    public static readonly Flag<bool> IgnoreEos = new(
        "--ignore-eos", null, "true or false", "on; --ignore-eos=false",
        "ask for answers that do not end before their length",
        Read.Switch);

    public static readonly Flag<double> Temperature = new(
        "--temperature", "T", "0 to 2", "0: greedy",
        "how answers are sampled",
        Read.Number(0, 2));

    public static readonly Flag<JsonElement> ExtraBody = new(
        "--extra-body", "JSON", CompletionFields.ExtraRange, "{}",
        "more fields of each request, such as {\"cache_prompt\":false} for llama-server",
        CompletionFields.TryReadExtra);

    public static readonly Flag<int> WarmUps = new(
        "--num-warmups", "N", $"0 to {LoadLimits.Requests}", "1",
        "requests before the measurement; if one fails, nothing is measured",
        Read.Integer(0, LoadLimits.Requests))
    {
        Also = "--warmups",
    };

    public static readonly Flag<Objective> Goodput = new(
        "--goodput", "METRIC:MS", Objective.Range, "none",
        "what a good request is; request_goodput counts those that meet all",
        Objective.TryRead)
    {
        TakesWords = true,
    };

    public static readonly Flag<TimeSpan> Timeout = new(
        "--request-timeout", "TIME", "1s to 1440m, such as 90s or 10m",
        Text.Of($"{DefaultTimeout.TotalMinutes}m"),
        "a request that takes longer has failed",
        Read.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));

    public static readonly Flag<string> ApiKey = new(
        "--api-key", "KEY", "text without spaces or commas", "none",
        "sent as a bearer token, with --compare-with to both servers",
        (string text, out string key) => (key = text).Length > 0
            && text.All(c => c is > ' ' and < '\x7f' and not ','));

    public static readonly Flag<string> CompareWith = new(
        "--compare-with", "URL", "http:// or https:// and a host", "none",
        "loads a second server too, by turns, and prints medians and ratios of both",
        Read.Text);

    public static readonly Flag<int> Pairs = new(
        "--pairs", "N", $"1 to {MostPairs}", $"{DefaultPairs}",
        "runs of each server with --compare-with; every pair has prompts of its own",
        Read.Integer(1, MostPairs));

    public static IReadOnlyList<Flag> All { get; } =
    [
        Model, .. LoadFlags.OfWorkload, VocabSize, MaxConcurrency, Rate, Burstiness, IgnoreEos,
        Temperature, ExtraBody, WarmUps, Goodput, LoadFlags.Percentiles, Timeout, ApiKey,
        CompareWith, Pairs, CommonFlags.Json,
    ];

    /// <exception cref="UsageException">It is no URL of a server.</exception>
    public static Uri Server(string text, string what) =>
        Uri.TryCreate(text, UriKind.Absolute, out var server) && server.Scheme is "http" or "https"
            ? server
            : throw new UsageException(
                $"{what}: '{text}' is no URL such as http://127.0.0.1:8000");
}
