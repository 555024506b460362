// Measuring and tracing on the native core, with a tiny model of random weights.

using NanoFlow.Engine.Measuring;
using NanoFlow.Models;
using NanoFlow.Native;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Tests;

public sealed unsafe class NativeMeasuringTests : IDisposable
{
    // One sequence: a prompt of 24 tokens in two pages, one sample. Its halves are whole tiles.
    private static readonly NfStepShape Shape = new()
    {
        NumSequences = 1,
        NumRows = 24,
        NumPages = 2,
    };

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-measuring").FullName;

    private readonly NativeEngine _engine;
    private readonly NativeMeasuring _measuring;
    private readonly GraphFacts _graph;

    public NativeMeasuringTests()
    {
        var path = Path.Combine(_folder, "model");
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 1);
        var model = EngineModel.From(ModelFolder.Open(path));
        var options = new EngineOptions
        {
            MaxSequences = 4,
            MaxBatchedTokens = 32,
            BlockSize = 16,
            Threads = 2,
        };
        using var spec = new NativeModelSpec(model);
        using var native = new NativeEngineOptions(options, NfDtype.Bf16, 64, pageCount: 4);
        _engine = new NativeEngine(native, spec);
        var source = model.Source!;
        var names = _engine.WeightNames();
        for (var i = 0; i < names.Count; i++)
        {
            var tensor = source.Tensors.Find(names[i])!;
            _engine.LoadWeight(i, source.Tensors.Files[tensor.FileIndex], tensor, []);
        }
        _engine.MakeReady();
        _graph = _engine.DescribeGraph();
        _measuring = new NativeMeasuring(_engine);
    }

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Measure_OnTwoLanes_TimesOfEach()
    {
        var plan = TwoLanes();
        var program = _engine.CreateProgram(plan);
        WriteStep();
        var pair = new[] { Find(plan, "gate_up", lane: 0), Find(plan, "down", lane: 1) };
        var times = _measuring.Measure(
            program, 0, Shape, pair, TimeSpan.FromMicroseconds(200), minimumCount: 5);

        Assert.Equal(2, times.Length);
        Assert.All(times, list => Assert.True(list.Length >= 5 && list.Sum() > 0));
    }

    [Fact]
    public void Measure_NanoOpWithoutRows_IsRefused()
    {
        var plan = TwoLanes();
        var program = _engine.CreateProgram(plan);
        WriteStep();
        var decode = Find(plan, "decode_attention", lane: 0);
        var refused = Assert.Throws<NativeException>(() => _measuring.Measure(
            program, 0, Shape, [decode], TimeSpan.Zero, minimumCount: 1));

        Assert.Equal(NfStatus.InvalidArgument, refused.Status);
        Assert.Contains("decode_attention", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Trace_OneStep_HasEveryNanoOpWithRows()
    {
        var plan = TwoLanes();
        var program = _engine.CreateProgram(plan);
        _measuring.StartTrace(1 << 16);
        RunStep(program);
        var spans = _measuring.ReadTrace(out var dropped);
        _measuring.StopTrace();

        // All rows are of a prompt, and one of its halves has the only sample.
        var layer = plan.NanoOps.Count(nano => nano.Segment == Segment.Layer) - 2;
        Assert.Equal(layer, spans.Count(span => span.Tick == 1));
        Assert.Equal(2, spans.Count(span => span.Tick == 0));
        var ops = _graph.In(Segment.Epilogue).Count();
        Assert.Equal(ops, spans.Count(span => span.Tick == _graph.LayerCount + 1));
        Assert.Equal(0, dropped);
        Assert.All(spans, span => Assert.True(
            span.ArrivedNs <= span.BeginNs && span.BeginNs <= span.EndNs));
    }

    [Fact]
    public void Trace_NoRoom_CountsWhatIsDropped()
    {
        var program = _engine.CreateProgram(TwoLanes());
        _measuring.StartTrace(3);
        RunStep(program);

        Assert.Equal(3, _measuring.ReadTrace(out var dropped).Length);
        Assert.True(dropped > 0);
        _measuring.StopTrace();
        Assert.Throws<NativeException>(() => _measuring.ReadTrace());
    }

    // Every op cut in two halves, one on each lane.
    private Plan TwoLanes()
    {
        var whole = Plan.Sequential(_graph, unitCount: 2, stepRows: 2);
        return whole with
        {
            Lanes = [new Lane(0), new Lane(0)],
            NanoOps =
            [
                .. whole.NanoOps.SelectMany(op => new[]
                {
                    op with { RowEnd = 1 },
                    op with { RowBegin = 1, Lane = 1 },
                }),
            ],
        };
    }

    private int Find(Plan plan, string op, int lane)
    {
        var index = _graph.Find(Segment.Layer, op)!.Index;
        return plan.NanoOps.ToList().FindIndex(nano =>
            nano.Segment == Segment.Layer && nano.Op == index && nano.Lane == lane);
    }

    private void WriteStep()
    {
        NfStepBuffers buffers;
        NativeException.ThrowIfFailed(NativeMethods.StepMap(_engine.Pointer, 0, &buffers));
        new Span<int>(buffers.Tokens, (int)Shape.NumRows).Fill(1);
        buffers.Pages[0] = 0;
        buffers.Pages[1] = 1;
        buffers.Sequences[0] = new NfSequence
        {
            RowCount = Shape.NumRows,
            PageCount = Shape.NumPages,
            Flags = (uint)NfSequenceFlag.Sample,
        };
        buffers.Sampling[0] = new NfSampling { TopP = 1, RepetitionPenalty = 1 };
    }

    private void RunStep(NfProgram* program)
    {
        WriteStep();
        var shape = Shape;
        NfStepResult result;
        NativeException.ThrowIfFailed(
            NativeMethods.StepSubmit(_engine.Pointer, 0, program, &shape));
        NativeException.ThrowIfFailed(NativeMethods.StepRelease(_engine.Pointer, 0));
        NativeException.ThrowIfFailed(
            NativeMethods.StepWait(_engine.Pointer, 0, 10_000_000, &result));
    }
}
