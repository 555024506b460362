// Makes a complete model folder with random weights of a known shape: everything a server needs
// to start, without a download. Norm weights are 1, everything else is normal noise.
//
// config.json is written last, so a folder whose making was interrupted cannot be opened.

namespace NanoFlow.Models;

public sealed record RandomModelSummary(long Parameters, long Bytes);

public static class RandomModel
{
    /// <param name="progress">Bytes written and bytes in all, of the weights file.</param>
    /// <exception cref="IOException">The folder is not empty, or cannot be written.</exception>
    public static RandomModelSummary Create(
        ModelShape shape, string folder, ulong seed, Action<long, long>? progress = null)
    {
        var config = shape.Config;
        ArgumentOutOfRangeException.ThrowIfLessThan(config.VocabSize, ByteTokenizer.MinVocab);
        var path = Path.GetFullPath(folder);
        Directory.CreateDirectory(path);
        if (Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new IOException($"{path} is not empty; a new model needs an empty folder");
        }

        var tensors = Architectures.ExpectedTensors(config).Where(t => !t.Optional).ToArray();
        ByteTokenizer.Write(path, config);
        SafetensorsWriter.Write(
            Path.Combine(path, TensorIndex.SingleFile), tensors, Source(shape, seed), progress);
        ConfigWriter.WriteGeneration(path, config);
        ConfigWriter.WriteConfig(path, config);
        var bytes = new DirectoryInfo(path).EnumerateFiles().Sum(file => file.Length);
        return new RandomModelSummary(ModelSize.Parameters(config), bytes);
    }

    private static TensorSource Source(ModelShape shape, ulong seed) => (name, first, values) =>
    {
        if (name.EndsWith("norm.weight", StringComparison.Ordinal))
        {
            values.Fill(1);
            return;
        }

        var noise = new RandomNormal(seed, name, shape.InitStd);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = noise.At(first + i);
        }
    };
}
