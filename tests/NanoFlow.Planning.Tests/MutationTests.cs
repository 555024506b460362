// A thousand mutations of each file: it is refused with a message that names a place, or what comes
// out satisfies everything that a valid file promises. Memory is bounded by the size of the file.

namespace NanoFlow.Planning.Tests;

public class MutationTests
{
    private const int Rounds = 1_000;
    private const int Files = 20;

    // A byte of JSON becomes at most this many: the document's index of 12 bytes for each token of
    // two bytes, and what tables are built from rows.
    private const int BytesForAByte = 12;

    // The parser's own tables, an exception with its stack.
    private const int OwnBytes = 256 * 1024;

    [Fact]
    public void PlanFile_Mutated_IsRefusedOrValid() => Mutate(
        "plan",
        seed => PlanFile.Write(Samples.RandomSet(new Random(seed))),
        file =>
        {
            var set = PlanFile.Parse(file);
            return () =>
            {
                AssertValid(set);
                var bytes = PlanFile.Write(set);
                Assert.Equal(bytes, PlanFile.Write(PlanFile.Parse(bytes)));
            };
        });

    [Fact]
    public void PlanFileForAGraph_Mutated_IsRefusedOrValid() => Mutate(
        "plan",
        seed => PlanFile.Write(Samples.RandomSet(new Random(seed))),
        file =>
        {
            var set = PlanFile.Read(file, Samples.Graph, Samples.Here);
            return () =>
            {
                Assert.Equal(Samples.Here, set.Origin);
                AssertValid(set);
                Assert.All(set.Buckets.SelectMany(b => b.Plan.NanoOps), nano => Assert.InRange(
                    nano.Kernel, 0, Samples.Graph.At(nano.Segment, nano.Op).KernelCount - 1));
            };
        });

    [Fact]
    public void CostFile_Mutated_IsRefusedOrValid() => Mutate(
        "costs",
        seed => CostTableFile.Write(Samples.RandomCosts(new Random(seed))),
        file =>
        {
            var set = CostTableFile.Read(file, Samples.Graph, Samples.Here);
            return () =>
            {
                AssertValid(set.Table);
                var bytes = CostTableFile.Write(set);
                Assert.Equal(bytes, CostTableFile.Write(
                    CostTableFile.Read(bytes, Samples.Graph, Samples.Here)));
            };
        });

    [Fact]
    public void CostFile_OfManyRows_TakesBoundedMemory()
    {
        var ops = Enumerable.Range(0, CostLimits.OpRows / 4)
            .Select(i => (Op: Samples.Graph.Ops[i % 5], Rows: 1 + i / 5))
            .Select(x => new OpCost(x.Op.Segment, x.Op.Index, x.Rows, 0, 1, 1 + x.Rows / 7.0));
        var pairs = Enumerable.Range(0, CostLimits.PairRows / 4)
            .Select(i => new PairCost(i % 3, 1 + i, 1, 2, 7, 1, 1.123456789, 1.25));
        var table = new CostTable(Samples.Graph, 1, [1], 0, [.. ops], [.. pairs]);
        var file = CostTableFile.Write(new CostSet(Samples.Here, "full", table, 0, 0));

        AssertBounded(file, bytes => CostTableFile.Read(bytes, Samples.Graph, Samples.Here));
    }

    [Fact]
    public void PlanFile_AsLargeAsAllowed_TakesBoundedMemory()
    {
        var nanoOps = Enumerable.Range(0, 400).Select(i =>
            new NanoOp(Segment.Layer, 1, 0, 0, 0, i, i + 1));
        var plan = Samples.Sequential(400).Plan with { NanoOps = [.. nanoOps] };
        var spans = Enumerable.Range(0, 400).Select(i => new PredictedSpan(i, i / 8.0, i / 4.0));
        var buckets = Enumerable.Range(1, PlanLimits.Buckets).Select(rows =>
            Samples.Sequential(rows) with { Plan = plan, Predicted = [.. spans] });
        var file = PlanFile.Write(Samples.Set([.. buckets]));

        Assert.InRange(file.Length, PlanLimits.FileBytes * 9 / 10, PlanLimits.FileBytes);
        AssertBounded(file, bytes => PlanFile.Parse(bytes));
    }

    private static void AssertBounded(byte[] file, Action<byte[]> read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        read(file);
        var taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(taken, 1, (long)BytesForAByte * file.Length + OwnBytes);
    }

