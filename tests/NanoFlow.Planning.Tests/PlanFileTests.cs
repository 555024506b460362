using System.Text;
using System.Text.Json.Nodes;
using static NanoFlow.Planning.Tests.Samples;

namespace NanoFlow.Planning.Tests;

public class PlanFileTests
{
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
    public void Read_WhatWasWritten_IsTheSameSet()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var set = RandomSet(new Random(seed));
            var read = PlanFile.Read(PlanFile.Write(set), Graph, Here);

            Assert.Equal(set.Origin, read.Origin);
            Assert.Equal(set.Model, read.Model);
            Assert.Equal(set.LayerCount, read.LayerCount);
            Assert.Same(Graph.Ops, read.Ops);
            Assert.Equal(set.Buckets.Count, read.Buckets.Count);
            Assert.All(set.Buckets.Zip(read.Buckets), pair => AssertSame(pair.First, pair.Second));
        }
    }

    [Fact]
    public void Parse_WithoutTheGraph_KeepsWhatIsDrawn()
    {
        var set = RandomSet(new Random(1));

        var parsed = PlanFile.Parse(PlanFile.Write(set));

        Assert.Equal(
            Graph.Ops.Select(op => (op.Segment, op.Index, op.Name, op.Kind, op.Resource)),
            parsed.Ops.Select(op => (op.Segment, op.Index, op.Name, op.Kind, op.Resource)));
        Assert.All(set.Buckets.Zip(parsed.Buckets), pair => AssertSame(pair.First, pair.Second));
    }

    [Fact]
    public void Read_ForSomethingElse_SaysBothSides()
    {
        var set = Set(Sequential());
        Refused(Here with { Graph = 5 }, "plan.graph", "0000000000000005", "0123456789abcdef");
        Refused(Here with { Device = "cuda" }, "plan.device", "'cuda'", "'cpu'");
        Refused(Here with { Version = "9.9.9" }, "plan.nanoflow", "'9.9.9'", "'0.1.0'");

        void Refused(Origin origin, params string[] parts) =>
            AssertRefused(PlanFile.Write(set with { Origin = origin }), parts);
    }

    [Fact]
    public void Read_WithOtherOps_IsRefused()
    {
        var set = Set(Sequential());
        var ops = set.Ops.ToArray();
        ops[2] = ops[2] with { Name = "conv" };
        AssertRefused(
            PlanFile.Write(set with { Ops = ops }),
            "plan.ops[2]: is layer 'conv', in the graph layer 'attention'");

        var more = new GraphOp(Segment.Epilogue, 1, "extra", "x", ResourceKind.Compute, 1);
        AssertRefused(
            PlanFile.Write(set with { Ops = [.. Graph.Ops, more] }),
            "plan.ops: has 6, the graph has 5");
    }

    [Theory]
    [InlineData("format", "\"other\"", "plan.format")]
    [InlineData("version", "1", "plan.version: is 1, supported is 2")]
    [InlineData("nanoflow", "\"\\n\"", "plan.nanoflow: has control characters")]
    [InlineData("graph", "\"0123\"", "plan.graph: '0123' is no hash")]
    [InlineData("graph", "\"0123456789ABCDEF\"", "plan.graph")]
    [InlineData("device", "\"\"", "plan.device: has 0 characters")]
    [InlineData("model", "7", "plan.model: is Number")]
    [InlineData("layers", "0", "plan.layers: is 0, allowed are 1 to 1024")]
    [InlineData("ops", "[]", "plan.ops: has 0 entries")]
    [InlineData("ops", "[{\"segment\":\"layer\",\"name\":\"a\",\"kind\":\"b\",\"resource\":\"c\"}]",
        "plan.ops[0].resource: 'c' is unknown")]
    [InlineData("buckets", "[]", "plan.buckets: has 0 entries, allowed are 1 to 64")]
    [InlineData("buckets", "[7]", "plan.buckets[0] is Number")]
    [InlineData("buckets", "{}", "plan.buckets: is Object, not Array")]
    public void Parse_WrongField_IsNamed(string field, string value, string message) =>
        AssertFieldRefused(file => file, field, value, message, $"plan.{field}: is missing");

    [Theory]
    [InlineData("rows", "131073", "allowed are 1 to 131072")]
    [InlineData("decode_rows", "65", "allowed are 0 to 64")]
    [InlineData("context", "0", "allowed are 1 to 4194304")]
    [InlineData("used", "1", "is Number, allowed are true and false")]
    [InlineData("times", "[]", ".times is Array, not an object")]
    [InlineData("step_rows", "0", "is 0, allowed are 1 to 131072")]
    [InlineData("step_rows", "1.5", "is 1.5")]
    [InlineData("step_rows", "\"9\"", "is String")]
    [InlineData("lanes", "[]", "has 0 entries")]
    [InlineData("lanes", "[{\"partition\":1}]", "lanes[0].partition")]
    [InlineData("partitions", "[{\"first_unit\":1,\"kind\":\"odd\"}]", "partitions[0].kind")]
    [InlineData("partitions", "[{\"first_unit\":9,\"kind\":\"shared\",\"units\":65530}]",
        "partitions[0].units: is 65530, allowed are 1 to 65526")]
    [InlineData("order", "[{\"earlier\":0,\"later\":99}]", "order[0].later")]
    [InlineData("order", "[{\"earlier\":2,\"later\":2}]", "order[0].earlier")]
    [InlineData("order", "[{\"earlier\":0,\"later\":1}]", "in different segments")]
    [InlineData("predicted", "[{\"nano_op\":1,\"begin_us\":0,\"end_us\":0}]",
        "has 1 entries, allowed are 0 and 3")]
    [InlineData("predicted", "[{\"nano_op\":2,\"begin_us\":0,\"end_us\":0}]",
        "predicted[0].nano_op: is 2, allowed are 1 to 1")]
    [InlineData("predicted", "[{\"nano_op\":1,\"begin_us\":3,\"end_us\":2}]",
        "predicted[0].end_us: is 2, allowed are 3 to")]
    public void Parse_WrongFieldOfABucket_IsNamed(string field, string value, string message) =>
        AssertFieldRefused(
            file => file["buckets"]![0]!.AsObject(),
            field,
            value,
            message,
            $"plan.buckets[0].{field}: is missing");

    [Theory]
    [InlineData("period_us", "-1")]
    [InlineData("sequential_period_us", "1e13")]
    [InlineData("lower_bound_us", "1e999")]
    [InlineData("measured_step_us", "\"NaN\"")]
    [InlineData("measured_sequential_step_us", "null")]
    public void Parse_WrongTime_IsNamed(string field, string value) => AssertFieldRefused(
        file => file["buckets"]![0]!["times"]!.AsObject(),
        field,
        value,
        $"plan.buckets[0].times.{field}: ",
        $"plan.buckets[0].times.{field}: is missing");

    [Theory]
    [InlineData("op", "\"conv\"", "'conv' is not in the layer of the graph")]
    [InlineData("segment", "\"middle\"", "'middle' is unknown")]
    [InlineData("lane", "1", "allowed are 0 to 0")]
    [InlineData("kernel", "65536", "allowed are 0 to 65535")]
    [InlineData("units", "-1", "allowed are 0 to 65535")]
    [InlineData("row_begin", "64", "allowed are 0 to 63")]
    [InlineData("row_end", "0", "allowed are 1 to 64")]
    public void Parse_WrongNanoOp_IsNamed(string field, string value, string message) =>
        AssertFieldRefused(
            file => file["buckets"]![0]!["nano_ops"]![1]!.AsObject(),
            field,
            value,
            message,
            $"plan.buckets[0].nano_ops[1].{field}: is missing");

    [Fact]
    public void Read_KernelThatTheGraphHasNot_IsRefused()
    {
        var bucket = Sequential();
        var nanoOps = bucket.Plan.NanoOps.ToArray();
        nanoOps[1] = nanoOps[1] with { Kernel = 3 };
        var set = Set(bucket with { Plan = bucket.Plan with { NanoOps = nanoOps } });

        AssertRefused(
            PlanFile.Write(set),
            "plan.buckets[0].nano_ops[1].kernel: is 3, allowed are 0 to 2");
    }

    [Fact]
    public void Parse_SegmentsOutOfOrder_IsRefused()
    {
        var bucket = Sequential();
        var plan = bucket.Plan with { NanoOps = [.. bucket.Plan.NanoOps.Reverse()] };

        AssertRefused(
            PlanFile.Write(Set(bucket with { Plan = plan, Predicted = [] })),
            "nano_ops[1].segment: stands after the epilogue");
    }

    [Fact]
    public void Parse_TwoUsedPlansForOneMix_IsRefused()
    {
        var bucket = Sequential();
        AssertRefused(PlanFile.Write(Set(bucket, bucket)), "plan.buckets[1]", "64 rows");
        PlanFile.Parse(PlanFile.Write(Set(bucket, bucket with { IsUsed = false })));
    }

    [Fact]
    public void Parse_FieldTwice_IsRefused() => AssertRefused(
        Encoding.UTF8.GetBytes("{\"format\":\"nanoflow-plan\",\"format\":\"nanoflow-plan\"}"),
        "plan file is not valid JSON",
        "format");

    [Fact]
    public void Parse_AnyPrefix_IsRefused()
    {
        var whole = PlanFile.Write(Set(Sequential()));
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<PlanFormatException>(() => PlanFile.Parse(whole.AsMemory(0, length)));
        }
    }

    [Fact]
    public void Parse_TooManyBytes_IsRefusedUnread() => AssertRefused(
        new byte[PlanLimits.FileBytes + 1], "allowed are 4194304");

    private static void AssertSame(PlanBucket expected, PlanBucket actual)
    {
        Assert.Equal(
            (expected.Mix, expected.IsUsed, expected.Times),
            (actual.Mix, actual.IsUsed, actual.Times));
        Assert.Equal(expected.Predicted, actual.Predicted);
        Assert.Equal(expected.Plan.StepRows, actual.Plan.StepRows);
        Assert.Equal(expected.Plan.Partitions, actual.Plan.Partitions);
        Assert.Equal(expected.Plan.Lanes, actual.Plan.Lanes);
        Assert.Equal(expected.Plan.NanoOps, actual.Plan.NanoOps);
        Assert.Equal(expected.Plan.OrderEdges, actual.Plan.OrderEdges);
    }

    private static void AssertFieldRefused(
        Func<JsonObject, JsonObject> find,
        string field,
        string value,
        string message,
        string whenMissing)
    {
        var file = JsonNode.Parse(PlanFile.Write(Set(Sequential())))!.AsObject();
        find(file)[field] = JsonNode.Parse(value);
        AssertRefused(Encoding.UTF8.GetBytes(file.ToJsonString()), message);

        find(file).Remove(field);
        AssertRefused(
            Encoding.UTF8.GetBytes(file.ToJsonString()), whenMissing);
    }

    private static void AssertRefused(byte[] file, params string[] parts)
    {
        var error = Assert.Throws<PlanFormatException>(
            () => PlanFile.Read(file, Graph, Here));
        Assert.All(parts, p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }
}
