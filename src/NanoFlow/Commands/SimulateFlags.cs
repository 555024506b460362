// Flags of nanoflow simulate.

using System.Globalization;
using NanoFlow.Cli;
using NanoFlow.Planning;
using NanoFlow.Planning.Analysis;

namespace NanoFlow.Commands;

internal static class SimulateFlags
{
    private const int MaxDevices = 1024;
    private const int MaxTokens = 1 << 20;

    public static readonly Flag<string> Model = new(
        "--model", "NAME", "a name of models.json or of --models", "the published tables instead",
        "predict how this model is served",
        Read.Text);

    public static readonly Flag<string> Accelerator = new(
        "--accelerator", "NAME", "a name of accelerators.json or of --accelerators", "H200",
        "what it is served with",
        Read.Text);

    public static readonly Flag<int> Devices = new(
        "--devices", "N", $"1 to {MaxDevices}", "1",
        "devices that hold the model together",
        Read.Integer(1, MaxDevices));

    public static readonly Flag<Workload> Workload = new(
        "--workload", "PROMPT/DECODE",
        $"tokens of prompts and answers, up to {MaxTokens}, such as 1000/1000", "1000/1000",
        "mean lengths of the requests",
        TryReadWorkload);

    public static readonly Flag<NumberFormat> Dtype = new(
        "--dtype", "NAME", "bf16 or fp8", "bf16",
        "of weights and KV cache",
        Read.Choice(("bf16", NumberFormat.Bf16), ("fp8", NumberFormat.Fp8)));

    public static readonly Flag<int> Rows = new(
        "--rows", "N", $"1 to {PlanLimits.StepRows}", "what the memory holds",
        "rows of a step",
        Read.Integer(1, PlanLimits.StepRows));

    public static readonly Flag<bool> Ablation = new(
        "--ablation", null, "true or false", "off",
        "search plans for the published ablation, and print them beside it",
        Read.Switch);

    public static readonly Flag<bool> Fit = new(
        "--fit", null, "true or false", "off",
        "fit the two constants of the costs again",
        Read.Switch);

    public static readonly Flag<string> Accelerators = new(
        "--accelerators", "FILE", "a JSON file like accelerators.json", "none",
        "more accelerators, or other figures for those that are there",
        Read.Text);

    public static readonly Flag<string> Models = new(
        "--models", "FILE", "a JSON file like models.json", "none",
        "more models, or other shapes for those that are there",
        Read.Text);

    private static bool TryReadWorkload(string text, out Workload workload)
    {
        var parts = text.Split('/');
        var isPair = TryTokens(parts[0], out var prompt) & TryTokens(parts[^1], out var decode);
        workload = new Workload(text, prompt, decode);
        return parts.Length == 2 && isPair && prompt > 0;
    }

    private static bool TryTokens(string text, out int tokens) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out tokens)
            && tokens <= MaxTokens;
}
