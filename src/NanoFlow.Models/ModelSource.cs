// A model as it lies on disk, opened and proven: after Open returns, the configuration is within
// its limits, and every tensor it calls for is in the files with the right shape and type. A model
// is a folder or a GGUF file; who computes with it sees no difference.

namespace NanoFlow.Models;

public abstract class ModelSource
{
    private protected ModelSource(string fullPath, ModelConfig config, TensorIndex tensors)
    {
        FullPath = fullPath;
        Config = config;
        Tensors = tensors;
        UnexpectedTensors = tensors.Check(config);
    }

    public string FullPath { get; }

    /// <summary>What users call the model unless they say otherwise.</summary>
    public abstract string Name { get; }

    public ModelConfig Config { get; }

    public abstract GenerationDefaults Generation { get; }

    public TensorIndex Tensors { get; }

    /// <summary>In the files, but not part of the architecture; they are ignored.</summary>
    public IReadOnlyList<string> UnexpectedTensors { get; }

    /// <exception cref="ModelFormatException">Anything is missing or wrong.</exception>
    public static ModelSource Open(string path) =>
        File.Exists(path) ? GgufModel.Open(path) : ModelFolder.Open(path);
}
