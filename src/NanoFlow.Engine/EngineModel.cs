using NanoFlow.Models;

namespace NanoFlow.Engine;

/// <summary>What is loaded: a model on disk, or the weightless echo model.</summary>
public sealed class EngineModel
{
    // The echo model has no limit of its own.
    private const int EchoPositions = 32 * 1024;

    private EngineModel(ModelSource? source, int vocabSize, int maxPositions)
    {
        Source = source;
        VocabSize = vocabSize;
        MaxPositions = maxPositions;
    }

    /// <summary>Null for the echo model.</summary>
    public ModelSource? Source { get; }

    public int VocabSize { get; }

    public int MaxPositions { get; }

    public static EngineModel From(ModelSource source) =>
        new(source, source.Config.VocabSize, source.Config.MaxPositions);

    /// <summary>The token after t is t + 1, modulo the vocabulary: carries requests through the
    /// whole engine without weights.</summary>
    public static EngineModel Echo(int vocabSize) => new(null, vocabSize, EchoPositions);
}
