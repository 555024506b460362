// A loaded model on which the commands of plans measure, and the files that belong to it.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Measuring;
using NanoFlow.Models;
using NanoFlow.Planning;

namespace NanoFlow.Commands;

internal sealed class Bench : IDisposable
{
    private readonly PlanCache _cache = PlanCache.OfUser(Environment.GetEnvironmentVariable);

    private Bench(PlanBench device, string model)
    {
        Device = device;
        Model = model;
        Origin = device.Origin;
    }

    public PlanBench Device { get; }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    public Origin Origin { get; }

    public string CostPath => _cache.CostPath(Origin);

    public string PlanPath => _cache.PlanPath(Origin);

    public static Bench Load(Given given)
    {
        var source = ModelSource.Open(given.Argument);
        var chosen = ChosenDevice.Of(given);
        Console.Error.WriteLine($"device {chosen}");
        using var progress = new ProgressLine("loading weights");
        var device = PlanBench.Load(
            EngineModel.From(source),
            EngineFlags.Options(given, chosen),
            loaded => progress.Report(loaded.BytesDone, loaded.ByteCount));
        return new Bench(device, source.Name);
    }

    /// <summary>The mixes that were named, or those of a server.</summary>
    /// <exception cref="UsageException">One does not fit this engine.</exception>
    public IReadOnlyList<StepMix> Mixes(Given given)
    {
        var named = given.All(PlanFlags.Mix);
        foreach (var mix in named.Where(mix => !Device.Limits.Hold(mix)))
        {
            throw new UsageException(
                $"--mix {Text(mix)} does not fit: steps have at most {Device.Limits.Rows} rows and "
                + $"{Device.Limits.Sequences} sequences, a sequence {Device.Limits.Context} tokens,"
                + $" the KV cache {Device.Limits.KvTokens}");
        }
        return named.Count > 0 ? named : PlanMixes.Default(
            Device.Limits, Device.Device.HasOwnMemory);
    }

    /// <summary>The cost table that was named or that the cache has; measured where there is
    /// none.</summary>
    public CostSet Costs(Given given)
    {
        var path = given.All(PlanFlags.Costs) is [.., var named] ? named : CostPath;
        return File.Exists(path)
            ? ReadCosts(path)
            : Calibrate(given.Get(PlanFlags.Budget, PlanFlags.DefaultBudget), path);
    }

    /// <summary>Measures, and writes the table.</summary>
    public CostSet Calibrate(TimeSpan budget, string path)
    {
        using var progress = new ProgressLine("measuring", total => $"{total} times");
        var calibration = Calibration.Run(
            Device,
            new CalibrationOptions { Budget = budget },
            (done, total) => progress.Report(done, total));
        var set = calibration.ToCosts(Device, Origin, Model);
        PlanCache.Write(path, CostTableFile.Write(set));
        return set;
    }

    /// <exception cref="CommandException">It is no cost table for this model and
    /// device.</exception>
    public CostSet ReadCosts(string path)
    {
        try
        {
            return CostTableFile.Read(
                PlanCache.Read(path, CostLimits.FileBytes), Device.Graph, Origin);
        }
        catch (PlanFormatException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    /// <exception cref="CommandException">It is no plan for this model and device.</exception>
    public PlanSet ReadPlans(string path)
    {
        try
        {
            return PlanFile.Read(
                PlanCache.Read(path, PlanLimits.FileBytes), Device.Graph, Origin);
        }
        catch (PlanFormatException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    public static string Text(StepMix mix) => $"{mix.Rows}/{mix.DecodeRows}/{mix.Context}";

    public void Dispose() => Device.Dispose();
}
