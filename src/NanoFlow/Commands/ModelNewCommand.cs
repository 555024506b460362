// nanoflow model new --shape S DIR: a complete model with random weights.

using NanoFlow.Cli;
using NanoFlow.Models;

namespace NanoFlow.Commands;

internal static class ModelNewCommand
{
    private static readonly Flag<ModelShape> Shape = new(
        "--shape", "NAME", $"one of {ModelShapes.Names}", "none: it must be given",
        "size and form of the model",
        (string text, out ModelShape shape) =>
        {
            var found = ModelShapes.Find(text);
            shape = found!;
            return found is not null;
        });

    private static readonly Flag<ulong> Seed = new(
        "--seed", "N", $"an integer from 0 to {ulong.MaxValue}", "0",
        "start of the random weights; the same seed makes the same files",
        Read.Seed);

    public static Command Command { get; } = new(
        "model new",
        "DIR",
        "Makes a model folder with random weights: for measuring, not for talking.",
        [Shape, Seed, CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var shape = given.All(Shape) is [.., var last]
            ? last
            : throw new UsageException($"--shape is missing: {Shape.Range}");
        var summary = Make(shape, given.Argument, given.Get(Seed, 0UL));
        var figures = new Figures();
        figures.Add("folder", "folder", Path.GetFullPath(given.Argument));
        figures.Add("parameters", "parameters", summary.Parameters);
        figures.Add("bytes", "size", summary.Bytes, Figures.Bytes(summary.Bytes));
        figures.Write(given.Get(CommonFlags.Json, false));
        return Task.FromResult(0);
    }

    private static RandomModelSummary Make(ModelShape shape, string folder, ulong seed)
    {
        using var progress = new ProgressLine("writing");
        return RandomModel.Create(shape, folder, seed, progress.Report);
    }
}
