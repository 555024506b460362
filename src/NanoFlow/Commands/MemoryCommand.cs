// nanoflow memory MODEL: where memory would go, without loading anything.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Models;

namespace NanoFlow.Commands;

internal static class MemoryCommand
{
    public static Command Command { get; } = new(
        "memory",
        "MODEL",
        "Shows where memory would go and what would fit, without loading the model.",
        [.. EngineFlags.ForMemory, CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var device = ChosenDevice.Of(given);
        var options = EngineFlags.Options(given, device);
        var model = EngineModel.From(ModelSource.Open(given.Argument));
        var plan = InferenceEngine.PlanMemory(model, options);
        var longest = Math.Min(options.MaxModelLength ?? model.MaxPositions, plan.KvTokens);
        var figures = new Figures();
        figures.Add("device", "device", device.Name, device.ToString());
        Int8Text.AddTo(figures, "kept as int8", KeptInt8.Of(model, options));
        Add("weights", "weights", plan.Weights);
        Add("activations", "activations", plan.Arena);
        Add("sampling", "sampling", plan.Sampling);
        Add("step_buffers", "step buffers", plan.Steps);
        Add("kv_cache", "KV cache", plan.KvCache);
        figures.Add(
            "reserve_bytes",
            plan.Reserve == 0 ? "" : "reserve for the driver",
            plan.Reserve,
            Figures.Bytes(plan.Reserve));
        Add("total", "total", plan.Total);
        Add("largest_tensor", "more while loading", plan.LargestTensor);
        figures.Add(
            "available_bytes",
            "available",
            plan.Available,
            Figures.Bytes(plan.Available) + plan.AvailableFrom);
        figures.Add("kv_tokens", "tokens in the KV cache", plan.KvTokens);
        figures.Add("max_model_len", "longest sequence", longest, $"{longest} tokens");
        var sequences = plan.KvTokens / longest;
        figures.Add("longest_sequences", "sequences of that length", sequences);
        figures.Write(given.Get(CommonFlags.Json, false));
        return Task.FromResult(0);

        void Add(string key, string label, long bytes) =>
            figures.Add(key + "_bytes", label, bytes, Figures.Bytes(bytes));
    }
}
