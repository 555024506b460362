// nanoflow show PLAN: what a plan file says, as text or as a picture. Needs no model.

using System.Text;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Planning;
using NanoFlow.Planning.Drawing;

namespace NanoFlow.Commands;

internal static class ShowCommand
{
    private static readonly Flag<string> Svg = new(
        "--svg", "FILE", "a path", "none",
        "draws one plan of the file as a picture: lanes over time, units as height",
        Read.Text);

    private static readonly Flag<int> Bucket = new(
        "--bucket", "N", $"1 to {PlanLimits.Buckets}", "all; for a picture the first",
        "which plan of the file",
        Read.Integer(1, PlanLimits.Buckets));

    private static readonly Flag<int> Width = new(
        "--width", "COLUMNS", $"{PlanText.MinWidth} to {PlanText.MaxWidth}", "that of the terminal",
        "of the text",
        Read.Integer(PlanText.MinWidth, PlanText.MaxWidth));

    public static Command Command { get; } = new(
        "show",
        "PLAN",
        "Draws the plans of a file: what runs when, on which lane.",
        [Svg, Bucket, Width],
        Run);

    private static Task<int> Run(Given given)
    {
        var set = Open(given.Argument);
        if (given.GetOrNull(Bucket) is { } number)
        {
            set = number <= set.Buckets.Count
                ? set with { Buckets = [set.Buckets[number - 1]] }
                : throw new UsageException(
                    $"--bucket: the file has {set.Buckets.Count} plans, not {number}");
        }
        Console.Write(PlanText.Draw(set, given.Get(Width, TerminalWidth())));
        if (given.All(Svg) is [.., var path])
        {
            PlanCache.Write(path, Encoding.UTF8.GetBytes(PlanSvg.Draw(set, set.Buckets[0])));
            Console.WriteLine($"drawn to {Path.GetFullPath(path)}");
        }
        return Task.FromResult(0);
    }

    private static PlanSet Open(string path)
    {
        try
        {
            return PlanFile.Parse(PlanCache.Read(path, PlanLimits.FileBytes));
        }
        catch (PlanFormatException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
    }

    private static int TerminalWidth()
    {
        const int Usual = 100;
        return Console.IsOutputRedirected ? Usual : Console.WindowWidth - 1;
    }
}
