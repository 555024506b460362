// What follows from the decisions of a node, until nothing more does:
//
//   lanes   a nano-op leaves lanes that it would fill up to the threshold;
//   pairs   where only one order of two nano-ops of a lane has room left, it is decided;
//   spans   if i is before j on a lane, whatever is decided to be between them needs its time
//           between them, and whatever is before i or after j needs its time from j of one layer to
//           i of the next. Sets count here, so this is more than longest paths know.

using System.Numerics;

namespace NanoFlow.Planning.Search;

internal static class Inference
{
    /// <summary>False if the node has no solution below the threshold.</summary>
    public static bool Close(CyclicProblem problem, Selection node)
    {
        while (true)
        {
            var changed = false;
            if (!NarrowLanes(problem, node, ref changed) || !DecidePairs(node, ref changed))
            {
                return false;
            }
            if (!changed && !WidenSpans(node, ref changed))
            {
                return false;
            }
            if (!changed)
            {
                return true;
            }
        }
    }

    private static bool NarrowLanes(CyclicProblem problem, Selection node, ref bool changed)
    {
        var total = 0L;
        for (var i = 0; i < problem.Count; i++)
        {
            total += node.Time[i];
            if (node.Lane[i] >= 0)
            {
                continue;
            }
            for (var lane = 0; lane < problem.Lanes; lane++)
            {
                if ((node.Allowed[i] & (1 << lane)) != 0 && node.Load[lane]
                    + (node.Scale * problem.Duration(i, lane)) >= node.Threshold)
                {
                    node.Allowed[i] &= ~(1 << lane);
                }
            }
            if (node.Allowed[i] == 0)
            {
                return false;
            }
            if (BitOperations.IsPow2(node.Allowed[i]))
            {
                changed = true;
                if (!node.Assign(i, BitOperations.TrailingZeroCount(node.Allowed[i])))
                {
                    return false;
                }
            }
        }
        return total < problem.Lanes * node.Threshold;
    }

    private static bool DecidePairs(Selection node, ref bool changed)
    {
        for (var i = 0; i < node.Lane.Length; i++)
        {
            // Those after i only: each pair once. A shift by 64 would be one by 0.
            var open = node.Open(i) & ~((2ul << i) - 1);
            for (; open != 0; open &= open - 1)
            {
                var j = BitOperations.TrailingZeroCount(open);
                var (forward, backward) = (node.Fits(i, j), node.Fits(j, i));
                if (forward && backward)
                {
                    continue;
                }
                changed = true;
                if (!forward && !backward
                    || !(forward ? node.Order(i, j) : node.Order(j, i)))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static bool WidenSpans(Selection node, ref bool changed)
    {
        for (var i = 0; i < node.Lane.Length; i++)
        {
            for (var later = node.After[i]; later != 0; later &= later - 1)
            {
                var j = BitOperations.TrailingZeroCount(later);
                var between = node.After[i] & node.Before[j];
                var outside = node.Before[i] | node.After[j];
                if (!Widen(node, i, j, Sum(node, between), ref changed)
                    || !Widen(node, j, i, Sum(node, outside) - node.Threshold, ref changed))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static bool Widen(Selection node, int from, int to, long more, ref bool changed)
    {
        var weight = node.Time[from] + more;
        if (weight <= node.Path(from, to))
        {
            return true;
        }
        changed = true;
        return node.Require(from, to, weight);
    }

    private static long Sum(Selection node, ulong nanoOps)
    {
        var sum = 0L;
        for (; nanoOps != 0; nanoOps &= nanoOps - 1)
        {
            sum += node.Time[BitOperations.TrailingZeroCount(nanoOps)];
        }
        return sum;
    }
}
