// A model served by a cluster at a steady load, as the search sees it: graph, mix and costs, and
// what plans make of them. Everything here is predicted.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Analysis;

public sealed class ServingPrediction
{
    public ServingPrediction(
        DecoderShape model,
        Cluster cluster,
        SteadyBatch batch,
        NumberFormat format,
        CostConstants constants)
    {
        Cluster = cluster;
        Mix = batch.Mix;
        Graph = AnalyticGraph.Of(model, cluster.Count, format);
        Costs = new AnalyticCosts(cluster.Device, format, batch.Workload, constants);
    }

    public Cluster Cluster { get; }

    public StepMix Mix { get; }

    public GraphFacts Graph { get; }

    public ICostModel Costs { get; }

    /// <summary>Tokens a second and device, of prompts and answers.</summary>
    public double TokensPerSecond(Plan plan) =>
        1e6 * Mix.Rows / PlanPrediction.Of(plan, Graph, Mix, Costs).Step / Cluster.Count;

    public double SequentialTokensPerSecond() =>
        TokensPerSecond(Plan.Sequential(Graph, Costs.UnitCount, Mix.Rows));
}
