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
        using var stream = BoundedFile.Open(
            Path.GetDirectoryName(full)!, Path.GetFileName(full));
        return Read(stream, full);
    }

    /// <param name="stream">The content of the file.</param>
    /// <param name="path">From where its weights are loaded later.</param>
    public static GgufModel Read(Stream stream, string path)
    {
        var file = GgufFile.Read(stream, Path.GetFileName(path));
        return new GgufModel(path, file, GgufConfig.Read(file, stream));
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
