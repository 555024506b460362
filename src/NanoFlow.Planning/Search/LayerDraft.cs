// A point of the search space: what is decided about a layer so far. Drafts are copied and changed
// freely; every draft can be executed, because the order is made valid when it is read: nano-ops
// are sorted by their keys as far as their needs allow.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal sealed class LayerDraft
{
    private LayerDraft(
        uint[] cuts, LayerShape shape, int[] lanes, int[] units, double[] keys, int[] widths)
    {
        Cuts = cuts;
        Shape = shape;
        Lanes = lanes;
        Units = units;
        Keys = keys;
        Widths = widths;
    }

    /// <summary>By op of the layer: bits over the boundaries of the space.</summary>
    public uint[] Cuts { get; }

    public LayerShape Shape { get; private set; }

    /// <summary>By nano-op.</summary>
    public int[] Lanes { get; private set; }

    /// <summary>By nano-op.</summary>
    public int[] Units { get; private set; }

    /// <summary>By nano-op: smaller ones are issued earlier where needs allow it.</summary>
    public double[] Keys { get; private set; }

    /// <summary>By lane: its units, where lanes may not exceed the device together; 0 for a lane
    /// that is not used.</summary>
    public int[] Widths { get; }

    public int Count => Lanes.Length;

    public int LaneCount => Lanes.Distinct().Count();

    /// <param name="cuts">By op.</param>
    /// <param name="place">Lane, units and key of a nano-op.</param>
    public static LayerDraft Create(
        SearchSpace space, uint[] cuts, Func<Piece, (int Lane, int Units, double Key)> place)
    {
        var shape = new LayerShape(space, cuts);
        var placed = shape.Pieces.Select(place).ToArray();
        var draft = new LayerDraft(
            cuts,
            shape,
            [.. placed.Select(p => p.Lane)],
            [.. placed.Select(p => p.Units)],
            [.. placed.Select(p => p.Key)],
            new int[space.LaneLimit]);
        foreach (var (lane, units, _) in placed)
        {
            draft.Widths[lane] = Math.Max(draft.Widths[lane], units);
        }
        draft.FitUnits(space);
        return draft;
    }

    public LayerDraft Copy() => new(
        [.. Cuts], Shape, [.. Lanes], [.. Units], [.. Keys], [.. Widths]);

    /// <summary>Where lanes may not exceed the device together: every nano-op has the units of its
    /// lane, one lane alone has all, and the widest give way until all fit.</summary>
    public void FitUnits(SearchSpace space)
    {
        if (space.LanesShareUnits)
        {
            return;
        }
        var least = space.Costs.UnitChoices[0];
        var used = Lanes.Distinct().ToArray();
        for (var lane = 0; lane < Widths.Length; lane++)
        {
            Widths[lane] = !used.Contains(lane) ? 0
                : used.Length == 1 ? space.Costs.UnitCount
                : Math.Max(least, Widths[lane]);
        }
        while (Widths.Sum() > space.Costs.UnitCount)
        {
            var widest = Array.IndexOf(Widths, Widths.Max());
            Widths[widest] = space.Costs.UnitChoices.Last(units => units < Widths[widest]);
        }
        for (var i = 0; i < Count; i++)
        {
            Units[i] = Widths[Lanes[i]];
        }
    }

    /// <summary>Cuts an op elsewhere. A new nano-op takes over lane, units and key of the one that
    /// had its first row.</summary>
    public void Recut(SearchSpace space, int op, uint cuts)
    {
        var old = Shape;
        Cuts[op] = cuts;
        Shape = new LayerShape(space, Cuts);
        var from = Shape.Pieces.Select(piece => old.Find(piece.Op, piece.Begin)).ToArray();
        Lanes = [.. from.Select(i => Lanes[i])];
        Units = [.. from.Select(i => Units[i])];

        // Parts of what was one nano-op stay in the order of their rows.
        Keys =
        [
            .. from.Select((i, at) => Keys[i] + 1e-3 * Shape.Pieces[at].Begin / space.Mix.Rows),
        ];
        FitUnits(space);
    }

    /// <summary>Nano-ops in issue order.</summary>
    public int[] Order()
    {
        var order = new int[Count];
        var left = new int[Count];
        var ready = new PriorityQueue<int, (double Key, int Index)>(Count);
        for (var i = 0; i < Count; i++)
        {
            left[i] = Shape.Producers[i].Length;
            if (left[i] == 0)
            {
                ready.Enqueue(i, (Keys[i], i));
            }
        }
        for (var n = 0; n < Count; n++)
        {
            var next = ready.Dequeue();
            order[n] = next;
            foreach (var reader in Shape.Readers[next])
            {
                if (--left[reader] == 0)
                {
                    ready.Enqueue(reader, (Keys[reader], reader));
                }
            }
        }
        return order;
    }

    /// <summary>As the simulation takes it: layers alone.</summary>
    public StepModel ToModel(SearchSpace space)
    {
        var order = Order();
        var place = new int[Count];
        for (var n = 0; n < Count; n++)
        {
            place[order[n]] = n;
        }
        return new StepModel(
            [.. order.Select(i => space.LaunchOf(Shape.Pieces[i], Units[i]))],
            [.. order.Select(i => Lanes[i])],
            [.. order.Select(i => Shape.Needs[i]
                .Select(need => need with { Source = place[need.Source] }).ToArray())],
            firstNeeds: null,
            space.Costs);
    }
}

/// <summary>The nano-ops that a choice of cuts makes, and who needs whom.</summary>
internal sealed class LayerShape
{
    public LayerShape(SearchSpace space, uint[] cuts)
    {
        var pieces = new List<Piece>();
        for (var op = 0; op < cuts.Length; op++)
        {
            pieces.AddRange(space.PiecesOf(space.Ops[op], cuts[op]));
        }
        Pieces = pieces;
        Needs = new Need[pieces.Count][];
        Producers = new int[pieces.Count][];
        var readers = new List<int>[pieces.Count];
        for (var i = 0; i < readers.Length; i++)
        {
            readers[i] = [];
        }
        for (var i = 0; i < pieces.Count; i++)
        {
            Needs[i] = space.Needs.Of(pieces, i, isFirstLayer: false);
            Producers[i] = [.. Needs[i].Where(n => n.TicksBack == 0).Select(n => n.Source)];
            foreach (var producer in Producers[i])
            {
                readers[producer].Add(i);
            }
        }
        Readers = [.. readers.Select(list => list.ToArray())];
    }

    public IReadOnlyList<Piece> Pieces { get; }

    /// <summary>By nano-op, in all layers but the first.</summary>
    public Need[][] Needs { get; }

    /// <summary>By nano-op: those of the same layer that it needs.</summary>
    public int[][] Producers { get; }

    /// <summary>By nano-op: those of the same layer that need it.</summary>
    public int[][] Readers { get; }

    /// <summary>The nano-op of an op that has a row.</summary>
    public int Find(GraphOp op, int row)
    {
        for (var i = 0; i < Pieces.Count; i++)
        {
            if (Pieces[i].Op == op && row >= Pieces[i].Begin && row < Pieces[i].End)
            {
                return i;
            }
        }
        throw new ArgumentException($"No nano-op of {op.Name} has row {row}.");
    }
}
