// A device in virtual time: what takes how long is known to the test, so that it can say what
// should be found.

using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;
using NanoFlow.Planning.Simulation;

namespace NanoFlow.Engine.Tests.Measuring;

internal sealed class FakeBench(GraphFacts graph, ICostModel truth) : IPlanBench
{
    public GraphFacts Graph => graph;

    public DeviceFacts Device { get; } = new("fake", truth.UnitCount, "none", "a test")
    {
        RowTile = 1,
        MayExceedUnits = truth.MayExceedUnits,
        UnitStep = truth is TwoResourceCosts { Step: var step } ? step : 1,
    };

    public BenchLimits Limits { get; init; } = new(512, 256, 8192, 1 << 20, 16);

    /// <summary>Plans of all programs so far.</summary>
    public List<Plan> Opened { get; } = [];

    /// <summary>Programs that are open.</summary>
    public int OpenPrograms { get; private set; }

    /// <summary>The device cannot cut its units, whatever it says.</summary>
    public bool RefusesHardSplits { get; init; }

    public IBenchProgram Open(Plan plan)
    {
        if (RefusesHardSplits && plan.Partitions.Any(p => p.Kind == PartitionKind.Disjoint))
        {
            throw new EngineException("no such split");
        }
        OpenPrograms++;
        Opened.Add(plan);
        return new FakeProgram(this, plan);
    }

    public void Dispose()
    {
    }

    private sealed class FakeProgram(FakeBench bench, Plan plan) : IBenchProgram
    {
        public double RunStep(StepMix mix) =>
            PlanPrediction.Of(plan, bench.Graph, mix, bench.Truth).Step;

        public double[] Measure(StepMix mix, ReadOnlySpan<int> nanoOps, TimeSpan minimum)
        {
            var launches = new Launch[nanoOps.Length];
            for (var i = 0; i < launches.Length; i++)
            {
                launches[i] = plan.LaunchOf(plan.NanoOps[nanoOps[i]], bench.Graph, mix);
            }
            return [.. launches.Select((launch, i) => launches
                .Where((_, other) => other != i)
                .Aggregate(bench.Truth.Time(launch), (time, other) =>
                    time * bench.Truth.SlowDown(launch, other)))];
        }

        public IReadOnlyList<TimelineSpan> Trace(StepMix mix) =>
            PlanPrediction.Of(plan, bench.Graph, mix, bench.Truth).Spans;

        public void Dispose() => bench.OpenPrograms--;
    }

    private ICostModel Truth => truth;
}

/// <summary>A device whose memory is one pipe: arithmetic needs units, attention needs bytes, and
/// two that need bytes share them.</summary>
/// <param name="slowDown">Of one op that needs bytes, by another.</param>
internal sealed class TwoResourceCosts(int units, double slowDown) : ICostModel
{
    public int UnitCount => units;

    public IReadOnlyList<int> UnitChoices { get; } = [.. Enumerable.Range(1, units)];

    public bool MayExceedUnits { get; init; }

    /// <summary>Partitions have a multiple of so many units.</summary>
    public int Step { get; init; } = 1;

    public double HandoffMicroseconds => 0;

    // Attention gains nothing from more than one unit.
    public double Time(in Launch launch) => launch.Work.Rows == 0
        ? 0
        : launch.Op.HasContext
            ? 1 + launch.Work.Rows * launch.Work.Context * 0.01
            : 1 + launch.Work.Rows * 2.0 / launch.Units;

    public double SlowDown(in Launch launch, in Launch other) =>
        launch.Op.HasContext && other.Op.HasContext ? slowDown : 1;
}

internal static class FakeGraph
{
    /// <summary>Of a layer: project, attend, mix; the first and the last need units, attention
    /// needs bytes.</summary>
    public static GraphFacts Attention(int layers)
    {
        GraphOp[] ops =
        [
            Op(Segment.Prologue, 0, "embedding", ResourceKind.Memory, [], [0]),
            Op(Segment.Layer, 0, "project", ResourceKind.Compute, [0], [1, 2]),
            Op(Segment.Layer, 1, "attend", ResourceKind.Memory, [1], [3]) with
            {
                Part = RowPart.Decode,
                Reads = [new GraphRead(1, Reach.Same), new GraphRead(2, Reach.Prefix)],
                Work = new OpWork(0, 0, 0, 4, 8),
            },
            Op(Segment.Layer, 2, "mix", ResourceKind.Compute, [3, 0], [4]),
            Op(Segment.Epilogue, 0, "head", ResourceKind.Memory, [4], [5]) with
            {
                Rows = RowSpace.Sample,
                Reads = [new GraphRead(4, Reach.All)],
            },
        ];
        return new GraphFacts(7, ops) { LayerCount = layers, CarryIn = 0, CarryOut = 4 };
    }

    private static GraphOp Op(
        Segment segment,
        int index,
        string name,
        ResourceKind resource,
        int[] reads,
        int[] writes) =>
        new(segment, index, name, name, resource, 1)
        {
            Reads = [.. reads.Select(tensor => new GraphRead(tensor, Reach.Same))],
            Writes = writes,
            Work = new OpWork(100, 10, 1000, 0, 0),
        };
}