    private static void Mutate(string root, Func<int, byte[]> write, Func<byte[], Action> read)
    {
        var valid = Enumerable.Range(0, Files).Select(write).ToArray();
        // What is compiled and cached at the first use is not counted.
        read(valid[0])();
        var refused = 0;
        for (var seed = 0; seed < Rounds; seed++)
        {
            var file = JsonMutation.Of(valid[seed % Files], new Random(seed));
            var before = GC.GetAllocatedBytesForCurrentThread();
            Action? check = null;
            try
            {
                check = read(file);
            }
            catch (PlanFormatException e)
            {
                refused++;
                Assert.Matches($"^{root}[. \\[:]", e.Message);
                Assert.True(e.Message.Length < 1000 && !e.Message.Any(char.IsControl), e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                taken <= (long)BytesForAByte * file.Length + OwnBytes,
                $"seed {seed}: {taken} bytes for a file of {file.Length}");
            var failure = Record.Exception(() => check?.Invoke());
            Assert.True(failure is null, $"seed {seed}: {failure}");
        }
        // Both outcomes must have been seen, or the mutations test nothing.
        Assert.InRange(refused, Rounds / 10, Rounds - Rounds / 50);
    }

    private static void AssertValid(PlanSet set)
    {
        Assert.InRange(set.Buckets.Count, 1, PlanLimits.Buckets);
        Assert.InRange(set.LayerCount, 1, PlanLimits.Layers);
        foreach (var bucket in set.Buckets)
        {
            var (rows, decodeRows, context) = bucket.Mix;
            Assert.InRange(rows, 1, PlanLimits.StepRows);
            Assert.InRange(decodeRows, 0, rows);
            Assert.InRange(context, 1, PlanLimits.Context);
            var times = bucket.Times;
            double[] all =
            [
                times.Period, times.SequentialPeriod, times.LowerBound, times.MeasuredStep,
                times.MeasuredSequentialStep, times.Gap,
            ];
            Assert.All(all, time => Assert.InRange(time, 0, PlanLimits.Microseconds));
            AssertValid(bucket.Plan, set.Ops);
            AssertValid(bucket.Predicted, bucket.Plan);
        }
    }

    private static void AssertValid(Plan plan, IReadOnlyList<GraphOp> ops)
    {
        Assert.InRange(plan.StepRows, 1, PlanLimits.StepRows);
        Assert.All(plan.Partitions, partition => Assert.InRange(
            partition.FirstUnit + partition.UnitCount, 1, PlanLimits.Units));
        Assert.All(
            plan.Lanes, lane => Assert.InRange(lane.Partition, 0, plan.Partitions.Count - 1));
        Assert.InRange(plan.NanoOps.Count, 1, PlanLimits.NanoOps);
        Assert.All(plan.NanoOps, nano =>
        {
            Assert.Contains(ops, op => (op.Segment, op.Index) == (nano.Segment, nano.Op));
            Assert.InRange(nano.Lane, 0, plan.Lanes.Count - 1);
            Assert.InRange(nano.Units, 0, PlanLimits.Units);
            Assert.InRange(nano.RowBegin, 0, nano.RowEnd - 1);
            Assert.InRange(nano.RowEnd, 1, plan.StepRows);
        });
        Assert.All(plan.OrderEdges, edge =>
        {
            Assert.InRange(edge.Later, 1, plan.NanoOps.Count - 1);
            Assert.InRange(edge.Earlier, 0, edge.Later - 1);
        });
    }

    private static void AssertValid(IReadOnlyList<PredictedSpan> spans, Plan plan)
    {
        var layer = Enumerable.Range(0, plan.NanoOps.Count)
            .Where(i => plan.NanoOps[i].Segment == Segment.Layer);
        Assert.True(spans.Count == 0 || spans.Select(span => span.NanoOp).SequenceEqual(layer));
        Assert.All(spans, span =>
        {
            Assert.InRange(span.Begin, -PlanLimits.Microseconds, span.End);
            Assert.InRange(span.End, span.Begin, PlanLimits.Microseconds);
        });
    }

    private static void AssertValid(CostTable table)
    {
        foreach (var op in table.Graph.Ops)
        {
            foreach (var rows in new[] { 1, 7, 100, 5000 })
            {
                var launch = new Launch(op, new NanoWork(rows, 100), 3);
                var time = table.Time(launch);
                Assert.True(time > 0 && double.IsFinite(time), $"{time} us");
                Assert.All(table.Graph.Ops, other => Assert.InRange(
                    table.SlowDown(launch, new Launch(other, new NanoWork(30, 5), 1)),
                    1,
                    CostLimits.MaxSlowDown));
            }
        }
    }
}
