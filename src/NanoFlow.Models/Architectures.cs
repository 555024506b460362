// The table of model architectures that can be read: one row each, one file each.
//
// A row says how config.json becomes a ModelConfig, which tensors such a model has, and how GGUF
// files spell it.

namespace NanoFlow.Models;

/// <summary>A tensor that a model of some configuration has.</summary>
/// <param name="Optional">May be absent, and is not read when present.</param>
public sealed record ExpectedTensor(string Name, int[] Shape, bool Optional = false);

/// <param name="Name">What general.architecture says.</param>
/// <param name="PairsRows">Heads of q and k are stored for rotation in neighbouring pairs.</param>
internal sealed record GgufForm(string Name, bool PairsRows);

internal sealed record Architecture(
    string Name,
    Func<JsonSection, ModelConfig> ReadConfig,
    Func<ModelConfig, IEnumerable<ExpectedTensor>> Tensors)
{
    /// <summary>Null: not read from GGUF files.</summary>
    public GgufForm? Gguf { get; init; }
}

public static class Architectures
{
    private static readonly Architecture[] Table =
    [
        new(LlamaArchitecture.Name, LlamaArchitecture.ReadConfig, LlamaArchitecture.Tensors)
        {
            // Mistral, too.
            Gguf = new("llama", PairsRows: true),
        },
        new(Gemma2Architecture.Name, Gemma2Architecture.ReadConfig, Gemma2Architecture.Tensors),
        new(MistralArchitecture.Name, MistralArchitecture.ReadConfig, MistralArchitecture.Tensors),
        new(MixtralArchitecture.Name, MixtralArchitecture.ReadConfig, MixtralArchitecture.Tensors),
        new(Phi3Architecture.Name, Phi3Architecture.ReadConfig, Phi3Architecture.Tensors),
        new(Qwen2Architecture.Name, Qwen2Architecture.ReadConfig, Qwen2Architecture.Tensors)
        {
            Gguf = new("qwen2", PairsRows: false),
        },
        new(Qwen3Architecture.Name, Qwen3Architecture.ReadConfig, Qwen3Architecture.Tensors)
        {
            Gguf = new("qwen3", PairsRows: false),
        },
        new(
            Qwen3MoeArchitecture.Name,
            Qwen3MoeArchitecture.ReadConfig,
            Qwen3MoeArchitecture.Tensors),
    ];

    /// <summary>Supported names, as an error message lists them.</summary>
    public static string Names => string.Join(", ", Table.Select(row => row.Name));

    /// <summary>The architectures that are read from GGUF files, by the names they have there.
    /// </summary>
    public static string GgufNames => string.Join(
        ", ", Table.Where(row => row.Gguf is not null).Select(row => row.Gguf!.Name));

    /// <summary>Names and shapes of the tensors of a model, in the order of the layers.</summary>
    public static IReadOnlyList<ExpectedTensor> ExpectedTensors(ModelConfig config)
    {
        var row = Find(config.Architecture) ?? throw new ArgumentException(
            $"architecture '{config.Architecture}' is not one of {Names}", nameof(config));
        return row.Tensors(config).ToArray();
    }

    internal static Architecture? Find(string name) =>
        Array.Find(Table, row => row.Name == name);

    internal static Architecture? FindGguf(string name) =>
        Array.Find(Table, row => row.Gguf?.Name == name);
}
