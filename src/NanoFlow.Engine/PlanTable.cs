using NanoFlow.Planning;

namespace NanoFlow.Engine;

/// <summary>Which plan a step gets. Plan 0 is sequential and serves steps far below the size that
/// the others were made for: cut into nano-batches, they would be too small to fill the
/// device.</summary>
internal sealed class PlanTable
{
    /// <param name="sequential">For every step that no other plan fits.</param>
    /// <param name="others">In ascending order of StepRows.</param>
    public PlanTable(Plan sequential, IReadOnlyList<Plan> others)
    {
        Plans = [sequential, .. others];
    }

    public IReadOnlyList<Plan> Plans { get; }

    /// <summary>The largest plan of which the step is more than half; else the sequential
    /// one.</summary>
    public int Pick(int rows)
    {
        for (var i = Plans.Count - 1; i > 0; i--)
        {
            if (rows > Plans[i].StepRows / 2)
            {
                return i;
            }
        }
        return 0;
    }
}
