// The graph and the costs of hardware that is not here.

using NanoFlow.Planning.Analysis;

namespace NanoFlow.Planning.Tests.Analysis;

public sealed class AnalyticCostsTests
{
    private static readonly DecoderShape Llama = Published.Model;

    [Fact]
    public void Graph_OfSeveralDevices_HasThirteenOps()
    {
        var names = AnalyticGraph.Of(Llama, 8, NumberFormat.Bf16).In(Segment.Layer)
            .Select(op => op.Name);

        Assert.Equal(
            [
                "input_norm", "qkv", "rope_append", "decode_attention", "prefill_attention",
                "attention_gather", "attention_projection", "projection_gather", "mlp_norm",
                "gate_up", "swi_glu", "down", "down_reduce",
            ],
            names);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Graph_EveryTensorThatIsRead_IsWritten(int devices)
    {
        var graph = AnalyticGraph.Of(Llama, devices, NumberFormat.Bf16);
        var written = graph.Ops.SelectMany(op => op.Writes).ToHashSet();

        Assert.All(graph.Ops.SelectMany(op => op.Reads), read => Assert.Contains(
            read.Tensor, written));
        Assert.Equal(devices > 1, graph.Ops.Any(op => op.Resource == ResourceKind.Network));
        Assert.Contains(graph.CarryOut, graph.In(Segment.Layer).Last().Writes);
    }

    // The same work, counted op by op of one device and as a table of the whole step.
    [Theory]
    [InlineData("Llama-2-70B", 8)]
    [InlineData("Mixtral-8x7B", 1)]
    public void Work_OfTheLayers_IsThatOfTheTable(string name, int devices)
    {
        var model = AnalysisData.ModelOf(name);
        var batch = new SteadyBatch(AnalysisData.WorkloadOf("512-512"), 2048);
        var cluster = new Cluster(Published.Accelerator, devices);
        var graph = AnalyticGraph.Of(model, devices, NumberFormat.Bf16);

        foreach (var (op, row) in new[]
        {
            ("qkv", "KQV"), ("attention_projection", "O"), ("gate_up", "UG"), ("down", "D"),
            ("decode_attention", "DecAttn"),
        })
        {
            var cost = OperationTable.Of(model, cluster, batch, NumberFormat.Bf16)
                .Single(one => one.Name == row);
            var one = graph.Find(Segment.Layer, op)!;
            var work = batch.Mix.WorkOf(one, 0, batch.Mix.Rows);
            var times = (double)devices * model.Layers;
            Assert.Equal(1, times * one.Work.Flops(work) / cost.Flops, 1e-9);
            Assert.Equal(1, times * one.Bytes(work) / cost.MemoryBytes, 1e-9);
        }
    }

    [Theory]
    [InlineData(ResourceKind.Compute, 0.5, 0.5)]
    [InlineData(ResourceKind.Memory, 0.4, 0.8)]
    [InlineData(ResourceKind.Memory, 0.3, 0.55)]
    [InlineData(ResourceKind.Network, 0.2, 0.5)]
    [InlineData(ResourceKind.Network, 1, 1)]
    public void Speed_OnAShare_FollowsThePublishedCurve(
        ResourceKind resource, double share, double speed) =>
        Assert.Equal(speed, CostConstants.Speed(resource, share), 1e-9);

    [Fact]
    public void Time_OnMoreUnits_IsNeverLonger()
    {
        foreach (var accelerator in new[] { "H200", "cpu-64" })
        {
            var load = Load(accelerator);
            foreach (var op in load.Graph.Ops)
            {
                var work = load.Mix.WorkOf(op, 0, load.Mix.SequenceCount);
                var times = load.Costs.UnitChoices
                    .Select(units => load.Costs.Time(new Launch(op, work, units))).ToList();
                Assert.Equal(times.OrderDescending(), times);
            }
        }
    }

    [Fact]
    public void SlowDown_OfOneResource_GivesNoMoreThanAll()
    {
        var load = Load("H200");
        var attention = LaunchOf(load, "decode_attention", 4);
        var norm = LaunchOf(load, "input_norm", 4);

        Assert.Equal(1.6, load.Costs.SlowDown(attention, norm), 1e-9); // 0.8 each
        Assert.Equal(1, load.Costs.SlowDown(attention, LaunchOf(load, "qkv", 6)));
    }

    [Fact]
    public void SlowDown_OfCores_IsTheExcessOfBandwidth()
    {
        var load = Load("cpu-64");
        var attention = LaunchOf(load, "decode_attention", 20);

        Assert.Equal(2, load.Costs.SlowDown(attention, attention), 1e-9);
        Assert.Equal(1, load.Costs.SlowDown(
            LaunchOf(load, "decode_attention", 8), LaunchOf(load, "decode_attention", 12)), 1e-9);
    }

    [Fact]
    public void Flops_Raised_MakePredictionsFaster()
    {
        var h200 = AnalysisData.AcceleratorOf("H200");
        var workload = AnalysisData.WorkloadOf("2048/128");

        Assert.True(Tokens(h200 with { Tflops = 1.1 * h200.Tflops }) > 1.05 * Tokens(h200));

        double Tokens(Accelerator accelerator)
        {
            var load = new ServingLoad(
                AnalysisData.ModelOf("Llama-3-8B"),
                new Cluster(accelerator, 1),
                new SteadyBatch(workload, 4096),
                NumberFormat.Bf16,
                CostConstants.Fitted);
            return load.TokensPerSecond(load.Sequential);
        }
    }

    private static ServingLoad Load(string accelerator) => new(
        AnalysisData.ModelOf("Llama-3-8B"),
        new Cluster(AnalysisData.AcceleratorOf(accelerator), 1),
        new SteadyBatch(AnalysisData.WorkloadOf("1000/1000"), 1024),
        NumberFormat.Bf16,
        CostConstants.Fitted);

    private static Launch LaunchOf(ServingLoad load, string name, int units)
    {
        var op = load.Graph.Find(Segment.Layer, name)!;
        return new Launch(op, load.Mix.WorkOf(op, 0, load.Mix.Rows), units);
    }
}
