// Plans at random, to compare predictions with measurements where nobody chose: cuts, lanes, order
// and shares are drawn, and every one can be executed.

namespace NanoFlow.Planning.Search;

public static class RandomPlans
{
    /// <summary>Is there room for two lanes?</summary>
    public static bool CanDraw(ICostModel costs, bool isHardSplit = false) =>
        (costs.MayExceedUnits && !isHardSplit) || costs.UnitCount >= 2 * costs.UnitChoices[0];

    /// <summary>A plan with two lanes or more.</summary>
    /// <param name="costs">For its numbers of units; times are not looked at.</param>
    /// <param name="seed">The same seed draws the same plan.</param>
    /// <param name="isHardSplit">As in PlanSearchOptions.</param>
    public static Plan Draw(
        GraphFacts graph,
        StepMix mix,
        ICostModel costs,
        int rowTile,
        int seed,
        bool isHardSplit = false)
    {
        var space = new SearchSpace(
            graph,
            mix,
            costs,
            new PlanSearchOptions { RowTile = rowTile, IsHardSplit = isHardSplit });
        var random = new Random(seed);
        var laneCount = random.Next(2, space.LaneLimit + 1);
        var boundaries = space.Boundaries.Count;
        var shared = boundaries == 0 ? 0u : 1u << random.Next(boundaries);
        var cuts = space.Ops.Select(_ => boundaries == 0 || random.Next(3) > 0
            ? shared
            : shared | 1u << random.Next(boundaries)).ToArray();
        var byBatch = random.Next(2) == 0;
        var draft = LayerDraft.Create(space, cuts, piece =>
        {
            var late = piece.Begin * 2 >= mix.Rows ? 1 : 0;
            var lane = random.Next(4) == 0
                ? random.Next(laneCount)
                : (byBatch ? late : (int)piece.Op.Resource) % laneCount;
            var units = costs.UnitChoices[random.Next(costs.UnitChoices.Count)];
            var key = piece.Op.Index + late * random.Next(space.Ops.Count);
            return (lane, units, key);
        });
        if (draft.Lanes.Distinct().Count() == 1)
        {
            draft.Lanes[^1] = (draft.Lanes[0] + 1) % laneCount;
            draft.FitUnits(space);
        }
        return PlanBuilder.Build(space, draft);
    }
}
