// Every choice of an engine: limit, default and the reason for it. Immutable; what follows from an
// option is computed where it is used.

using System.Globalization;

namespace NanoFlow.Engine;

public enum DeviceKind
{
    /// <summary>The slow, plain backend that all others are compared with.</summary>
    Reference = 0,

    Cpu = 1,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda = 2,
}

/// <summary>Elements that a GPU multiplies. The CPU computes in bfloat16 or wider.</summary>
public enum OperandDType
{
    /// <summary>float16 for a model stored in it, else bfloat16.</summary>
    Auto,

    BFloat16,
    Float16,
}

public sealed record EngineOptions
{
    public DeviceKind Device { get; init; } = DeviceKind.Cpu;

    /// <summary>Of the devices of this kind.</summary>
    public int DeviceIndex { get; init; }

    public OperandDType DType { get; init; }

    public WeightQuantization Quantization { get; init; }

    /// <summary>A row's results do not depend on what it is computed with. The CPU always does
    /// that; on a GPU it rules some kernels out.</summary>
    public bool BatchInvariant { get; init; }

    /// <summary>Longest sequence in tokens, prompt and output together. Null: what the model was
    /// trained for, or less where the KV cache holds less.</summary>
    public int? MaxModelLength { get; init; }

    /// <summary>Sequences that run at the same time. 256 is far above where a CPU stops gaining
    /// from wider steps, and costs little when they are not there.</summary>
    public int MaxSequences { get; init; } = 256;

    /// <summary>Rows of a step, decode and prefill together, at least MaxSequences. Large steps
    /// compute prompts faster, small ones keep the gaps between tokens short: 512 rows are a step
    /// of some tens of milliseconds on the models that a CPU serves well. A GPU needs wider ones:
    /// <see cref="GpuBatchedTokens"/>.</summary>
    public int MaxBatchedTokens { get; init; } = 512;

    /// <summary>What MaxBatchedTokens should be on a GPU where nothing else is asked for: of fewer
    /// rows its arithmetic units see little.</summary>
    public const int GpuBatchedTokens = 2048;

    /// <summary>Null: on a GPU all that GpuMemoryUtilization leaves; else 4 GiB, or half of the
    /// memory that is left beside the weights.</summary>
    public long? KvCacheBytes { get; init; }

    /// <summary>Share of a GPU's memory that may be taken. What is left is for other programs, and
    /// for what drivers take as they like.</summary>
    public double GpuMemoryUtilization { get; init; } = 0.9;

    /// <summary>Tokens of a KV page: 16, 32, 64 or 128. Small pages waste less at the end of a
    /// sequence, large ones make shorter tables; 32 wastes 16 tokens a sequence on
    /// average.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>CPU threads that compute. 0: what affinity and the cgroup quota allow.</summary>
    public int Threads { get; init; }

    /// <summary>Start of the seeds given to requests that name none. Null: a new one each time the
    /// engine starts.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How steps are laid out over the device.</summary>
    public PlanChoice Plans { get; init; } = PlanChoice.Sequential;

    /// <summary>Where plans and costs are kept. Null: the cache of the user, by no
    /// variable.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Time to look for plans before anything is served, where they are wanted and there
    /// are none: long enough for a median of each measurement, short enough to wait for at a
    /// start.</summary>
    public TimeSpan PlanningBudget { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Requests that may wait for admission. Beyond it a client is better told at once
    /// than after minutes.</summary>
    public int MaxQueuedRequests { get; init; } = 1024;

    /// <summary>Prompt tokens that may wait for admission: bounds the work that is promised, where
    /// the number of requests says little. One prompt is always allowed.</summary>
    public long MaxQueuedTokens { get; init; } = 1 << 20;

    /// <summary>An engine whose step takes longer than this counts as stalled. Far above the
    /// slowest step of a machine that works.</summary>
    public TimeSpan StallAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <exception cref="ArgumentException">With the option and its range.</exception>
    internal void Validate()
    {
        Check(nameof(Device), (long)Device, 0, (long)DeviceKind.Cuda);
        Check(nameof(Quantization), (long)Quantization, 0, (long)WeightQuantization.Int8);
        Check(nameof(DeviceIndex), DeviceIndex, 0, EngineLimits.Devices - 1);
        Check(nameof(MaxModelLength), MaxModelLength ?? 2, 2, EngineLimits.Positions);
        Check(nameof(MaxSequences), MaxSequences, 1, EngineLimits.Sequences);
        Check(nameof(MaxBatchedTokens), MaxBatchedTokens, MaxSequences, EngineLimits.StepRows);
        Check(nameof(KvCacheBytes), KvCacheBytes ?? 1, 1, long.MaxValue);
        Check(nameof(Threads), Threads, 0, EngineLimits.Threads);
        Check(nameof(MaxQueuedRequests), MaxQueuedRequests, 1, int.MaxValue);
        Check(nameof(MaxQueuedTokens), MaxQueuedTokens, 1, long.MaxValue);
        Check(nameof(PlanningBudget), PlanningBudget.Ticks, 1, TimeSpan.FromHours(1).Ticks);
        Check(nameof(StallAfter), StallAfter.Ticks, 1, TimeSpan.MaxValue.Ticks);
        if (BlockSize is not (16 or 32 or 64 or 128))
        {
            throw new ArgumentException($"{nameof(BlockSize)} is {BlockSize}; "
                + "allowed are 16, 32, 64 and 128.");
        }
        if (!(GpuMemoryUtilization >= EngineLimits.LeastGpuMemoryUtilization
            && GpuMemoryUtilization <= EngineLimits.MostGpuMemoryUtilization))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"{nameof(GpuMemoryUtilization)} is {GpuMemoryUtilization}; allowed are "
                + $"{EngineLimits.LeastGpuMemoryUtilization} to "
                + $"{EngineLimits.MostGpuMemoryUtilization}."));
        }
        if (DType == OperandDType.Float16 && Device != DeviceKind.Cuda)
        {
            throw new ArgumentException(
                $"{nameof(DType)} is float16, which only a GPU computes in; the CPU takes auto or "
                + "bfloat16.");
        }
    }

    private static void Check(string name, long value, long min, long max)
    {
        if (value < min || value > max)
        {
            throw new ArgumentException($"{name} is {value}; allowed are {min} to {max}.");
        }
    }
}

/// <summary>Bounds of the native core.</summary>
public static class EngineLimits
{
    public const int Positions = 1 << 22;
    public const int Sequences = 1 << 14;
    public const int StepRows = 1 << 17;
    public const int Threads = 1024;
    public const int Pages = 1 << 28;

    /// <summary>Of one kind in a machine.</summary>
    public const int Devices = 64;

    public const double LeastGpuMemoryUtilization = 0.1;

    /// <summary>The driver itself needs some.</summary>
    public const double MostGpuMemoryUtilization = 0.99;

    /// <summary>NF_MAX_LOGPROBS.</summary>
    public const int LogProbs = 20;

    /// <summary>Log-probabilities of the tokens of one prompt, alternatives included: 8 MiB here,
    /// some 60 MiB as JSON. A prompt of 49 thousand tokens may have 20 alternatives for
    /// each.</summary>
    public const int PromptScores = 1 << 20;

    /// <summary>NF_MAX_BIAS.</summary>
    public const int Bias = 1024;
}
