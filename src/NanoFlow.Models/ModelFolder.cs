// A model as it lies on disk, opened and proven: after Open returns, the configuration is within
// its limits, and every tensor it calls for is in the files with the right shape and type.

namespace NanoFlow.Models;

public sealed class ModelFolder
{
    private ModelFolder(string path)
    {
        FullPath = path;
        Config = ModelConfig.Read(path);
        Generation = GenerationDefaults.Read(path, Config);
        Tensors = TensorIndex.Open(path);
        UnexpectedTensors = Tensors.Check(Config);
    }

    public string FullPath { get; }

    public ModelConfig Config { get; }

    public GenerationDefaults Generation { get; }

    public TensorIndex Tensors { get; }

    /// <summary>In the files, but not part of the architecture; they are ignored.</summary>
    public IReadOnlyList<string> UnexpectedTensors { get; }

    /// <exception cref="ModelFormatException">Anything is missing or wrong.</exception>
    public static ModelFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        return Directory.Exists(full)
            ? new ModelFolder(full)
            : throw new ModelFormatException(full, "no such folder");
    }
}
