// Where the search begins: every way to cut all ops alike, with lanes by resource or by nano-batch,
// with shares that are cheap or equal, in a few orders. Only the best of them go on.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal static class Seeds
{
    private const int MaxNanoBatches = 4;

    private delegate int Placing(Piece piece, int batch);

    private delegate double Ordering(int op, int batch);

    public static LayerDraft Sequential(SearchSpace space) => LayerDraft.Create(
        space,
        new uint[space.Ops.Count],
        piece => (0, space.Costs.UnitCount, piece.Op.Index));

    public static IEnumerable<LayerDraft> All(SearchSpace space)
    {
        yield return Sequential(space);
        foreach (var cuts in UniformCuts(space))
        {
            var batches = System.Numerics.BitOperations.PopCount(cuts) + 1;
            foreach (var draft in OfCuts(space, cuts, batches))
            {
                yield return draft;
            }
        }
    }

    /// <summary>Cuts that all ops have: none, one boundary anywhere, or even shares.</summary>
    public static IEnumerable<uint> UniformCuts(SearchSpace space)
    {
        yield return 0;
        var count = space.Boundaries.Count;
        for (var i = 0; i < count; i++)
        {
            yield return 1u << i;
        }
        for (var batches = 3; batches <= Math.Min(MaxNanoBatches, count + 1); batches++)
        {
            var cuts = 0u;
            for (var i = 1; i < batches; i++)
            {
                cuts |= 1u << (i * (count + 1) / batches - 1);
            }
            yield return cuts;
        }
    }

    private static IEnumerable<LayerDraft> OfCuts(SearchSpace space, uint cuts, int batches)
    {
        var begins = space.PiecesOf(space.Ops[0], cuts).Select(piece => piece.Begin).ToList();
        foreach (var lanes in LanePlacings(space, batches))
        {
            foreach (var units in UnitPlacings(space, batches))
            {
                foreach (var order in Orderings(space.Ops.Count, batches))
                {
                    yield return LayerDraft.Create(
                        space,
                        [.. space.Ops.Select(_ => cuts)],
                        piece =>
                        {
                            var batch = begins.IndexOf(piece.Begin);
                            return (
                                lanes(piece, batch),
                                units(piece, batch),
                                order(piece.Op.Index, batch));
                        });
                }
            }
        }
    }

    private static IEnumerable<Placing> LanePlacings(SearchSpace space, int batches)
    {
        yield return (_, _) => 0;
        yield return (piece, _) => (int)piece.Op.Resource % space.LaneLimit;
        if (batches > 1)
        {
            yield return (_, batch) => batch % space.LaneLimit;
        }
    }

    private static IEnumerable<Placing> UnitPlacings(SearchSpace space, int batches)
    {
        var all = space.Costs.UnitCount;
        yield return (_, _) => all;
        yield return (piece, _) => CheapestUnits(space, piece);
        yield return (piece, _) => piece.Op.Resource == ResourceKind.Compute
            ? all
            : CheapestUnits(space, piece);
        if (batches > 1)
        {
            yield return (_, _) => space.Costs.UnitChoices.Last(
                units => units <= Math.Max(space.Costs.UnitChoices[0], all / batches));
        }
    }

    private static IEnumerable<Ordering> Orderings(int opCount, int batches)
    {
        yield return (op, batch) => op + batch * opCount; // nano-batch by nano-batch
        if (batches > 1)
        {
            yield return (op, batch) => op * batches + batch; // op by op
            yield return (op, batch) => op + (double)batch * opCount / batches; // staggered
        }
    }

    /// <summary>Units that take the least of the device.</summary>
    public static int CheapestUnits(SearchSpace space, Piece piece) =>
        space.Costs.UnitChoices.MinBy(
            units => units * space.Costs.Time(space.LaunchOf(piece, units)));
}
