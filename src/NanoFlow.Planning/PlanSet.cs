// What a search found for one model on one device: a plan for each mix of steps it looked at. The
// content of a plan file.

namespace NanoFlow.Planning;

/// <summary>For what plans or costs hold, and for nothing else.</summary>
/// <param name="Graph">Hash of the model's graph.</param>
/// <param name="Device">Fingerprint of the device.</param>
/// <param name="Version">Of the program whose kernels were measured.</param>
public sealed record Origin(ulong Graph, string Device, string Version);

/// <summary>A nano-op of the layer in the steady state, in microseconds from the start of the
/// layer's period. What belongs to the layer before or after lies outside of [0, period).</summary>
public readonly record struct PredictedSpan(int NanoOp, double Begin, double End);

/// <summary>What a search knows about one plan. Times in microseconds; 0: not known.</summary>
/// <param name="Period">Predicted, of a layer in the steady state.</param>
/// <param name="SequentialPeriod">The same of the sequential plan.</param>
/// <param name="LowerBound">No plan of the searched space has a shorter period, by the
/// model of costs.</param>
/// <param name="MeasuredStep">Of a whole step, measured.</param>
/// <param name="MeasuredSequentialStep">The same of the sequential plan.</param>
public sealed record PlanTimes(
    double Period,
    double SequentialPeriod,
    double LowerBound,
    double MeasuredStep,
    double MeasuredSequentialStep)
{
    /// <summary>How far from optimal the period may be, as a share of it.</summary>
    public double Gap => Period > 0 ? Math.Max(0, 1 - LowerBound / Period) : 0;
}

/// <param name="Mix">Steps near it get this plan.</param>
/// <param name="IsUsed">The measurement found it faster than the sequential plan; one that is not
/// is kept to be looked at, and never executed.</param>
/// <param name="Predicted">In the order of the layer's nano-ops; empty: not simulated.</param>
public sealed record PlanBucket(
    StepMix Mix,
    Plan Plan,
    bool IsUsed,
    PlanTimes Times,
    IReadOnlyList<PredictedSpan> Predicted);

/// <param name="Model">Its name, for people.</param>
/// <param name="Ops">The ops of the graph: nano-ops are drawn without the model. Only Segment,
/// Index, Name, Kind and Resource are kept in the file.</param>
public sealed record PlanSet(
    Origin Origin,
    string Model,
    int LayerCount,
    IReadOnlyList<GraphOp> Ops,
    IReadOnlyList<PlanBucket> Buckets);
