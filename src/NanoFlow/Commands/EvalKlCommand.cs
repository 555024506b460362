// nanoflow eval kl MODEL: how far what a model says is from what it says unquantized, or from
// another model of the same vocabulary, token by token over a text.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Evaluating;
using NanoFlow.Models;

namespace NanoFlow.Commands;

internal static class EvalKlCommand
{
    private const string Unquantized = "bf16";

    private const int DefaultWindow = 2048;

    private static readonly Flag<string> Against = new(
        "--against", "MODEL", $"'{Unquantized}', a folder or a GGUF file", Unquantized,
        $"what the model is compared with: {Unquantized} is the same one without --quantization",
        Read.Text);

    private static readonly Flag<int> Window = new(
        "--window", "TOKENS", $"2 to {EngineLimits.Positions}, such as 512 or 2k",
        $"{DefaultWindow}, or what the models were made for",
        "tokens that are computed together; a text is cut into windows",
        Read.Integer(2, EngineLimits.Positions));

    public static Command Command { get; } = new(
        "eval kl",
        "MODEL",
        "Compares what a model says with what it says unquantized: KL divergence and perplexity.",
        [
            Against, EvalText.TokensFlag, EvalText.TextFlag, Window, CommonFlags.Json,
            EngineFlags.Device, EngineFlags.DeviceIndex, EngineFlags.DType,
            EngineFlags.Quantization, EngineFlags.BatchInvariant, EngineFlags.Threads,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        var source = ModelSource.Open(given.Argument);
        var text = EvalText.Of(given, source);
        var device = ChosenDevice.Of(given);
        var options = EngineFlags.Options(given, device);
        var other = OpenBaseline(given, source);
        var model = new EvaluatedModel(EngineModel.From(source), options);
        var baseline = new EvaluatedModel(
            EngineModel.From(other),
            options with { Quantization = WeightQuantization.Auto });
        var windows = new TokenWindows(
            text.Tokens, text.Prefix, ChooseWindow(given, model.Model, baseline.Model));
        windows.Validate();
        Console.Error.WriteLine($"device {device}");
        using var run = Load(baseline, model, windows.Window);
        Write(given, model, baseline, windows, Measure(run, windows));
        return Task.FromResult(0);
    }

    private static ModelSource OpenBaseline(Given given, ModelSource source)
    {
        var named = given.All(Against) is [.., var last] ? last : Unquantized;
        if (named != Unquantized)
        {
            return ModelSource.Open(named);
        }

        var isRounded = source.Config.StoredInt8 != Int8Parts.None
            || source.Tensors.Entries.Any(tensor => tensor.DType.IsBlockFormat());
        return isRounded
            ? throw new CommandException(
                $"--against {Unquantized}: {source.Name} is stored quantized; name the model that "
                + "it was made from")
            : source;
    }

    private static int ChooseWindow(Given given, EngineModel model, EngineModel baseline)
    {
        var longest = Math.Min(model.MaxPositions, baseline.MaxPositions);
        var window = given.Get(Window, Math.Min(DefaultWindow, longest));
        return window <= longest
            ? window
            : throw new UsageException(
                $"--window is {window}; the models were made for {longest} tokens");
    }

    private static DivergenceRun Load(EvaluatedModel baseline, EvaluatedModel model, int window)
    {
        using var first = new ProgressLine("loading the baseline");
        using var second = new ProgressLine("loading the model");
        return DivergenceRun.Load(
            baseline,
            model,
            window,
            loaded => first.Report(loaded.BytesDone, loaded.ByteCount),
            loaded => second.Report(loaded.BytesDone, loaded.ByteCount));
    }

    private static DivergenceSummary Measure(DivergenceRun run, TokenWindows windows)
    {
        using var progress = new ProgressLine("comparing", total => $"{total} tokens");
        return run.Run(windows, progress.Report);
    }

    private static void Write(
        Given given,
        EvaluatedModel model,
        EvaluatedModel baseline,
        TokenWindows windows,
        DivergenceSummary summary)
    {
        var figures = new Figures();
        AddModel("model", "model", model);
        AddModel("baseline", "compared with", baseline);
        figures.Add("tokens", "tokens", windows.Tokens.Count);
        figures.Add("window", "tokens of a window", windows.Window);
        figures.Add("predictions", "predicted tokens", summary.Predictions);
        var (mean, error) = (summary.MeanKl, summary.MeanKlError);
        figures.Add("mean_kl", "mean KL divergence", mean, Text.Of($"{mean:G6} +- {error:G3}"));
        figures.Add("mean_kl_error", error);
        AddNumber("median_kl", "median", summary.MedianKl);
        AddNumber("percentile_99_kl", "99th percentile", summary.Percentile99Kl);
        AddNumber("max_kl", "largest", summary.MaxKl);
        var share = (double)summary.SameTop / summary.Predictions;
        figures.Add(
            "same_top", "same most likely token", share,
            Text.Of($"{100 * share:F2} %, {summary.SameTop} of {summary.Predictions}"));
        figures.Add("same_top_count", summary.SameTop);
        AddNumber("perplexity", "perplexity", summary.Perplexity);
        AddNumber("baseline_perplexity", "of the baseline", summary.BaselinePerplexity);
        figures.Write(given.Get(CommonFlags.Json, false));

        void AddModel(string key, string label, EvaluatedModel evaluated)
        {
            var int8 = KeptInt8.Of(evaluated.Model, evaluated.Options);
            var name = evaluated.Model.Source!.Name;
            figures.Add(key, label, name, int8 == Int8Parts.None
                ? name
                : $"{name}, int8 in {Int8Text.Of(int8)}");
            figures.Add($"{key}_int8", Int8Text.Of(int8));
        }

        // JSON knows no infinity, which e to the power of a large loss is.
        void AddNumber(string key, string label, double value) => figures.Add(
            key, label, double.IsFinite(value) ? value : null, Text.Of($"{value:G6}"));
    }
}
