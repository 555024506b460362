// Shapes of models that can be made with random weights: the small ones for tests, the large
// ones to measure speed and memory, which do not depend on what the weights say.

namespace NanoFlow.Models;

/// <param name="InitStd">Standard deviation of the weights.</param>
public sealed record ModelShape(string Name, ModelConfig Config, double InitStd);

public static class ModelShapes
{
    // What training starts from; the logits of such a model are nearly flat.
    private const double UsualStd = 0.02;

    public static IReadOnlyList<ModelShape> All { get; } =
    [
        Wide("tiny-llama", Llama(64, 176, layers: 3, heads: 4, kvHeads: 2)),
        Wide("tiny-llama3-rope", Llama(128, 352, layers: 4, heads: 8, kvHeads: 2) with
        {
            MaxPositions = 2048,
            TiedEmbeddings = true,
            Rope = new RopeConfig(500000)
            {
                Scaling = RopeScalingKind.Llama3,
                Factor = 8,
                LowFreqFactor = 1,
                HighFreqFactor = 4,
                OriginalMaxPositions = 256,
            },
        }),
        Usual("smollm-135m", Llama(576, 1536, layers: 30, heads: 9, kvHeads: 3) with
        {
            VocabSize = 49152,
            MaxPositions = 8192,
            Rope = new RopeConfig(100000),
            TiedEmbeddings = true,
        }),
        Usual("llama-1b", Llama(2048, 8192, layers: 16, heads: 32, kvHeads: 8) with
        {
            VocabSize = 128256,
            MaxPositions = 8192,
            TiedEmbeddings = true,
        }),
        Usual("llama-8b", Llama(4096, 14336, layers: 32, heads: 32, kvHeads: 8) with
        {
            VocabSize = 128256,
            MaxPositions = 8192,
        }),
    ];

    /// <summary>Known names, as an error message lists them.</summary>
    public static string Names => string.Join(", ", All.Select(shape => shape.Name));

    public static ModelShape? Find(string name) => All.FirstOrDefault(s => s.Name == name);

    private static ModelShape Usual(string name, ModelConfig config) =>
        new(name, config, UsualStd);

    // Wider than usual, so that the logits of different tokens differ clearly.
    private static ModelShape Wide(string name, ModelConfig config) =>
        new(name, config, 0.6 / Math.Sqrt(config.HiddenSize));

    private static ModelConfig Llama(
        int hidden, int intermediate, int layers, int heads, int kvHeads) => new()
        {
            Architecture = LlamaArchitecture.Name,
            HiddenSize = hidden,
            IntermediateSize = intermediate,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = hidden / heads,
            VocabSize = 1024,
            MaxPositions = 512,
            RmsNormEps = 1e-6,
            Rope = new RopeConfig(500000),
            StoredDType = TensorDType.BF16,
            BosTokenId = ByteTokenizer.BeginOfText,
            EosTokenIds = [ByteTokenizer.EndOfText, ByteTokenizer.EndOfTurn],
        };
}
