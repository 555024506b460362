// nanoflow simulate: what the cost model says about hardware that is not here. Without --model the
// published tables, computed; with it one way of serving, as the search would plan it.

using NanoFlow.Cli;
using NanoFlow.Planning.Analysis;
using NanoFlow.Planning.Search;

namespace NanoFlow.Commands;

internal static class SimulateCommand
{
    private const int MaxFileBytes = 1024 * 1024;

    public static Command Command { get; } = new(
        "simulate",
        null,
        "Predicts throughput on hardware that is not here, from data sheets and published costs.",
        [
            SimulateFlags.Model, SimulateFlags.Accelerator, SimulateFlags.Devices,
            SimulateFlags.Workload, SimulateFlags.Dtype, SimulateFlags.Rows,
            SimulateFlags.Ablation, SimulateFlags.Fit, PlanFlags.SearchBudget, PlanFlags.Seed,
            SimulateFlags.Accelerators, SimulateFlags.Models, CommonFlags.Json,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        try
        {
            var accelerators = Named(
                given, SimulateFlags.Accelerators, AnalysisData.ReadAccelerators,
                AnalysisData.Accelerators, one => one.Name);
            var models = Named(
                given, SimulateFlags.Models, AnalysisData.ReadModels,
                AnalysisData.Models, one => one.Name);
            if (given.All(SimulateFlags.Model) is [.., var name])
            {
                var model = Find(models, one => one.Name, name, SimulateFlags.Model);
                SimulatedService.Write(given, model, AcceleratorOf(given, accelerators));
            }
            else if (given.Get(SimulateFlags.Fit, false))
            {
                WriteFit();
            }
            else if (given.Get(SimulateFlags.Ablation, false))
            {
                Console.Write(PublishedTables.Ablation(SearchOptions(given)));
            }
            else
            {
                Console.Write(PublishedTables.All(accelerators, models));
            }
        }
        catch (AnalysisDataException e)
        {
            throw new CommandException(e.Message);
        }
        return Task.FromResult(0);
    }

    internal static PlanSearchOptions SearchOptions(Given given) => new()
    {
        Budget = given.Get(PlanFlags.SearchBudget, TimeSpan.FromSeconds(10)),
        Seed = given.Get(PlanFlags.Seed, 1),
        Threads = Environment.ProcessorCount,
    };

    private static void WriteFit()
    {
        var fitted = CostFit.Run();
        Console.WriteLine(Text.Of(
            $"launch_microseconds      {fitted.LaunchMicroseconds:F3}"));
        Console.WriteLine(Text.Of(
            $"decode_row_microseconds  {fitted.DecodeRowMicroseconds:F5}"));
    }

    private static Accelerator AcceleratorOf(Given given, IReadOnlyList<Accelerator> accelerators)
    {
        var name = given.All(SimulateFlags.Accelerator) is [.., var named] ? named : "H200";
        return Find(accelerators, one => one.Name, name, SimulateFlags.Accelerator);
    }

    private static T Find<T>(
        IReadOnlyList<T> entries, Func<T, string> nameOf, string name, Flag flag)
        where T : class => entries.FirstOrDefault(one => nameOf(one) == name)
            ?? throw new UsageException(
                $"{flag.Name}: no '{name}'; there are {string.Join(", ", entries.Select(nameOf))}");

    // The file's entries go before ours of the same name.
    private static IReadOnlyList<T> Named<T>(
        Given given,
        Flag<string> flag,
        Func<ReadOnlyMemory<byte>, string, IReadOnlyList<T>> read,
        IReadOnlyList<T> own,
        Func<T, string> nameOf)
    {
        if (given.All(flag) is not [.., var path])
        {
            return own;
        }
        var size = new FileInfo(path).Length;
        return size <= MaxFileBytes
            ? [.. read(File.ReadAllBytes(path), path).Concat(own).DistinctBy(nameOf)]
            : throw new CommandException(
                $"{path} has {size} bytes, allowed are {MaxFileBytes}");
    }
}
