using System.Text;
using System.Text.Json.Nodes;
using static NanoFlow.Planning.Tests.Samples;

namespace NanoFlow.Planning.Tests;

public class CostTableFileTests
{
    [Fact]
    public void Read_WhatWasWritten_IsTheSameSet()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var set = RandomCosts(new Random(seed));
            var read = CostTableFile.Read(CostTableFile.Write(set), Graph, Here);

            Assert.Equal(
                (set.Origin, set.Model, set.PeakGflops, set.PeakGigabytesPerSecond),
                (read.Origin, read.Model, read.PeakGflops, read.PeakGigabytesPerSecond));
            Assert.Equal(set.Table.UnitCount, read.Table.UnitCount);
            Assert.Equal(set.Table.UnitChoices, read.Table.UnitChoices);
            Assert.Equal(set.Table.MayExceedUnits, read.Table.MayExceedUnits);
            Assert.Equal(set.Table.HandoffMicroseconds, read.Table.HandoffMicroseconds);
            Assert.Equal(set.Table.Ops, read.Table.Ops);
            Assert.Equal(set.Table.Pairs, read.Table.Pairs);
        }
    }

    [Fact]
    public void Read_ForSomethingElse_SaysBothSides()
    {
        var set = RandomCosts(new Random(1));
        Refused(Here with { Graph = 5 }, "costs.graph", "0000000000000005", "0123456789abcdef");
        Refused(Here with { Device = "cuda" }, "costs.device", "'cuda'", "'cpu'");
        Refused(Here with { Version = "9.9.9" }, "costs.nanoflow", "'9.9.9'", "'0.1.0'");

        void Refused(Origin origin, params string[] parts) =>
            AssertRefused(CostTableFile.Write(set with { Origin = origin }), parts);
    }

    [Theory]
    [InlineData("format", "\"nanoflow-plan\"", "costs.format")]
    [InlineData("version", "1", "costs.version: is 1, supported is 2")]
    [InlineData("may_exceed_units", "1", "costs.may_exceed_units: is Number")]
    [InlineData("units", "0", "costs.units: is 0, allowed are 1 to 65535")]
    [InlineData("units", "5", "the last choice of units is not 5")]
    [InlineData("unit_choices", "[]", "costs.unit_choices: has 0 entries")]
    [InlineData("unit_choices", "[1,5]", "costs.unit_choices[1]: is 5, allowed are 1 to 4")]
    [InlineData("unit_choices", "[2,1,4]", "choice 1 of units, 1, is not ascending")]
    [InlineData("handoff_us", "-1", "costs.handoff_us: is -1, allowed are 0 to")]
    [InlineData("peak_gflops", "1e999", "costs.peak_gflops: is 1e999")]
    [InlineData("peak_gb_per_s", "\"1\"", "costs.peak_gb_per_s: is String")]
    [InlineData("ops", "[]", "costs.ops: has 0 entries, allowed are 1 to 65536")]
    [InlineData("pairs", "[1]", "costs.pairs[0] is Number")]
    public void Read_WrongField_IsNamed(string field, string value, string message)
    {
        var file = Sample();
        file[field] = JsonNode.Parse(value);
        AssertRefused(Bytes(file), message);

        file.Remove(field);
        AssertRefused(Bytes(file), $"costs.{field}: is missing");
    }

    [Theory]
    [InlineData("ops", "op", "\"conv\"", "'conv' is not in the prologue of the graph")]
    [InlineData("ops", "rows", "0", "allowed are 1 to 131072")]
    [InlineData("ops", "context", "4194305", "allowed are 0 to 4194304")]
    [InlineData("ops", "units", "5", "allowed are 1 to 4")]
    [InlineData("ops", "us", "0", "allowed are 0.001 to")]
    [InlineData("pairs", "a", "\"embed\"", "'embed' is not in the layer of the graph")]
    [InlineData("pairs", "b", "3", "is Number")]
    [InlineData("pairs", "rows_a", "1.5", "is 1.5")]
    [InlineData("pairs", "units_b", "9", "allowed are 1 to 4")]
    [InlineData("pairs", "slow_down_a", "0", "allowed are 0.1 to 1000")]
    [InlineData("pairs", "slow_down_b", "1001", "is 1001")]
    public void Read_WrongRow_IsNamed(string list, string field, string value, string message)
    {
        var file = Sample();
        file[list]![0]![field] = JsonNode.Parse(value);
        AssertRefused(Bytes(file), $"costs.{list}[0].{field}: ", message);
    }

    [Fact]
    public void Read_OpWithoutATime_IsRefused()
    {
        var file = Sample();
        var ops = file["ops"]!.AsArray();
        for (var i = ops.Count - 1; i >= 0; i--)
        {
            if (ops[i]!["op"]!.GetValue<string>() == "attention")
            {
                ops.RemoveAt(i);
            }
        }
        AssertRefused(Bytes(file), "costs: layer op 'attention' was not measured");
    }

    [Fact]
    public void Read_TooManyBytes_IsRefusedUnread() => AssertRefused(
        new byte[CostLimits.FileBytes + 1], "costs file has 16777217 bytes, allowed are 16777216");

    private static JsonObject Sample() =>
        JsonNode.Parse(CostTableFile.Write(RandomCosts(new Random(1))))!.AsObject();

    private static byte[] Bytes(JsonObject file) => Encoding.UTF8.GetBytes(file.ToJsonString());

    private static void AssertRefused(byte[] file, params string[] parts)
    {
        var error = Assert.Throws<PlanFormatException>(
            () => CostTableFile.Read(file, Graph, Here));
        Assert.All(parts, p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }
}
