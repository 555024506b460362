// The flags that shape an engine; `serve` and `memory` share them.

using System.Text.RegularExpressions;
using NanoFlow.Cli;
using NanoFlow.Engine;

namespace NanoFlow.Commands;

internal static partial class EngineFlags
{
    private const string Sequential = "sequential";
    private const string Auto = "auto";

    private static readonly EngineOptions Defaults = new();

    public static readonly Flag<DeviceWish> Device = new(
        "--device", "NAME", "auto, cuda, cpu or reference", "auto: cuda where there is a GPU",
        "what computes: an NVIDIA GPU, fast CPU kernels, or plain loops to compare with",
        Read.Choice(
            ("auto", DeviceWish.Auto),
            ("cuda", DeviceWish.Cuda),
            ("cpu", DeviceWish.Cpu),
            ("reference", DeviceWish.Reference)));

    public static readonly Flag<int> DeviceIndex = new(
        "--device-index", "N", $"0 to {EngineLimits.Devices - 1}", "0",
        "which of the GPUs",
        Read.Integer(0, EngineLimits.Devices - 1));

    public static readonly Flag<OperandDType> DType = new(
        "--dtype", "NAME", "auto, bfloat16 or float16",
        "auto: float16 for models stored in it, else bfloat16",
        "what a GPU computes in; the CPU takes bfloat16 only",
        Read.Choice(
            ("auto", OperandDType.Auto),
            ("bfloat16", OperandDType.BFloat16),
            ("float16", OperandDType.Float16)));

    public static readonly Flag<WeightQuantization> Quantization = new(
        "--quantization", "NAME", "auto or int8", "auto: as the model is stored",
        "int8 rounds the weights of the layers and of the LM head while they are loaded, and what "
        + "they are multiplied with row by row; on the CPU",
        Read.Choice(
            ("auto", WeightQuantization.Auto),
            ("int8", WeightQuantization.Int8)));

    public static readonly Flag<bool> BatchInvariant = new(
        "--batch-invariant", null, "true or false", "off",
        "on a GPU, answers that do not depend by a bit on what is computed beside them; the CPU "
        + "always gives those",
        Read.Switch);

    public static readonly Flag<int> MaxModelLength = new(
        "--max-model-len", "TOKENS", $"2 to {EngineLimits.Positions}, such as 4096 or 32k",
        "what the model was made for, if the memory has room",
        "longest prompt and answer together",
        Read.Integer(2, EngineLimits.Positions));

    public static readonly Flag<int> MaxSequences = new(
        "--max-num-seqs", "N", $"1 to {EngineLimits.Sequences}", $"{Defaults.MaxSequences}",
        "sequences that run at the same time",
        Read.Integer(1, EngineLimits.Sequences));

    public static readonly Flag<int> MaxBatchedTokens = new(
        "--max-num-batched-tokens", "N", $"1 to {EngineLimits.StepRows}",
        $"{Defaults.MaxBatchedTokens}, on a GPU {EngineOptions.GpuBatchedTokens}",
        "tokens of one step; at least --max-num-seqs",
        Read.Integer(1, EngineLimits.StepRows));

    public static readonly Flag<long> KvCacheBytes = new(
        "--kv-cache-memory-bytes", "BYTES", "a size such as 512m or 4g",
        "4g, or half of the memory left beside the weights; on a GPU all that "
        + "--gpu-memory-utilization leaves",
        "memory for keys and values",
        Read.Size(1, long.MaxValue));

    public static readonly Flag<double> GpuMemoryUtilization = new(
        "--gpu-memory-utilization", "SHARE",
        Text.Of($"{EngineLimits.LeastGpuMemoryUtilization} to ")
        + Text.Of($"{EngineLimits.MostGpuMemoryUtilization}"),
        Text.Of($"{Defaults.GpuMemoryUtilization}"),
        "share of a GPU's memory that may be taken for everything together",
        Read.Number(
            EngineLimits.LeastGpuMemoryUtilization, EngineLimits.MostGpuMemoryUtilization));

    public static readonly Flag<int> BlockSize = new(
        "--block-size", "TOKENS", "16, 32, 64 or 128", $"{Defaults.BlockSize}",
        "tokens of a KV page",
        Read.Choice(("16", 16), ("32", 32), ("64", 64), ("128", 128)));

    public static readonly Flag<int> Threads = new(
        "--threads", "N", $"0 to {EngineLimits.Threads}", "0: every core this process may use",
        "CPU threads that compute",
        Read.Integer(0, EngineLimits.Threads));

    public static readonly Flag<int> MaxQueuedRequests = new(
        "--max-num-queued-reqs", "N", $"1 to {int.MaxValue}", $"{Defaults.MaxQueuedRequests}",
        "sequences that may wait; more are refused with status 429",
        Read.Integer(1, int.MaxValue));

    public static readonly Flag<long> MaxQueuedTokens = new(
        "--max-num-queued-tokens", "N", "1 or more, such as 1m", $"{Defaults.MaxQueuedTokens}",
        "prompt tokens that may wait; more are refused with status 429",
        Read.Size(1, long.MaxValue));

