// A model in one GGUF file: its metadata becomes a configuration, its tensors take the names that
// the engine asks for. The tokenizer is in the metadata, too; it is read elsewhere.

namespace NanoFlow.Models;

public sealed class GgufModel : ModelSource
{
    private GgufModel(string path, GgufFile file, ModelConfig config)
        : base(path, config, Index(path, file, config))
    {
        File = file;
        Generation = new GenerationDefaults { EosTokenIds = config.EosTokenIds };
    }

    public GgufFile File { get; }

    public override string Name => Path.GetFileNameWithoutExtension(FullPath);

    public override GenerationDefaults Generation { get; }

    /// <exception cref="ModelFormatException">Anything is missing or wrong.</exception>
    public static new GgufModel Open(string path)
    {
        var full = Path.GetFullPath(path);
        var name = Path.GetFileName(full);
        using var stream = BoundedFile.Open(Path.GetDirectoryName(full)!, name);
        var file = GgufFile.Read(stream, name);
        return new GgufModel(full, file, GgufConfig.Read(file, stream));
    }

    private static TensorIndex Index(string path, GgufFile file, ModelConfig config)
    {
        var pairs = Architectures.Find(config.Architecture)!.Gguf!.PairsRows;
        return new TensorIndex(
            path,
            file.Tensors.Where(entry => entry.Name != GgufNames.RopeFactors).Select(entry =>
                entry with
                {
                    Name = GgufNames.ToEngine(entry.Name),
                    PairedRows = pairs && GgufNames.IsRotated(entry.Name) ? config.HeadDim : 0,
                }));
    }
}
