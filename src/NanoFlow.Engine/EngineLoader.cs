// From a model on disk to an engine that is ready: what fits is decided first, then memory is
// taken, then weights are packed one by one, then the plans are lowered. Whatever fails frees what
// was made.

using NanoFlow.Engine.Measuring;
using NanoFlow.Models;
using NanoFlow.Native;
using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal static class EngineLoader
{
    /// <summary>What it would take, without allocating it.</summary>
    public static MemoryPlan PlanMemory(EngineModel model, EngineOptions options)
    {
        options.Validate();
        NativeEngine.CheckVersion();
        using var spec = new NativeModelSpec(model, KeptInt8.Of(model, options));
        return DecideMemory(model, options, spec).Plan;
    }

    /// <summary>What the native core would take, whether it fits or not.</summary>
    /// <param name="longest">Sequence, in tokens.</param>
    public static MemoryFigures Figures(EngineModel model, EngineOptions options, int longest)
    {
        NativeEngine.CheckVersion();
        using var spec = new NativeModelSpec(model, KeptInt8.Of(model, options));
        return Figures(model, options, spec, longest);
    }

    public static EngineParts Load(
        EngineModel model,
        EngineOptions options,
        Action<LoadProgress>? progress,
        Action<PlanningProgress>? planning)
    {
        var opened = Open(model, options, progress);
        try
        {
            var plans = DecidePlans(opened, options, Find);
            var executor = new NativeStepExecutor(
                opened.Engine, plans.Programs, opened.Limits, Scheduler.MaxStepsInFlight);
            return new EngineParts(
                executor,
                plans.Table,
                opened.Limits,
                opened.Facts with { Plans = plans.Facts });

            PlanSet Find()
            {
                using var bench = new PlanBench(opened, ownsEngine: false);
                return PlanFinder.FindSet(
                    bench,
                    opened.Facts.Origin,
                    model.Source?.Name ?? "",
                    options.PlanningBudget,
                    planning);
            }
        }
        catch
        {
            opened.Engine.Dispose();
            throw;
        }
    }

    /// <summary>An engine with its weights, and no plan yet.</summary>
    public static OpenedEngine Open(
        EngineModel model, EngineOptions options, Action<LoadProgress>? progress) =>
        Open(model, KeptInt8.Of(model, options), options, progress);

    /// <param name="int8">Matrices that are kept as int8.</param>
    internal static OpenedEngine Open(
        EngineModel model, Int8Parts int8, EngineOptions options, Action<LoadProgress>? progress)
    {
        NativeEngine.CheckVersion();
        using var spec = new NativeModelSpec(model, int8);
        var (memory, maxModelLength) = DecideMemory(model, options, spec);
        using var native = new NativeEngineOptions(
            options, DTypeOf(model, options), maxModelLength, memory.PageCount);
        var engine = new NativeEngine(native, spec);
        try
        {
            LoadWeights(engine, model.Source, progress);
            engine.MakeReady();
            var limits = new SchedulerOptions
            {
                MaxSequences = options.MaxSequences,
                MaxStepRows = options.MaxBatchedTokens,
                MaxPositions = maxModelLength,
                PageTokens = options.BlockSize,
                PageCount = memory.PageCount,
                LongRopeAfter = model.Source?.Config.Rope.LongAfter(maxModelLength) ?? 0,
            };
            var facts = new EngineFacts(
                model.VocabSize,
                maxModelLength,
                engine.DescribeDevice(),
                memory,
                engine.DescribeGraph())
            {
                HiddenSize = model.Source?.Config.HiddenSize ?? 0,
            };
            return new OpenedEngine(engine, limits, facts);
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    private static (MemoryPlan Plan, int MaxModelLength) DecideMemory(
        EngineModel model, EngineOptions options, NativeModelSpec spec)
    {
        var longest = options.MaxModelLength ?? model.MaxPositions;
        if (longest > model.MaxPositions)
        {
            throw new EngineException(
                $"MaxModelLength is {longest}; the model was made for {model.MaxPositions}.");
        }
        return MemoryPlanner.Decide(
            Figures(model, options, spec, longest),
            options,
            Budget(options),
            longest,
            mayShorten: options.MaxModelLength is null);
    }

    private static MemoryFigures Figures(
        EngineModel model, EngineOptions options, NativeModelSpec spec, int longest)
    {
        using var native = new NativeEngineOptions(
            options, DTypeOf(model, options), longest, pageCount: 0);
        return NativeEngine.PlanMemory(native, spec);
    }

    internal static MemoryBudget Budget(EngineOptions options)
    {
        if (options.Device != DeviceKind.Cuda)
        {
            return MemoryBudget.OfHost(AvailableMemory.Bytes());
        }
        var (device, problem) = DeviceProbe.Of(options.Device, options.DeviceIndex);
        return device is null
            ? throw new EngineException(problem)
            : MemoryBudget.OfDevice(device, options);
    }

    // Of a model in another type the nearest: bfloat16 has the range of float32.
    internal static NfDtype DTypeOf(EngineModel model, EngineOptions options) =>
        options.DType switch
        {
            OperandDType.Float16 => NfDtype.F16,
            OperandDType.Auto when model.Source?.Config.StoredDType == TensorDType.F16 =>
                NfDtype.F16,
            _ => NfDtype.Bf16,
        };

    private static void LoadWeights(
        NativeEngine engine, ModelSource? source, Action<LoadProgress>? progress)
    {
        if (source is null)
        {
            return;
        }
        var names = engine.WeightNames();
        var total = source.Tensors.ByteCount;
        var done = 0L;
        for (var i = 0; i < names.Count; i++)
        {
            var tensor = source.Tensors.Find(names[i])
                ?? throw new EngineException($"The model has no tensor '{names[i]}'.");
            var scales = source.Tensors.ScalesOf(tensor);
            engine.LoadWeight(
                i,
                source.Tensors.Files[tensor.FileIndex],
                tensor,
                scales is null ? [] : RowScales.Read(source.Tensors, scales));
            done += tensor.ByteCount + (scales?.ByteCount ?? 0);
            progress?.Invoke(new LoadProgress(names[i], i + 1, names.Count, done, total));
        }
    }

    /// <summary>For what plans and costs hold here.</summary>
    internal static Origin OriginOf(GraphFacts graph, DeviceFacts device) =>
        new(graph.Hash, device.Fingerprint, ProgramVersion.Text);

    // The one place where it is decided which plans run. A search that fills an empty cache has the
    // engine to itself here: nothing is served yet.
    private static unsafe DecidedPlans DecidePlans(
        OpenedEngine opened, EngineOptions options, Func<PlanSet> find)
    {
        var (graph, device) = (opened.Facts.Graph, opened.Facts.Device);
        var decision = new PlanDecision(
            graph,
            OriginOf(graph, device),
            Plan.Sequential(graph, device.UnitCount, options.MaxBatchedTokens),
            new PlanCache(options.CacheFolder ?? PlanCache.OfUser(_ => null).Folder),
            plan => (nint)opened.Engine.CreateProgram(plan));
        return decision.Decide(options.Plans, find);
    }
}

/// <summary>An engine that is ready, before anything runs on it.</summary>
internal sealed record OpenedEngine(
    NativeEngine Engine, SchedulerOptions Limits, EngineFacts Facts);
