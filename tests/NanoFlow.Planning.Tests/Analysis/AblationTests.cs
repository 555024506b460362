// Llama-2-70B on eight A100: steps predicted from the published table of operations, the published
// curves and two fitted constants, against the published ablation.

using NanoFlow.Planning.Analysis;
using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Analysis;

public sealed class AblationTests(ITestOutputHelper output)
{
    private const double Tolerance = 0.06;

    public static TheoryData<string> Workloads() =>
        [.. Published.Tables.Ablation.Select(row => row.Workload)];

    [Fact]
    public void Constants_FittedAgain_AreThoseOfTheFile()
    {
        var fitted = CostFit.Run();

        output.WriteLine($"{fitted}");
        Assert.Equal(1, fitted.LaunchMicroseconds / CostConstants.Fitted.LaunchMicroseconds, 1e-3);
        Assert.Equal(
            1, fitted.DecodeRowMicroseconds / CostConstants.Fitted.DecodeRowMicroseconds, 1e-3);
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Sequential_Predicted_IsNearThePublished(string workload)
    {
        var (load, published) = Load(workload);

        Check(published.Sequential, load.TokensPerSecond(load.Sequential));
    }

    [Theory]
    [MemberData(nameof(Workloads))]
    public void Split_Predicted_IsNearThePublished(string workload)
    {
        var (load, published) = Load(workload);

        Check(published.Split, load.TokensPerSecond(
            PublishedSplit.PlanOf(load.Graph, load.Mix, load.Costs.UnitCount)));
    }

    // Ends by count, so that the seed alone decides: the time is out of reach.
    [Theory]
    [MemberData(nameof(Workloads))]
    public void Overlapped_FoundBySearch_IsNearThePublished(string workload)
    {
        var (load, published) = Load(workload);
        var options = new PlanSearchOptions
        {
            Budget = TimeSpan.FromHours(1),
            MaxEvaluations = 40_000,
        };

        var found = PlanSearch.Run(load.Graph, load.Mix, load.Costs, options);

        Check(published.Overlapped, load.TokensPerSecond(found.Best[0].Plan));
    }

    private static (ServingLoad Load, PublishedAblation Published) Load(string workload) => (
        ServingLoad.OfAblation(AnalysisData.WorkloadOf(workload), CostConstants.Fitted),
        Published.Tables.Ablation.Single(row => row.Workload == workload));

    private void Check(double published, double predicted)
    {
        var text = FormattableString.Invariant(
            $"predicted {predicted:F0}, published {published}: {predicted / published - 1:P1}");
        output.WriteLine(text);
        Assert.True(Math.Abs(predicted / published - 1) <= Tolerance, text);
    }
}
