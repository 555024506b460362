// Turns options and the native core's figures into a number of KV pages and a longest sequence, or
// into one error with the arithmetic of why not.

namespace NanoFlow.Engine;

/// <summary>What the native core says an engine would take.</summary>
internal sealed record MemoryFigures(
    long Weights, long Arena, long KvPage, long Sampling, long Steps, long LargestTensor);

internal static class MemoryPlanner
{
    private const long DefaultKvCacheBytes = 4L << 30;

    /// <param name="longest">Longest sequence that is wanted, in tokens.</param>
    /// <param name="mayShorten">It may be cut to what the KV cache holds.</param>
    public static (MemoryPlan Plan, int MaxModelLength) Decide(
        MemoryFigures native,
        EngineOptions options,
        MemoryBudget budget,
        int longest,
        bool mayShorten)
    {
        var pagesOfLongest = (longest + options.BlockSize - 1) / options.BlockSize;
        var plan = new MemoryPlan
        {
            Weights = native.Weights,
            Arena = native.Arena,
            Sampling = native.Sampling,
            Steps = native.Steps,
            KvPage = native.KvPage,
            PageCount = 0,
            PageTokens = options.BlockSize,
            LargestTensor = native.LargestTensor,
            Reserve = budget.Reserve,
            Available = budget.Available,
            AvailableFrom = budget.Origin,
        };
        plan = plan with
        {
            PageCount = (int)Math.Min(
                Pages(plan, options, budget), (long)pagesOfLongest * options.MaxSequences),
        };
        if (plan.Total + WhileLoading(plan, budget) > budget.Available)
        {
            throw new EngineException(DoesNotFit(plan, budget));
        }
        var held = (int)Math.Min(plan.KvTokens, longest);
        if (held < 2 || (held < longest && !mayShorten))
        {
            throw new EngineException(
                $"A sequence of {longest} tokens needs "
                + $"{MemoryPlan.Mib(pagesOfLongest * native.KvPage)} of KV cache; there are "
                + $"{MemoryPlan.Mib(plan.KvCache)} = {plan.KvTokens} tokens. Raise "
                + (budget.IsDevice && options.KvCacheBytes is null
                    ? nameof(EngineOptions.GpuMemoryUtilization)
                    : nameof(EngineOptions.KvCacheBytes))
                + $" or lower MaxModelLength.\n{plan}");
        }
        return (plan, held);
    }

    private static long WhileLoading(MemoryPlan plan, MemoryBudget budget) =>
        budget.IsDevice ? 0 : plan.LargestTensor;

    private static string DoesNotFit(MemoryPlan plan, MemoryBudget budget) => budget.IsDevice
        ? $"The model does not fit into the memory of the GPU:\n{plan}\n"
            + "Lower KvCacheBytes, MaxSequences, MaxBatchedTokens or MaxModelLength, raise "
            + "GpuMemoryUtilization, or end what else uses the GPU."
        : $"The model does not fit into memory:\n{plan}\n"
            + $"and {MemoryPlan.Mib(plan.LargestTensor)} while loading. "
            + "Lower KvCacheBytes, MaxSequences or MaxModelLength.";

    private static long Pages(MemoryPlan empty, EngineOptions options, MemoryBudget budget)
    {
        if (empty.KvPage == 0)
        {
            return EngineLimits.Pages; // a model without a KV cache: pages are only numbers
        }
        var left = Math.Max(0, budget.Available - empty.Total - WhileLoading(empty, budget));
        var bytes = options.KvCacheBytes
            ?? (budget.IsDevice ? left : Math.Min(DefaultKvCacheBytes, left / 2));
        return Math.Min(bytes / empty.KvPage, EngineLimits.Pages);
    }
}
