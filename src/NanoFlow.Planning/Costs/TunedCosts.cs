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

    public double Time(in Launch launch)
    {
        var choice = 0;
        while (choice + 1 < UnitChoices.Count && UnitChoices[choice] < launch.Units)
        {
            choice++;
        }
        return costs.Time(launch)
            * factors[(int)launch.Op.Segment][launch.Op.Index][choice];
    }

    public double SlowDown(in Launch launch, in Launch other) => costs.SlowDown(launch, other);
}
