// Loads an engine and says what is decided on the way: the device, where memory goes, the plans.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Models;

namespace NanoFlow.Commands;

internal static class EngineStart
{
    /// <param name="says">Where the decisions are written; progress and warnings go to
    /// stderr.</param>
    public static InferenceEngine Load(
        ModelSource source, ChosenDevice chosen, EngineOptions options, TextWriter says)
    {
        says.WriteLine($"device {chosen}");
        var model = EngineModel.From(source);
        if (KeptInt8.Of(model, options) is var int8 and not Int8Parts.None)
        {
            says.WriteLine($"int8 in {Int8Text.Of(int8)}, activations rounded row by row");
        }

        says.WriteLine(InferenceEngine.PlanMemory(model, options));
        var engine = LoadWithProgress(model, options);
        var device = engine.Facts.Device;
        var (name, units, isa, reason) = device;
        var what = device.HasOwnMemory ? $"{device.Processor}, {units} SMs" : $"{units} threads";
        says.WriteLine($"backend {name}, {what}, {isa}: {reason}");
        WritePlans(engine.Facts.Plans, says);
        return engine;
    }

    private static void WritePlans(PlanFacts plans, TextWriter says)
    {
        if (plans.Warning is { } warning)
        {
            Console.Error.WriteLine($"nanoflow: warning: {warning}");
        }

        var count = plans.Mixes.Count;
        says.WriteLine((plans.Source, plans.Path) switch
        {
            (_, { } path) => $"plans for {count} {(count == 1 ? "mix" : "mixes")} of rows, {path}",
            (PlanSource.Sequential, _) => "every step is sequential",
            _ => "every step is sequential; 'nanoflow search MODEL' looks for faster plans",
        });
    }

    private static InferenceEngine LoadWithProgress(EngineModel model, EngineOptions options)
    {
        using var progress = new ProgressLine("loading weights");
        using var measuring = new ProgressLine("measuring", total => $"{total} times");
        using var searching = new ProgressLine("searching", total => $"{total} kinds of steps");
        return InferenceEngine.Load(
            model,
            options,
            loaded => progress.Report(loaded.BytesDone, loaded.ByteCount),
            found => (found.IsSearching ? searching : measuring)
                .Report(found.Done, found.Total));
    }
}
