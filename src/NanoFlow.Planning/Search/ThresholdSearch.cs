// One question: is there a solution whose period is less than a threshold? Depth first over
// decisions, each followed by everything it implies (Inference). Lanes are decided first, then the
// orders of pairs, the pair with the least room first and its roomier order first.
//
// The earliest starts of any node, sorted on each lane, are orders too; mostly they answer the
// question long before every pair is decided.

using System.Numerics;

namespace NanoFlow.Planning.Search;

internal enum Answer
{
    /// <summary>The incumbent is below the threshold now.</summary>
    Yes,

    /// <summary>Proved: every solution's period is the threshold or more.</summary>
    No,

    /// <summary>The nodes were used up.</summary>
    Open,

    /// <summary>The limits of the whole search were reached.</summary>
    Ended,
}

internal sealed class ThresholdSearch(CyclicProblem problem, Incumbent incumbent, Budget budget)
{
    // Nodes that wait, each with the decision that makes it differ from its sibling.
    private readonly Stack<(Selection Node, Decision Decision)> _waiting = [];
    private readonly Stack<Selection> _spare = [];

    private Period _floor;

    /// <param name="floor">No solution is below it.</param>
    public Answer Ask(Period threshold, Period floor, long nodes)
    {
        _floor = floor;
        var root = Rent();
        var answer = root.Reset(threshold) ? Walk(root, threshold, nodes) : Answer.No;
        while (_waiting.TryPop(out var waiting))
        {
            _spare.Push(waiting.Node);
        }
        return answer;
    }

    private Answer Walk(Selection node, Period threshold, long nodes)
    {
        for (var isPossible = true; ; nodes--)
        {
            if (nodes <= 0 || !budget.Take())
            {
                _spare.Push(node);
                return nodes <= 0 ? Answer.Open : Answer.Ended;
            }
            if (isPossible && Inference.Close(problem, node))
            {
                isPossible = Branch(node);
                if (incumbent.Period < threshold)
                {
                    _spare.Push(node);
                    return Answer.Yes;
                }
                continue;
            }
            _spare.Push(node);
            if (!_waiting.TryPop(out var waiting))
            {
                return Answer.No;
            }
            node = waiting.Node;
            isPossible = Apply(node, waiting.Decision);
        }
    }

    // Takes the first alternative on the node itself and leaves the others waiting.
    private bool Branch(Selection node)
    {
        if (LaneToDecide(node) is { } nanoOp)
        {
            return BranchOnLane(node, nanoOp);
        }
        incumbent.Offer(EarliestOrder(node), _floor);
        if (PairToDecide(node) is { } pair)
        {
            return BranchOnPair(node, pair);
        }
        // Nothing is open and nothing contradicts itself: what was offered is a solution.
        return incumbent.Period < new Period(node.Threshold, node.Scale)
            ? false
            : throw new InvalidOperationException("a decided node must be below its threshold");
    }

    private bool BranchOnLane(Selection node, int nanoOp)
    {
        var lanes = Enumerable.Range(0, problem.Lanes)
            .Where(lane => (node.Allowed[nanoOp] & (1 << lane)) != 0 && !IsMirrored(node, lane))
            .OrderBy(lane => node.Load[lane] + (node.Scale * problem.Duration(nanoOp, lane)))
            .ToArray();
        for (var k = lanes.Length - 1; k > 0; k--)
        {
            Wait(node, new Decision(nanoOp, -1, lanes[k]));
        }
        return node.Assign(nanoOp, lanes[0]);
    }

    private bool BranchOnPair(Selection node, Decision first)
    {
        Wait(node, new Decision(first.Second, first.First, -1));
        return Apply(node, first);
    }

    private static bool Apply(Selection node, Decision decision) => decision.Lane >= 0
        ? node.Assign(decision.First, decision.Lane)
        : node.Order(decision.First, decision.Second);

    private void Wait(Selection node, Decision decision)
    {
        var sibling = Rent();
        sibling.CopyFrom(node);
        _waiting.Push((sibling, decision));
    }

    private Selection Rent() => _spare.TryPop(out var spare) ? spare : new Selection(problem);

    // Of empty lanes that are alike, only the first is tried.
    private bool IsMirrored(Selection node, int lane)
    {
        for (var other = 0; other < lane; other++)
        {
            if ((node.OnLane[lane] | node.OnLane[other]) == 0 && problem.AreAlike(lane, other))
            {
                return true;
            }
        }
        return false;
    }

    // The fewest lanes first, then the longest.
    private static int? LaneToDecide(Selection node)
    {
        int? best = null;
        for (var i = 0; i < node.Lane.Length; i++)
        {
            if (node.Lane[i] < 0 && (best is not { } other || Rank(i).CompareTo(Rank(other)) < 0))
            {
                best = i;
            }
        }
        return best;

        (int, long) Rank(int i) => (BitOperations.PopCount((uint)node.Allowed[i]), -node.Time[i]);
    }

    private static Decision? PairToDecide(Selection node)
    {
        Decision? best = null;
        var least = double.PositiveInfinity;
        for (var i = 0; i < node.Lane.Length; i++)
        {
            var open = node.Open(i) & ~((2ul << i) - 1);
            for (; open != 0; open &= open - 1)
            {
                var j = BitOperations.TrailingZeroCount(open);
                var (forward, backward) = (node.Room(i, j), node.Room(j, i));
                var (tight, loose) = (Math.Min(forward, backward), Math.Max(forward, backward));
                // A tight order counts for less where the other one is tight as well.
                var rank = tight * Math.Sqrt((double)loose / tight);
                if (rank < least)
                {
                    least = rank;
                    best = forward >= backward ? new Decision(i, j, -1) : new Decision(j, i, -1);
                }
            }
        }
        return best;
    }

    private int[][] EarliestOrder(Selection node)
    {
        Span<long> start = stackalloc long[CyclicProblem.MaxNanoOps];
        node.EarliestStarts(start);
        var order = new int[problem.Lanes][];
        var count = new int[problem.Lanes];
        for (var lane = 0; lane < problem.Lanes; lane++)
        {
            order[lane] = new int[BitOperations.PopCount(node.OnLane[lane])];
        }
        // Nano-ops may take no time: among equal starts what is decided counts, then the
        // topological order.
        foreach (var i in problem.TopologicalOrder)
        {
            var lane = order[node.Lane[i]];
            var place = count[node.Lane[i]]++;
            for (; place > 0 && IsLater(node, start, lane[place - 1], i); place--)
            {
                lane[place] = lane[place - 1];
            }
            lane[place] = i;
        }
        return order;
    }

    private static bool IsLater(Selection node, Span<long> start, int nanoOp, int than) =>
        start[nanoOp] > start[than]
        || (start[nanoOp] == start[than] && (node.After[than] >> nanoOp & 1) != 0);

    // A nano-op on a lane, or two of one lane in this order, with lane -1.
    private readonly record struct Decision(int First, int Second, int Lane);
}
