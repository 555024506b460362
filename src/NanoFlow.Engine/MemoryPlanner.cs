// Turns options and the native core's figures into a number of KV pages and a longest sequence, or
// into one error with the arithmetic of why not.

namespace NanoFlow.Engine;

/// <summary>What the native core says an engine would take.</summary>
internal sealed record MemoryFigures(
    long Weights, long Arena, long KvPage, long Sampling, long Steps, long LargestTensor);

internal static class MemoryPlanner
{
    private const long DefaultKvCacheBytes = 4L << 30;

    /// <summary>The KV cache of a model that has none counts as so many tokens a page slot: pages
    /// are then only numbers.</summary>
    private const int PagesWithoutMemory = 4096;

    /// <param name="longest">Longest sequence that is wanted, in tokens.</param>
    /// <param name="mayShorten">It may be cut to what the KV cache holds.</param>
    public static (MemoryPlan Plan, int MaxModelLength) Decide(
        MemoryFigures native, EngineOptions options, long available, int longest, bool mayShorten)
    {
        var pages = PageCount(native, options, available);
        var pagesOfLongest = (longest + options.BlockSize - 1) / options.BlockSize;
        pages = (int)Math.Min(pages, (long)pagesOfLongest * options.MaxSequences);
        var plan = new MemoryPlan
        {
            Weights = native.Weights,
            Arena = native.Arena,
            Sampling = native.Sampling,
            Steps = native.Steps,
            KvPage = native.KvPage,
            PageCount = pages,
            PageTokens = options.BlockSize,
            LargestTensor = native.LargestTensor,
            Available = available,
        };
        if (plan.Total + plan.LargestTensor > available)
        {
            throw new EngineException(
                $"The model does not fit into memory:\n{plan}\n"
                + $"and {MemoryPlan.Mib(plan.LargestTensor)} while loading. "
                + "Lower KvCacheBytes, MaxSequences or MaxModelLength.");
        }
        var held = (int)Math.Min(plan.KvTokens, longest);
        if (held < 2 || (held < longest && !mayShorten))
        {
            throw new EngineException(
                $"A sequence of {longest} tokens needs "
                + $"{MemoryPlan.Mib(pagesOfLongest * native.KvPage)} of KV cache; there are "
                + $"{MemoryPlan.Mib(plan.KvCache)} = {plan.KvTokens} tokens. Raise KvCacheBytes or "
                + $"lower MaxModelLength.\n{plan}");
        }
        return (plan, held);
    }

    private static int PageCount(MemoryFigures native, EngineOptions options, long available)
    {
        if (native.KvPage == 0)
        {
            return PagesWithoutMemory;
        }
        var others = native.Weights + native.Arena + native.Sampling + native.Steps;
        var left = Math.Max(0, available - others - native.LargestTensor);
        var bytes = options.KvCacheBytes ?? Math.Min(DefaultKvCacheBytes, left / 2);
        return (int)Math.Min(bytes / native.KvPage, EngineLimits.Pages);
    }
}