    public static readonly Flag<ulong> Seed = new(
        "--seed", "N", $"an integer from 0 to {ulong.MaxValue}", "a new one at each start",
        "start of the seeds given to requests that have none",
        Read.Seed);

    public static readonly Flag<PlanChoice> Plan = new(
        "--plan", "PLAN", $"'{Auto}', '{Sequential}' or a plan file",
        "what was found for this model before, or sequential",
        "how operations are laid out over the cores in a step; auto looks for plans at the start "
        + "where none were found before",
        ReadPlan);

    public static readonly Flag<TimeSpan> PlanBudget = new(
        "--plan-budget", "TIME", "1s to 60m, such as 60s or 2m",
        $"{Defaults.PlanningBudget.TotalSeconds:F0}s",
        "how long --plan auto may look for plans before anything is served",
        Read.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)));

    /// <summary>Those that decide how much memory is taken.</summary>
    public static IReadOnlyList<Flag> ForMemory { get; } =
    [
        Device, DeviceIndex, DType, Quantization, BatchInvariant, MaxModelLength, MaxSequences,
        MaxBatchedTokens, KvCacheBytes, GpuMemoryUtilization, BlockSize, Threads,
    ];

    public static IReadOnlyList<Flag> All { get; } =
        [.. ForMemory, MaxQueuedRequests, MaxQueuedTokens, Seed, Plan, PlanBudget];

    /// <summary>What was given, on the device that was chosen.</summary>
    public static EngineOptions Options(Given given, ChosenDevice device) => new()
    {
        Device = device.Kind,
        DeviceIndex = given.Get(DeviceIndex, Defaults.DeviceIndex),
        DType = given.Get(DType, Defaults.DType),
        Quantization = given.Get(Quantization, Defaults.Quantization),
        BatchInvariant = given.Get(BatchInvariant, Defaults.BatchInvariant),
        MaxModelLength = given.GetOrNull(MaxModelLength),
        MaxSequences = given.Get(MaxSequences, Defaults.MaxSequences),
        MaxBatchedTokens = given.Get(
            MaxBatchedTokens,
            device.Kind == DeviceKind.Cuda
                ? EngineOptions.GpuBatchedTokens
                : Defaults.MaxBatchedTokens),
        KvCacheBytes = given.GetOrNull(KvCacheBytes),
        GpuMemoryUtilization = given.Get(
            GpuMemoryUtilization, Defaults.GpuMemoryUtilization),
        BlockSize = given.Get(BlockSize, Defaults.BlockSize),
        Threads = given.Get(Threads, Defaults.Threads),
        Seed = given.GetOrNull(Seed),
        Plans = given.Get(Plan, PlanChoice.Cached),
        PlanningBudget = given.Get(PlanBudget, Defaults.PlanningBudget),
        CacheFolder = PlanCache.OfUser(Environment.GetEnvironmentVariable).Folder,
        MaxQueuedRequests = given.Get(MaxQueuedRequests, Defaults.MaxQueuedRequests),
        MaxQueuedTokens = given.Get(MaxQueuedTokens, Defaults.MaxQueuedTokens),
    };

    /// <summary>A message of the engine with its options called by their flags, on one line.
    /// </summary>
    public static string InWordsOfFlags(string message)
    {
        foreach (var (option, flag) in FlagOfOption)
        {
            message = Regex.Replace(message, $@"\b{option}\b", flag.Name);
        }

        return OnOneLine(message);
    }

    public static string OnOneLine(string message) => Spaces().Replace(message.Trim(), " ");

    private static readonly (string Option, Flag Flag)[] FlagOfOption =
    [
        (nameof(EngineOptions.Device), Device),
        (nameof(EngineOptions.DeviceIndex), DeviceIndex),
        (nameof(EngineOptions.DType), DType),
        (nameof(EngineOptions.Quantization), Quantization),
        (nameof(EngineOptions.GpuMemoryUtilization), GpuMemoryUtilization),
        (nameof(EngineOptions.MaxModelLength), MaxModelLength),
        (nameof(EngineOptions.MaxSequences), MaxSequences),
        (nameof(EngineOptions.MaxBatchedTokens), MaxBatchedTokens),
        (nameof(EngineOptions.KvCacheBytes), KvCacheBytes),
        (nameof(EngineOptions.BlockSize), BlockSize),
        (nameof(EngineOptions.Threads), Threads),
        (nameof(EngineOptions.MaxQueuedRequests), MaxQueuedRequests),
        (nameof(EngineOptions.MaxQueuedTokens), MaxQueuedTokens),
    ];

    private static bool ReadPlan(string text, out PlanChoice plan)
    {
        plan = text switch
        {
            Sequential => PlanChoice.Sequential,
            Auto => PlanChoice.Auto,
            _ => PlanChoice.File(text),
        };
        return text.Length > 0;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
