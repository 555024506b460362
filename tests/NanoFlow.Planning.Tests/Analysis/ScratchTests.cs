using NanoFlow.Planning.Analysis;
using NanoFlow.Planning.Search;
namespace NanoFlow.Planning.Tests.Analysis;
public sealed class ScratchTests(ITestOutputHelper output)
{
    [Fact]
    public void Try()
    {
        var fit = CostFit.Run(); output.WriteLine($"{fit}");
        foreach (var row in Published.Tables.Ablation)
        {
            var p = ServingLoad.OfAblation(AnalysisData.WorkloadOf(row.Workload), fit);
            var seq = p.TokensPerSecond(p.Sequential);
            var split = p.TokensPerSecond(PublishedSplit.PlanOf(p.Graph, p.Mix, 10));
            foreach (var (seconds, nanos, tile) in new[]{(60, 64, 4),(60,40,4),(60,40,5)}) {
            var found = PlanSearch.Run(p.Graph, p.Mix, p.Costs, new PlanSearchOptions { Budget = TimeSpan.FromSeconds(seconds), MaxNanoOps = nanos, MaxLanes = tile, MaxEvaluations = 60000 });
            var plan = found.Best[0].Plan;
            var over = p.TokensPerSecond(plan);
            var flat = p.TokensPerSecond(plan with { Lanes = [new Lane(0)], NanoOps = [.. plan.NanoOps.Select(n => n with { Lane = 0, Units = 0 })] });
            output.WriteLine(FormattableString.Invariant($"{nanos} {tile} {row.Workload}: seq {seq:F0}/{row.Sequential} {seq/row.Sequential-1:P1} split {split:F0}/{row.Split} {split/row.Split-1:P1} over {over:F0}/{row.Overlapped} {over/row.Overlapped-1:P1} flat {flat:F0} {flat/row.Split-1:P1} gap {found.Gap:P1} evals {found.Evaluations} nanos {plan.NanoOps.Count} period {found.Period:F0} bound {found.LowerBound:F0}"));
            if (seconds > 1000) { output.WriteLine(string.Join(' ', plan.NanoOps.Where(n=>n.Segment==Segment.Layer).Select(n => $"{p.Graph.At(n.Segment,n.Op).Name}[{n.RowBegin},{n.RowEnd}) l{n.Lane} u{n.Units}"))); }
            }
        }
    }
}
