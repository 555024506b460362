// What the search knows about a device: how long a launch takes on so many units, and how much two
// launches slow each other down. Measured (CostTable) or computed for hardware that is not here
// (AnalyticCosts).

namespace NanoFlow.Planning;

/// <summary>A launch as cost models see it.</summary>
/// <param name="Units">Of the device, 1 to UnitCount.</param>
public readonly record struct Launch(GraphOp Op, NanoWork Work, int Units);

public interface ICostModel
{
    /// <summary>Units that launches share.</summary>
    int UnitCount { get; }

    /// <summary>Numbers of units that a launch may be given, ascending; the last is
    /// UnitCount.</summary>
    IReadOnlyList<int> UnitChoices { get; }

    /// <summary>Whether launches beside each other may ask for more units than there are, and then
    /// share them evenly: resident blocks of a GPU do. Threads that share a core do not: one that
    /// has lost its core holds up all that wait for it.</summary>
    bool MayExceedUnits { get; }

    /// <summary>Microseconds between the end of a nano-op and the start of one on another lane that
    /// waits for it.</summary>
    double HandoffMicroseconds { get; }

    /// <summary>Microseconds of a launch with nothing beside it; 0 without rows.</summary>
    double Time(in Launch launch);

    /// <summary>How many times longer a launch takes while another runs on other units: at least 1.
    /// What units they share is not part of it.</summary>
    double SlowDown(in Launch launch, in Launch other);
}
