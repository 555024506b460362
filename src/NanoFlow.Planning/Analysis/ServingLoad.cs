// A model served by a cluster at a steady load, as the search sees it: graph, mix and costs. What
// comes out of it is predicted.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Analysis;

public sealed class ServingLoad
{
    public ServingLoad(
        DecoderShape model,
        Cluster cluster,
        SteadyBatch batch,
        NumberFormat format,
        CostConstants constants)
    {
        Cluster = cluster;
        Mix = batch.Mix;
        Graph = AnalyticGraph.Of(model, cluster.Count, format);
        Costs = cluster.Device.Kind == AcceleratorKind.Cpu
            ? new CoreCosts(cluster.Device)
            : new AnalyticCosts(cluster.Device, format, batch.Workload, constants);
        Sequential = Plan.Sequential(Graph, Costs.UnitCount, Mix.Rows);
    }

    public Cluster Cluster { get; }

    public StepMix Mix { get; }

    public GraphFacts Graph { get; }

    public ICostModel Costs { get; }

    public Plan Sequential { get; }

    /// <summary>The published ablation, with a workload of its own.</summary>
    public static ServingLoad OfAblation(Workload workload, CostConstants constants) => new(
        Published.Model,
        new Cluster(Published.Accelerator, Published.DeviceCount),
        new SteadyBatch(workload, Published.StepRows),
        NumberFormat.Bf16,
        constants);

    public StepPrediction Predict(Plan plan) => PlanPrediction.Of(plan, Graph, Mix, Costs);

    /// <summary>Tokens a second and device, of prompts and answers.</summary>
    public double TokensPerSecond(Plan plan) =>
        1e6 * Mix.Rows / Predict(plan).Step / Cluster.Count;

    /// <summary>Microseconds of each op of the layer, alone on the whole device.</summary>
    public IEnumerable<(GraphOp Op, double Microseconds)> LayerTimes()
    {
        foreach (var op in Graph.In(Segment.Layer))
        {
            var work = Mix.WorkOf(op, 0, Mix.Rows);
            yield return (op, Costs.Time(new Launch(op, work, Costs.UnitCount)));
        }
    }

    /// <summary>max T / sum T: the share of the sequential time that is left when resources overlap
    /// perfectly and the busiest one never waits.</summary>
    public double BusiestShare()
    {
        var times = LayerTimes().ToList();
        return times.GroupBy(one => one.Op.Resource)
            .Max(group => group.Sum(one => one.Microseconds)) / times.Sum(one => one.Microseconds);
    }
}
