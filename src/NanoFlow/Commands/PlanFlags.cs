// Flags of the commands that measure and search.

using System.Globalization;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Planning;

namespace NanoFlow.Commands;

internal static class PlanFlags
{
    private static readonly TimeSpan LongestBudget = TimeSpan.FromHours(1);

    public static readonly TimeSpan DefaultBudget = TimeSpan.FromSeconds(120);

    public static readonly Flag<TimeSpan> Budget = new(
        "--budget", "TIME", "1s to 60m, such as 120s or 2m", "120s",
        "time for the measurements",
        Read.Duration(TimeSpan.FromSeconds(1), LongestBudget));

    public static readonly Flag<TimeSpan> SearchBudget = new(
        "--search-budget", "TIME", "1s to 60m, such as 10s", "10s",
        "time to search for the plan of one mix",
        Read.Duration(TimeSpan.FromSeconds(1), LongestBudget));

    public static readonly Flag<string> Costs = new(
        "--costs", "FILE", "a cost table",
        "that of this model and device in the cache; search and ablate measure where it has none",
        "what calibrate has measured",
        Read.Text);

    public static readonly Flag<string> PlanFile = new(
        "--plan", "FILE", "a plan file", "plans with two lanes are searched",
        "plans to take apart",
        Read.Text);

    public static readonly Flag<StepMix> Mix = new(
        "--mix", "ROWS/DECODE/CONTEXT",
        $"rows of a step, decode rows of them, tokens they attend, such as 512/64/1024; "
        + $"up to {PlanLimits.StepRows} rows and {EngineLimits.Positions} tokens",
        "prefill, decode and both, with a short and a long context",
        "kind of step",
        TryReadMix)
    {
        Repeats = true,
    };

    public static readonly Flag<int> Seed = new(
        "--seed", "N", "0 to 1000000", "1",
        "start of what is drawn at random",
        Read.Integer(0, 1_000_000));

    /// <summary>What shapes the engine that is measured: the same flags that serve takes.</summary>
    public static IReadOnlyList<Flag> Engine => EngineFlags.ForMemory;

    private static bool TryReadMix(string text, out StepMix mix)
    {
        mix = default;
        var parts = text.Split('/');
        var numbers = new int[3];
        if (parts.Length != numbers.Length)
        {
            return false;
        }
        for (var i = 0; i < numbers.Length; i++)
        {
            if (!int.TryParse(
                parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                return false;
            }
        }
        mix = new StepMix(numbers[0], numbers[1], numbers[2]);
        return mix.Rows is >= 1 and <= PlanLimits.StepRows
            && mix.DecodeRows <= mix.Rows
            && mix.Context is >= 1 and <= EngineLimits.Positions;
    }
}
