namespace NanoFlow.Planning;

/// <summary>Costs of steps of one mix: those of a table, each op's times corrected by a factor that
/// was found for the mix.</summary>
/// <param name="costs">Of any mix.</param>
/// <param name="factors">By segment, op of the segment, and number of units in the order of
/// UnitChoices; 1: as in the table.</param>
public sealed class TunedCosts(ICostModel costs, double[][][] factors) : ICostModel
{
    public int UnitCount => costs.UnitCount;

    public IReadOnlyList<int> UnitChoices => costs.UnitChoices;

    public bool MayExceedUnits => costs.MayExceedUnits;

    public double HandoffMicroseconds => costs.HandoffMicroseconds;

    public double Time(in Launch launch) => costs.Time(launch)
        * factors[(int)launch.Op.Segment][launch.Op.Index][ChoiceOf(costs, launch.Units)];

    /// <summary>The factor that counts for so many units: that of the next choice, or of the
    /// last.</summary>
    public static int ChoiceOf(ICostModel costs, int units)
    {
        var choice = 0;
        while (choice + 1 < costs.UnitChoices.Count && costs.UnitChoices[choice] < units)
        {
            choice++;
        }
        return choice;
    }

    public double SlowDown(in Launch launch, in Launch other) => costs.SlowDown(launch, other);
}
