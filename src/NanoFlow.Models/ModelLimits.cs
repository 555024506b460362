// Every number that a model folder may bring in has a named range here, with the reason for it.
// Ranges are generous to models and small against memory: no allocation follows from a count
// before it was compared with its limit.

using System.Globalization;

namespace NanoFlow.Models;

internal readonly record struct IntRange(int Min, int Max)
{
    internal string Wanted => $"an integer from {Min} to {Max} is wanted";
}

internal readonly record struct RealRange(double Min, double Max)
{
    internal string Wanted => string.Create(
        CultureInfo.InvariantCulture, $"a number from {Min} to {Max} is wanted");
}

internal static class ModelLimits
{
    // The deepest public dense model has 126 layers (Llama 3.1 405B).
    internal static readonly IntRange Layers = new(1, 1024);

    // Llama 3.1 405B has 16384.
    internal static readonly IntRange Hidden = new(1, 65536);

    // Four times the largest hidden size, the usual ratio's upper end.
    internal static readonly IntRange Intermediate = new(1, 262144);

    // Llama 3.1 405B has 128.
    internal static readonly IntRange Heads = new(1, 1024);

    // Attention kernels keep one head's row in registers; 256 is Gemma's, the largest in use.
    internal static readonly IntRange HeadDim = new(2, 256);

    // DeepSeek-V3 has 256. A GEMM over experts counts the rows of each in a table of this size.
    internal static readonly IntRange Experts = new(1, 512);

    // Published models have 2 to 10; activations are that many times as wide.
    internal static readonly IntRange ExpertsPerToken = new(1, 32);

    // Largest public vocabulary is about 2^18.
    internal static readonly IntRange Vocab = new(1, 1 << 22);

    // Longest advertised context is 10 million.
    internal static readonly IntRange Positions = new(1, 1 << 24);

    // Tokens that a layer looks back; a window as long as the longest context hides nothing.
    internal static readonly IntRange Window = new(1, 1 << 24);

    // Published values are 30 and 50. Far below 1 every score would be the same, far above the
    // upper end none would change.
    internal static readonly RealRange Softcap = new(0.1, 10000);

    // Queries are divided by its root. Published values are about the size of a head: 144 to 256.
    internal static readonly RealRange QueryScalar = new(1, 65536);

    // Below the lower end fp32 sums of squares lose it; above the upper end it is no epsilon.
    internal static readonly RealRange NormEps = new(1e-12, 0.1);

    // Published values run from 1e4 to 1e7.
    internal static readonly RealRange RopeTheta = new(1, 1e9);

    // Linear and llama3 scaling stretch the context, by at most the whole position range.
    internal static readonly RealRange RopeFactor = new(1, 1 << 20);

    // Ratios of context length to wavelength; published values are 1 and 4.
    internal static readonly RealRange RopeFreqFactor = new(1e-3, 1 << 20);

    // Published factors of single frequencies run from 1 to 65. Positive, and no more than a
    // context can be stretched.
    internal static readonly RealRange RopeStretch = new(1e-3, 1 << 20);

    // Published values are about 1.2. Scores grow with its square.
    internal static readonly RealRange RopeAttentionFactor = new(0.01, 100);

    internal static readonly RealRange Temperature = new(0, 100);

    internal static readonly RealRange TopP = new(0, 1);

    // 0 and -1 both mean "off"; more than the vocabulary changes nothing.
    internal static readonly IntRange TopK = new(-1, 1 << 22);

    // 1 is "off"; logits are divided by it, so it must stay away from 0.
    internal static readonly RealRange RepetitionPenalty = new(0.01, 100);

    // Published lists have at most a dozen.
    internal const int EosTokens = 64;

    // config.json is a few KB; 16 MB is far above any and still parsed in no time.
    internal const long ConfigBytes = 16L << 20;

    // 200,000 rows of "tensor name": "shard name" at about 150 bytes.
    internal const long IndexBytes = 32L << 20;

    // The safetensors format's own limit on the header.
    internal const long HeaderBytes = 100_000_000;

    // Mixtral-like models with one tensor per expert reach about 50,000.
    internal const int Tensors = 200_000;

    // Longest published names are below 100 characters.
    internal const int TensorNameChars = 512;

    // A GGUF file has one tensor for all experts; the largest have about 2,000.
    internal const int GgufTensors = 16_384;

    // A string of metadata or a token of a vocabulary; chat templates are the longest in use.
    internal const int GgufTextBytes = 1 << 20;

    // The format's own limit.
    internal const int GgufKeyBytes = 65_535;

    // The merges of 300,000 tokens take about 10 MB.
    internal const int GgufArrayBytes = 1 << 28;

    // The format asks for a multiple of 8; 32 is in use.
    internal static readonly IntRange GgufAlignment = new(8, 1 << 16);

    // Training tools leave a few hundred notes in __metadata__.
    internal const int MetadataKeys = 10_000;

    // Weights have rank 1 or 2, convolutions up to 5.
    internal const int Rank = 8;

    // The largest public checkpoints come in about 200 shards.
    internal const int Shards = 4096;

    // The common limit of file systems.
    internal const int FileNameChars = 255;

    // config.json nests two or three levels.
    internal const int JsonDepth = 32;
}
