// Decides which plans an engine runs, once, before it serves: reads what was chosen, checks that it
// was found for this graph, device and program, and lowers it. A file that the user named must be
// good; one from the cache only may be, and without it every step is sequential.

using NanoFlow.Planning;

namespace NanoFlow.Engine;

/// <summary>Which plans an engine has, and why no others.</summary>
/// <param name="Source">What was asked for.</param>
/// <param name="Path">The file that they come from; null: every step is sequential.</param>
/// <param name="Mixes">Steps near them have plans of their own.</param>
/// <param name="Warning">What is wrong with the cached file, or with writing it; null:
/// nothing.</param>
public sealed record PlanFacts(
    PlanSource Source, string? Path, IReadOnlyList<StepMix> Mixes, string? Warning)
{
    /// <summary>None were chosen.</summary>
    public static PlanFacts Sequential { get; } = new(PlanSource.Sequential, null, [], null);
}

/// <summary>What was decided: the plans, the programs they were lowered to, in their order, and
/// what to tell about them.</summary>
internal sealed record DecidedPlans(
    PlanTable Table, IReadOnlyList<nint> Programs, PlanFacts Facts);

internal sealed class PlanDecision
{
    private readonly GraphFacts _graph;
    private readonly Origin _origin;
    private readonly Plan _sequential;
    private readonly PlanCache _cache;
    private readonly Func<Plan, nint> _lower;

    /// <param name="origin">What plans must have been found for.</param>
    /// <param name="sequential">Of the graph on this device.</param>
    /// <param name="lower">Makes a program of a plan.</param>
    public PlanDecision(
        GraphFacts graph, Origin origin, Plan sequential, PlanCache cache, Func<Plan, nint> lower)
    {
        _graph = graph;
        _origin = origin;
        _sequential = sequential;
        _cache = cache;
        _lower = lower;
    }

    /// <param name="find">Looks for plans where Auto finds none in the cache; null: nothing
    /// can.</param>
    /// <exception cref="EngineException">A named file cannot be used here.</exception>
    public DecidedPlans Decide(PlanChoice choice, Func<PlanSet>? find)
    {
        var path = choice.Path ?? _cache.PlanPath(_origin);
        switch (choice.Source)
        {
            case PlanSource.Sequential:
                return Lower(PlanSource.Sequential, null, []);
            case PlanSource.File:
                try
                {
                    return Open(PlanSource.File, path);
                }
                catch (Exception e) when (e is PlanFormatException or EngineException)
                {
                    throw new EngineException($"{path}: {e.Message}", e);
                }
            default:
                var cached = OpenCached(choice.Source, path);
                return choice.Source == PlanSource.Auto && cached.Facts.Path is null
                    && find is not null
                    ? Keep(find(), path)
                    : cached;
        }
    }

    private DecidedPlans OpenCached(PlanSource source, string path)
    {
        try
        {
            return File.Exists(path) ? Open(source, path) : Lower(source, null, []);
        }
        catch (Exception e) when (e is PlanFormatException or EngineException or IOException
            or UnauthorizedAccessException)
        {
            var sequential = Lower(source, null, []);
            return sequential with
            {
                Facts = sequential.Facts with { Warning = $"{path}: {e.Message}" },
            };
        }
    }

    private DecidedPlans Open(PlanSource source, string path)
    {
        var bytes = PlanCache.Read(path, PlanLimits.FileBytes);
        return Lower(source, path, PlanFile.Read(bytes, _graph, _origin).Buckets);
    }

    // A cache that cannot be written costs the next start the search again, and nothing else.
    private DecidedPlans Keep(PlanSet found, string path)
    {
        var decided = Lower(PlanSource.Auto, path, found.Buckets);
        try
        {
            PlanCache.Write(path, PlanFile.Write(found));
            return decided;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return decided with { Facts = decided.Facts with { Warning = e.Message } };
        }
    }

    private DecidedPlans Lower(
        PlanSource source, string? path, IReadOnlyList<PlanBucket> buckets)
    {
        var table = new PlanTable(_sequential, buckets);
        return new DecidedPlans(
            table,
            [.. table.Plans.Select(_lower)],
            new PlanFacts(source, path, table.Mixes, Warning: null));
    }
}
