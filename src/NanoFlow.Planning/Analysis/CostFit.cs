// Fits the two constants of the costs on one column of the published ablation: the steps that run
// one op after the other, whole and in nano-batches. Such steps are sums of launches, and a launch
// depends on both constants linearly, so three predictions of each step give them exactly.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Analysis;

public static class CostFit
{
    /// <summary>The column it fits.</summary>
    public const string Workload = "512-512";

    public static CostConstants Run()
    {
        var published = Published.Tables.Ablation.Single(row => row.Workload == Workload);
        var none = StepTimes(new CostConstants(0, 0));
        var launch = StepTimes(new CostConstants(1, 0));
        var row = StepTimes(new CostConstants(0, 1));

        // none + (launch - none) x + (row - none) y = published, of both steps.
        var (a, b) = (launch.Sequential - none.Sequential, row.Sequential - none.Sequential);
        var (c, d) = (launch.Split - none.Split, row.Split - none.Split);
        var e = StepTime(published.Sequential) - none.Sequential;
        var f = StepTime(published.Split) - none.Split;
        var determinant = a * d - b * c;
        return new CostConstants((e * d - b * f) / determinant, (a * f - e * c) / determinant);
    }

    private static double StepTime(double tokensPerSecond) =>
        1e6 * Published.StepRows / (tokensPerSecond * Published.DeviceCount);

    private static (double Sequential, double Split) StepTimes(CostConstants constants)
    {
        var load = ServingLoad.OfAblation(AnalysisData.WorkloadOf(Workload), constants);
        return (
            load.Predict(load.Sequential).Step,
            load.Predict(PublishedSplit.PlanOf(load.Graph, load.Mix, load.Costs.UnitCount)).Step);
    }
}
