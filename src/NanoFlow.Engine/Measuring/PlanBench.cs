// Times plans and nano-ops on the native engine, while it serves nobody. Steps are written by mix
// and stay in slot 0 until another mix is asked for.

using NanoFlow.Native;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

public sealed unsafe class PlanBench : IPlanBench
{
    // Executions of a nano-op that a measurement is made of at least.
    private const int LeastCount = 3;

    // A step that does not end in this time never does.
    private const uint StepLimitMicroseconds = 600_000_000;

    private const int Slot = 0;

    private readonly OpenedEngine _opened;
    private readonly NativeMeasuring _measuring;
    private readonly NfStepBuffers _buffers;
    private readonly bool _ownsEngine;
    private StepMix _written;
    private NfStepShape _shape;

    internal PlanBench(OpenedEngine opened, bool ownsEngine)
    {
        _opened = opened;
        _ownsEngine = ownsEngine;
        _measuring = new NativeMeasuring(opened.Engine);
        NfStepBuffers buffers;
        NativeException.ThrowIfFailed(
            NativeMethods.StepMap(opened.Engine.Pointer, Slot, &buffers));
        _buffers = buffers;
        var limits = opened.Limits;
        Limits = new BenchLimits(
            limits.MaxStepRows,
            limits.MaxSequences,
            limits.MaxPositions,
            (long)limits.PageCount * limits.PageTokens,
            limits.PageTokens);
    }

    public GraphFacts Graph => _opened.Facts.Graph;

    public DeviceFacts Device => _opened.Facts.Device;

    public BenchLimits Limits { get; }

    /// <summary>For what plans and costs hold here.</summary>
    public Origin Origin => _opened.Facts.Origin;

    /// <summary>Loads a model to be measured.</summary>
    /// <exception cref="EngineException">It does not fit, or cannot be loaded here.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static PlanBench Load(
        EngineModel model, EngineOptions options, Action<LoadProgress>? progress = null)
    {
        options.Validate();
        return new PlanBench(EngineLoader.Open(model, options, progress), ownsEngine: true);
    }

    public IBenchProgram Open(Plan plan) =>
        new BenchProgram(this, _opened.Engine.CreateProgram(plan), plan.NanoOps.Count);

    public void Dispose()
    {
        if (_ownsEngine)
        {
            _opened.Engine.Dispose();
        }
    }

    private void Write(StepMix mix)
    {
        if (mix != _written)
        {
            _shape = StepMixWriter.Write(_buffers, mix, Limits, _opened.Facts.VocabSize);
            _written = mix;
        }
    }

    // A whole step first where the mix is new: activations and pages then hold what they would hold
    // in service, and the memory of the pages is there.
    private void WarmUp(NfProgram* program, StepMix mix)
    {
        if (mix != _written)
        {
            RunStep(program, mix);
        }
    }

    private double RunStep(NfProgram* program, StepMix mix)
    {
        Write(mix);
        var engine = _opened.Engine.Pointer;
        var shape = _shape;
        NfStepResult result;
        NativeException.ThrowIfFailed(
            NativeMethods.StepSubmit(engine, Slot, program, &shape));
        NativeException.ThrowIfFailed(NativeMethods.StepRelease(engine, Slot));
        NativeException.ThrowIfFailed(
            NativeMethods.StepWait(engine, Slot, StepLimitMicroseconds, &result));
        return result.DeviceUs;
    }

    private sealed class BenchProgram(PlanBench bench, NfProgram* program, int nanoOpCount)
        : IBenchProgram
    {
        public double RunStep(StepMix mix) => bench.RunStep(program, mix);

        public double[] Measure(StepMix mix, ReadOnlySpan<int> nanoOps, TimeSpan minimum)
        {
            bench.WarmUp(program, mix);
            var times = bench._measuring.Measure(
                program, Slot, bench._shape, nanoOps, minimum, LeastCount);
            return [.. times.Select(list => Median.Of(list))];
        }

        public IReadOnlyList<TimelineSpan> Trace(StepMix mix)
        {
            var graph = bench.Graph;
            bench.WarmUp(program, mix);
            bench._measuring.StartTrace((graph.LayerCount + 2) * nanoOpCount);
            try
            {
                bench.RunStep(program, mix);
                return ToSpans(bench._measuring.ReadTrace());
            }
            finally
            {
                bench._measuring.StopTrace();
            }
        }

        public void Dispose() =>
            NativeMethods.ProgramDestroy(bench._opened.Engine.Pointer, program);

        private static IReadOnlyList<TimelineSpan> ToSpans(NfSpan[] spans)
        {
            var origin = spans.Length == 0 ? 0 : spans.Min(span => span.BeginNs);
            return [.. spans.OrderBy(span => span.EndNs).Select(span => new TimelineSpan(
                span.Lane,
                span.NanoOp,
                (int)span.Tick,
                Micros(span.ArrivedNs),
                Micros(span.BeginNs),
                Micros(span.EndNs)))];

            double Micros(ulong ns) => ((double)ns - origin) / 1000;
        }
    }
}
