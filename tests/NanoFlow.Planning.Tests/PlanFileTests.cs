using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Planning.Tests;

public class PlanFileTests
{
    private const string Device = "cpu";

    private static readonly GraphFacts Graph = new(0x0123456789abcdef,
    [
        new GraphOp(Segment.Prologue, 0, "embed", "embedding", ResourceKind.Memory, 1),
        new GraphOp(Segment.Layer, 0, "qkv", "gemm", ResourceKind.Compute, 3),
        new GraphOp(Segment.Layer, 1, "attention", "attention", ResourceKind.Memory, 2),
        new GraphOp(Segment.Epilogue, 0, "lm_head", "gemm", ResourceKind.Compute, 1),
    ]);

    [Fact]
    public void Sequential_AnyGraph_IsOneLaneOverEverything()
    {
        var plan = Plan.Sequential(Graph, unitCount: 8, stepRows: 256);

        Assert.Equal([new Partition(PartitionKind.Shared, 0, 8)], plan.Partitions);
        Assert.Equal(Graph.Ops.Select(op => (op.Segment, op.Index)),
            plan.NanoOps.Select(nano => (nano.Segment, nano.Op)));
        Assert.All(plan.NanoOps, nano => Assert.Equal((0, 0, 256),
            (nano.Lane, nano.RowBegin, nano.RowEnd)));
    }

    [Fact]
    public void Read_WhatWasWritten_IsTheSamePlan()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var plan = RandomPlan(new Random(seed));
            var read = PlanFile.Read(PlanFile.Write(plan, Graph, Device), Graph, Device);

            Assert.Equal(plan.StepRows, read.StepRows);
            Assert.Equal(plan.Partitions, read.Partitions);
            Assert.Equal(plan.Lanes, read.Lanes);
            Assert.Equal(plan.NanoOps, read.NanoOps);
            Assert.Equal(plan.OrderEdges, read.OrderEdges);
        }
    }

    [Theory]
    [InlineData("format", "\"other\"", "plan.format")]
    [InlineData("version", "2", "plan.version is 2, supported is 1")]
    [InlineData("graph", "\"0123\"", "plan.graph")]
    [InlineData("device", "\"cuda\"", "plan.device")]
    [InlineData("step_rows", "0", "plan.step_rows: is 0, allowed are 1 to 131072")]
    [InlineData("step_rows", "1.5", "plan.step_rows")]
    [InlineData("step_rows", "\"9\"", "plan.step_rows")]
    [InlineData("lanes", "[]", "plan.lanes: has 0 entries")]
    [InlineData("lanes", "[{\"partition\":1}]", "plan.lanes[0].partition")]
    [InlineData("lanes", "[7]", "plan.lanes[0] is Number")]
    [InlineData("lanes", "{}", "plan.lanes: is Object, not Array")]
    [InlineData("partitions", "[{\"kind\":\"odd\"}]", "plan.partitions[0].kind")]
    [InlineData("order", "[{\"earlier\":0,\"later\":99}]", "plan.order[0].later")]
    public void Read_WrongField_IsNamed(string field, string value, string message)
    {
        var file = JsonNode.Parse(Sequential())!.AsObject();
        file[field] = JsonNode.Parse(value);

        AssertRefused(Encoding.UTF8.GetBytes(file.ToJsonString()), message);
        file.Remove(field);
        AssertRefused(Encoding.UTF8.GetBytes(file.ToJsonString()), $"plan.{field}: is missing");
    }

    [Theory]
    [InlineData("op", "\"conv\"", "'conv' is not in the layer of the graph")]
    [InlineData("segment", "\"middle\"", "'middle' is unknown")]
    [InlineData("lane", "1", "allowed are 0 to 0")]
    [InlineData("kernel", "3", "allowed are 0 to 2")]
    [InlineData("units", "-1", "allowed are 0 to 65535")]
    [InlineData("row_begin", "64", "allowed are 0 to 63")]
    [InlineData("row_end", "0", "allowed are 1 to 64")]
    public void Read_WrongNanoOp_IsNamed(string field, string value, string message)
    {
        var file = JsonNode.Parse(Sequential())!.AsObject();
        file["nano_ops"]![1]![field] = JsonNode.Parse(value);

        AssertRefused(
            Encoding.UTF8.GetBytes(file.ToJsonString()), $"plan.nano_ops[1].{field}: ", message);
    }

    [Fact]
    public void Read_AnyPrefixOrFlippedByte_IsAPlanOrRefused()
    {
        var whole = Sequential();
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<PlanFormatException>(
                () => PlanFile.Read(whole.AsMemory(0, length), Graph, Device));
        }
        for (var seed = 0; seed < 5_000; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])whole.Clone();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var failure = Record.Exception(() => PlanFile.Read(bytes, Graph, Device));
            Assert.True(failure is null or PlanFormatException, $"seed {seed}: {failure}");
        }
    }

    [Fact]
    public void Read_TooManyBytes_IsRefusedUnread() => AssertRefused(
        new byte[PlanLimits.FileBytes + 1], "allowed are 4194304");

    private static byte[] Sequential() =>
        PlanFile.Write(Plan.Sequential(Graph, 4, 64), Graph, Device);

    private static void AssertRefused(byte[] file, params string[] parts)
    {
        var error = Assert.Throws<PlanFormatException>(
            () => PlanFile.Read(file, Graph, Device));
        Assert.All(parts, p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }

    private static Plan RandomPlan(Random random)
    {
        var rows = random.Next(1, PlanLimits.StepRows + 1);
        var partitions = Enumerable.Range(0, random.Next(1, PlanLimits.Lanes + 1))
            .Select(_ => new Partition(
                (PartitionKind)random.Next(2), random.Next(100), random.Next(1, 100)))
            .ToArray();
        var lanes = Enumerable.Range(0, random.Next(1, PlanLimits.Lanes + 1))
            .Select(_ => new Lane(random.Next(partitions.Length))).ToArray();
        var nanoOps = Enumerable.Range(0, random.Next(1, 50)).Select(_ =>
        {
            var op = Graph.Ops[random.Next(Graph.Ops.Count)];
            var begin = random.Next(rows);
            return new NanoOp(
                op.Segment,
                op.Index,
                random.Next(lanes.Length),
                random.Next(op.KernelCount),
                random.Next(PlanLimits.Units + 1),
                begin,
                random.Next(begin + 1, rows + 1));
        }).ToArray();
        var order = Enumerable.Range(0, random.Next(20)).Select(_ => new OrderEdge(
            random.Next(nanoOps.Length), random.Next(nanoOps.Length), (OrderKind)random.Next(2)));
        return new Plan
        {
            StepRows = rows,
            Partitions = partitions,
            Lanes = lanes,
            NanoOps = nanoOps,
            OrderEdges = [.. order],
        };
    }
}
