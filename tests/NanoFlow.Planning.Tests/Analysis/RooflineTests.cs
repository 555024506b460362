// The formulas against every figure that the paper printed.

using NanoFlow.Planning.Analysis;

namespace NanoFlow.Planning.Tests.Analysis;

public sealed class RooflineTests
{
    public static TheoryData<int, int> MemoryRatioCells()
    {
        var cells = new TheoryData<int, int>();
        for (var row = 0; row < Published.Tables.MemoryRatios.Count; row++)
        {
            for (var column = 0; column < Published.RatioWorkloads.Count; column++)
            {
                cells.Add(row, column);
            }
        }
        return cells;
    }

    public static TheoryData<int> NetworkRatioCells() =>
        [.. Enumerable.Range(0, Published.Tables.NetworkRatios.Count)];

    public static TheoryData<int> Optima() =>
        [.. Enumerable.Range(0, Published.Tables.Optima.Count)];

    public static TheoryData<int> Operations() =>
        [.. Enumerable.Range(0, Published.Tables.Operations.Count)];

    [Theory]
    [MemberData(nameof(MemoryRatioCells))]
    public void MemoryRatio_OfPublishedSizes_IsThePublishedOne(int row, int column)
    {
        var published = Published.Tables.MemoryRatios[row];
        var workload = AnalysisData.WorkloadOf(Published.RatioWorkloads[column]);

        var ratio = Rooflines.MemoryRatio(
            AnalysisData.ModelOf(published.Model),
            new Cluster(Published.Accelerator, published.DeviceCount),
            workload,
            published.ActiveParameters,
            published.WeightBytes);

        Near.Published(
            published.Cells[column], ratio, $"T_R {published.Model} {workload.Name}", digits: 2);
    }

    [Theory]
    [MemberData(nameof(NetworkRatioCells))]
    public void NetworkRatio_OfEveryAccelerator_IsThePublishedOne(int row)
    {
        var published = Published.Tables.NetworkRatios[row];
        var accelerator = AnalysisData.AcceleratorOf(published.Accelerator);

        var ratio = Rooflines.NetworkRatio(
            Published.Model, new Cluster(accelerator, Published.DeviceCount));

        Near.Published(published.Cell, ratio, $"T_net/T_comp {accelerator.Name}");
    }

    [Theory]
    [MemberData(nameof(Optima))]
    public void Optimum_OfEveryModel_IsThePublishedOne(int row)
    {
        var published = Published.Tables.Optima[row];

        var optimum = Rooflines.OptimalTokensPerSecond(
            AnalysisData.ModelOf(published.Model), Published.Accelerator, NumberFormat.Bf16);

        Near.Published(published.TokensPerSecond, optimum, $"optimum {published.Model}");
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Operation_OfTheValidation_IsThePublishedOne(int row)
    {
        var published = Published.Tables.Operations[row];
        var batch = new SteadyBatch(Published.OperationsWorkload, Published.StepRows);
        var cluster = new Cluster(Published.Accelerator, Published.DeviceCount);

        var cost = OperationTable.Of(Published.Model, cluster, batch, NumberFormat.Bf16)
            .Single(one => one.Name == published.Name);

        var gigabytes = cost.MemoryBytes / 1e9;
        var times = published.EstimatedMilliseconds;
        Near.Published(published.Gflop, cost.Flops / 1e9, $"{cost.Name} GFLOP");
        Near.Published(published.Gigabytes, gigabytes, $"{cost.Name} GB", digits: 1);
        Near.Published(times[0], cost.ComputeMilliseconds, $"{cost.Name} compute", digits: 1);
        Near.Published(times[1], cost.MemoryMilliseconds, $"{cost.Name} memory", digits: 1);
        Near.Published(times[2], cost.NetworkMilliseconds, $"{cost.Name} network", digits: 1);
    }

    [Fact]
    public void Flops_Raised_MoveEveryFigureThatDependsOnThem()
    {
        const double Raise = 1.1;
        var old = Published.Accelerator;
        var faster = old with { Tflops = Raise * old.Tflops };
        var model = Published.Model;
        var workload = Published.OperationsWorkload;

        Moves(Raise, one => Rooflines.MemoryRatio(
            model, one, workload, model.ActiveParameters, model.WeightBytes(NumberFormat.Bf16)));
        Moves(Raise, one => Rooflines.NetworkRatio(model, one));
        Moves(Raise, one => Rooflines.OptimalTokensPerSecond(
            model, one.Device, NumberFormat.Bf16));
        Moves(Raise, one => Bound(one).Compute);
        Moves(1, one => Bound(one).Memory);
        foreach (var name in new[] { "KQV", "O", "UG", "D", "DecAttn", "PfAttn", "Net" })
        {
            Moves(1 / Raise, one => Operation(one, name).ComputeMilliseconds);
            Moves(1, one => Operation(one, name).MemoryMilliseconds);
        }

        void Moves(double factor, Func<Cluster, double> figure) => Assert.Equal(
            factor,
            figure(new Cluster(faster, Published.DeviceCount))
                / figure(new Cluster(old, Published.DeviceCount)),
            1e-9);

        ServingBound Bound(Cluster cluster) =>
            ServingBound.Of(model, cluster, workload, NumberFormat.Bf16)!;

        OperationCost Operation(Cluster cluster, string name) => OperationTable.Of(
            model, cluster, new SteadyBatch(workload, Published.StepRows), NumberFormat.Bf16)
            .Single(cost => cost.Name == name);
    }

    // Computed by hand, three digits.
    [Theory]
    [InlineData("Llama-3-8B", NumberFormat.Bf16, "1000/1000", 564, 30_800, 21_300, 12_600)]
    [InlineData("Llama-3-8B", NumberFormat.Bf16, "2048/128", 400, 3_620, 15_100, 2_920)]
    [InlineData("Llama-3-8B", NumberFormat.Bf16, "128/2048", 734, 58_000, 27_800, 18_800)]
    [InlineData("Llama-3-8B", NumberFormat.Fp8, "1000/1000", 1_209, 61_600, 45_700, 26_300)]
    [InlineData("Llama-3-70B", NumberFormat.Fp8, "1000/1000", 229, 7_010, 8_670, 3_870)]
    [InlineData("Llama-3-70B", NumberFormat.Fp8, "2048/128", 163, 824, 6_150, 727)]
    [InlineData("Llama-3-70B", NumberFormat.Fp8, "128/2048", 298, 13_200, 11_300, 6_080)]
    public void ServingBound_OfOneH200_IsTheHandMadeOne(
        string model,
        NumberFormat format,
        string workload,
        double sequences,
        double compute,
        double memory,
        double sequential)
    {
        var bound = ServingBound.Of(
            AnalysisData.ModelOf(model),
            new Cluster(AnalysisData.AcceleratorOf("H200"), 1),
            AnalysisData.WorkloadOf(workload),
            format)!;

        Near.Published(sequences, bound.Sequences, "sequences");
        Near.Published(compute, bound.Compute, "compute");
        Near.Published(memory, bound.Memory, "memory");
        Near.Published(sequential, bound.Sequential, "sequential");
        Near.Published(Math.Min(compute, memory), bound.Overlapped, "overlapped");
    }

    [Fact]
    public void ServingBound_WeightsDoNotFit_IsNone() => Assert.Null(ServingBound.Of(
        AnalysisData.ModelOf("Llama-3-70B"),
        new Cluster(AnalysisData.AcceleratorOf("H200"), 1),
        AnalysisData.WorkloadOf("1000/1000"),
        NumberFormat.Bf16));
}
