// A model as a folder: config.json, safetensors files, and what stands beside them.

namespace NanoFlow.Models;

public sealed class ModelFolder : ModelSource
{
    private ModelFolder(string path)
        : base(path, ModelConfig.Read(path), TensorIndex.Open(path)) =>
        Generation = GenerationDefaults.Read(path, Config);

    public override string Name => new DirectoryInfo(FullPath).Name;

    public override GenerationDefaults Generation { get; }

    /// <exception cref="ModelFormatException">Anything is missing or wrong.</exception>
    public static new ModelFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        return Directory.Exists(full)
            ? new ModelFolder(full)
            : throw new ModelFormatException(full, "no such folder or file");
    }
}
