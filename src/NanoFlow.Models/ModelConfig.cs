// What a model is: sizes, position encoding and special tokens, as config.json states them.
//
// Immutable, and checked when read: code that holds a ModelConfig may rely on
// HeadCount % KvHeadCount == 0, an even HeadDim, and every size within its limit.
// An architecture that needs a further fact adds a property here and reads it in its own file.

namespace NanoFlow.Models;

public sealed record ModelConfig
{
    internal const string FileName = "config.json";

    /// <summary>A row of <see cref="Architectures"/>, such as LlamaForCausalLM.</summary>
    public required string Architecture { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int LayerCount { get; init; }

    public required int HeadCount { get; init; }

    public required int KvHeadCount { get; init; }

    public required int HeadDim { get; init; }

    public required int VocabSize { get; init; }

    /// <summary>Longest sequence the model was trained for, in tokens.</summary>
    public required int MaxPositions { get; init; }

    public required double RmsNormEps { get; init; }

    public required RopeConfig Rope { get; init; }

    /// <summary>The output projection is the embedding matrix.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>
    /// The q, k, v and o projections have bias vectors, where the architecture leaves it open.
    /// </summary>
    public bool AttentionBias { get; init; }

    /// <summary>The gate, up and down projections have bias vectors.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Null: the feed-forward is dense.</summary>
    public ExpertsConfig? Experts { get; init; }

    /// <summary>
    /// By layer, how many tokens a position attends, itself included; 0: all. Empty: all in
    /// every layer.
    /// </summary>
    public IReadOnlyList<int> LayerWindows { get; init; } = [];

    /// <summary>Scores of attention become cap * tanh(score / cap); 0: they stay.</summary>
    public double AttentionSoftcap { get; init; }

    /// <summary>The same for logits.</summary>
    public double LogitSoftcap { get; init; }

    /// <summary>Of queries before attention; 0: 1 / sqrt(HeadDim).</summary>
    public double QueryScale { get; init; }

    /// <summary>Of the rows of the embedding matrix; 0: 1.</summary>
    public double EmbeddingScale { get; init; }

    /// <summary>What config.json claims; each tensor states its own and that one counts.</summary>
    public TensorDType? StoredDType { get; init; }

    /// <summary>What is stored as int8.</summary>
    public Int8Parts StoredInt8 { get; init; }

    public int? BosTokenId { get; init; }

    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    internal static ModelConfig Read(string folder)
    {
        var json = BoundedFile.ReadAll(folder, FileName, ModelLimits.ConfigBytes);
        return Parse(json);
    }

    /// <summary>Reads the text of a config.json.</summary>
    public static ModelConfig Parse(byte[] utf8)
    {
        var section = JsonSection.Parse(FileName, utf8);
        var name = section.TextList("architectures", maxCount: 1).FirstOrDefault("");
        var config = Architectures.Find(name) is { } architecture
            ? architecture.ReadConfig(section)
            : throw section.Error(
                "architectures", $"names '{name}', supported: {Architectures.Names}");
        return config is { Experts: not null, StoredInt8: not Int8Parts.None }
            ? throw section.Error(
                CompressedTensorsConfig.Field,
                $"is present, supported for models with experts: {TensorDTypes.SupportedNames}")
            : config;
    }
}
