// nanoflow model inspect MODEL: what a model folder or GGUF file holds, checked but not loaded.

using NanoFlow.Cli;
using NanoFlow.Models;
using NanoFlow.Server;

namespace NanoFlow.Commands;

internal static class ModelInspectCommand
{
    // Keys and values are kept in 16 bits.
    private const int KvElementBytes = 2;

    public static Command Command { get; } = new(
        "model inspect",
        "MODEL",
        "Checks a model, a folder or a GGUF file, and shows what it holds.",
        [CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var source = ModelSource.Open(given.Argument);
        var tokenizer = ModelTokenizer.Load(source);
        var config = source.Config;
        var figures = new Figures();
        figures.Add("architecture", "architecture", config.Architecture);
        figures.Add("parameters", "parameters", ModelSize.Parameters(config));
        figures.Add("layers", "layers", config.LayerCount);
        figures.Add("hidden", "width", config.HiddenSize);
        figures.Add("intermediate", "MLP width", config.IntermediateSize);
        if (config.Experts is { } experts)
        {
            figures.Add("experts", "experts of a layer", experts.Count);
            figures.Add("experts_per_token", "experts of a token", experts.PerToken);
            figures.Add("expert_intermediate", "width of an expert", experts.IntermediateSize);
        }

        figures.Add("heads", "heads", config.HeadCount);
        figures.Add("kv_heads", "heads of keys and values", config.KvHeadCount);
        figures.Add("head_dim", "width of a head", config.HeadDim);
        figures.Add("max_positions", "longest sequence", config.MaxPositions);
        figures.Add("vocabulary", "vocabulary", config.VocabSize);
        figures.Add("tokenizer_vocabulary", "tokens of the tokenizer", tokenizer.VocabularySize);
        figures.Add(
            "chat_template", "chat template", tokenizer.Config.ChatTemplate is not null);
        figures.Add(
            "end_tokens", "end tokens", string.Join(' ', source.Generation.EosTokenIds));
        figures.Add("files", "weight files", source.Tensors.Files.Count);
        figures.Add("tensors", "tensors", source.Tensors.Entries.Count);
        figures.Add(
            "stored_bytes", "stored", source.Tensors.ByteCount,
            Figures.Bytes(source.Tensors.ByteCount));
        var types = source.Tensors.Entries.Select(tensor => tensor.DType.StoredName()).Distinct();
        figures.Add("types", "types of elements", string.Join(' ', types.Order()));
        Int8Text.AddTo(figures, "stored as int8", config.StoredInt8);
        var perToken = ModelSize.KvBytesPerToken(config, KvElementBytes);
        figures.Add(
            "kv_bytes_per_token", "keys and values of a token", perToken,
            Figures.Bytes(perToken));
        figures.Add("ignored_tensors", "ignored tensors", source.UnexpectedTensors.Count);
        figures.Write(given.Get(CommonFlags.Json, false));
        return Task.FromResult(0);
    }
}
