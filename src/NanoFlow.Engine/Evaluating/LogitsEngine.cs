// Logits at every position of a sequence, from an engine of its own that serves nobody: the rows of
// a window go through in chunks, and each chunk's logits are copied out before the next one runs.

using NanoFlow.Native;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Evaluating;

internal sealed unsafe class LogitsEngine : IDisposable
{
    /// <summary>Rows of a step. Each has logits of its own in memory, half a megabyte with the
    /// largest usual vocabularies; more rows than this gain a CPU little.</summary>
    public const int ChunkTokens = 64;

    // A step that does not end in this time never does.
    private const uint StepLimitMicroseconds = 600_000_000;

    private const int Slot = 0;

    private readonly OpenedEngine _opened;
    private readonly NfStepBuffers _buffers;
    private readonly NfProgram* _program;
    private int _position;
    private NfSequenceFlag _flags;

    /// <param name="opened">Owned from here on; its steps hold ChunkTokens rows and
    /// samples.</param>
    public LogitsEngine(OpenedEngine opened)
    {
        _opened = opened;
        NfStepBuffers buffers;
        NativeException.ThrowIfFailed(
            NativeMethods.StepMap(opened.Engine.Pointer, Slot, &buffers));
        _buffers = buffers;
        var (graph, device) = (opened.Facts.Graph, opened.Facts.Device);
        _program = opened.Engine.CreateProgram(
            Plan.Sequential(graph, device.UnitCount, ChunkTokens));
    }

    public EngineFacts Facts => _opened.Facts;

    /// <param name="window">Tokens of a sequence at most.</param>
    /// <exception cref="EngineException">It does not fit, or cannot be loaded here.</exception>
    public static LogitsEngine Load(
        EngineModel model, EngineOptions options, int window, Action<LoadProgress>? progress)
    {
        var opened = EngineLoader.Open(model, Fit(model, options, window).Options, progress);
        try
        {
            return new LogitsEngine(opened);
        }
        catch
        {
            opened.Engine.Dispose();
            throw;
        }
    }

    /// <summary>Bytes that an engine takes, and those that it takes besides while it
    /// loads.</summary>
    public static (long Bytes, long WhileLoading) MemoryOf(
        EngineModel model, EngineOptions options, int window)
    {
        var (fitted, figures) = Fit(model, options, window);
        return (
            figures.Weights + figures.Arena + figures.Sampling + figures.Steps
                + fitted.KvCacheBytes!.Value,
            figures.LargestTensor);
    }

    /// <summary>The next sequence.</summary>
    /// <param name="tokens">How many it has, be they appended or not: rotations of long sequences
    /// may differ.</param>
    public void Begin(int tokens)
    {
        var longAfter = _opened.Limits.LongRopeAfter;
        _flags = NfSequenceFlag.SampleAll;
        _flags |= longAfter > 0 && tokens > longAfter ? NfSequenceFlag.LongRope : 0;
        _position = 0;
    }

    /// <summary>Computes the logits after each of these tokens.</summary>
    /// <param name="tokens">Up to ChunkTokens of the sequence, after those appended
    /// before.</param>
    public void Append(ReadOnlySpan<int> tokens)
    {
        tokens.CopyTo(new Span<int>(_buffers.Tokens, ChunkTokens));
        var pages = (_position + tokens.Length + _opened.Limits.PageTokens - 1)
            / _opened.Limits.PageTokens;
        for (var i = 0; i < pages; i++)
        {
            _buffers.Pages[i] = (uint)i;
        }

        _buffers.Sequences[0] = new NfSequence
        {
            RowCount = (uint)tokens.Length,
            Position = (uint)_position,
            PageCount = (uint)pages,
            PromptTokens = (uint)(_position + tokens.Length),
            Flags = (uint)_flags,
        };

        // Nothing is drawn.
        new Span<NfSampling>(_buffers.Sampling, tokens.Length).Fill(new NfSampling
        {
            TopP = 1,
            RepetitionPenalty = 1,
            Flags = (uint)NfSamplingFlag.Score,
        });
        RunStep(new NfStepShape
        {
            NumSequences = 1,
            NumRows = (uint)tokens.Length,
            NumPages = (uint)pages,
        });
        _position += tokens.Length;
    }

    /// <param name="row">Of the tokens that were appended last.</param>
    /// <param name="logits">[vocabulary]</param>
    public void CopyLogits(int row, Span<float> logits)
    {
        fixed (float* first = logits)
        {
            NativeException.ThrowIfFailed(NativeMethods.StepLogits(
                _opened.Engine.Pointer, Slot, (uint)row, first, (uint)logits.Length));
        }
    }

    public void Dispose() => _opened.Engine.Dispose();

    // The smallest engine that runs a window.
    private static (EngineOptions Options, MemoryFigures Figures) Fit(
        EngineModel model, EngineOptions options, int window)
    {
        var fitted = options with
        {
            MaxModelLength = window,
            MaxSequences = ChunkTokens, // samples of a step
            MaxBatchedTokens = ChunkTokens,
        };
        fitted.Validate();
        var figures = EngineLoader.Figures(model, fitted, window);
        var pages = (window + options.BlockSize - 1) / options.BlockSize;
        return (fitted with { KvCacheBytes = pages * figures.KvPage }, figures);
    }

    private void RunStep(NfStepShape shape)
    {
        var engine = _opened.Engine.Pointer;
        NfStepResult result;
        NativeException.ThrowIfFailed(
            NativeMethods.StepSubmit(engine, Slot, _program, &shape));
        NativeException.ThrowIfFailed(NativeMethods.StepRelease(engine, Slot));
        NativeException.ThrowIfFailed(
            NativeMethods.StepWait(engine, Slot, StepLimitMicroseconds, &result));
    }
}
