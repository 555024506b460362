// Where every tensor of a model lies: file, byte offset, length, type and shape.
//
// The weights of a folder are model.safetensors, or the shards that model.safetensors.index.json
// names; those of a GGUF file are listed by its own reader.
// Only headers are read; whoever needs the data maps the files.

namespace NanoFlow.Models;

public sealed class TensorIndex
{
    internal const string SingleFile = "model.safetensors";
    internal const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, TensorEntry> _byName = new(StringComparer.Ordinal);
    private readonly List<TensorEntry> _entries = [];

    private TensorIndex(string folder, IReadOnlyList<string> names)
    {
        Files = names.Select(name => Path.Combine(folder, name)).ToArray();
        for (var i = 0; i < names.Count; i++)
        {
            using var stream = BoundedFile.Open(folder, names[i]);
            Add(names[i], SafetensorsHeader.Read(stream, names[i], i));
        }
    }

    /// <summary>The tensors of one file.</summary>
    internal TensorIndex(string path, IEnumerable<TensorEntry> entries)
    {
        Files = [path];
        Add(Path.GetFileName(path), entries);
    }

    /// <summary>Full paths, in the order that TensorEntry.FileIndex counts.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>All tensors, file after file, in the order of their offsets.</summary>
    public IReadOnlyList<TensorEntry> Entries => _entries;

    public long ByteCount => _entries.Sum(entry => entry.ByteCount);

    public static TensorIndex Open(string folder)
    {
        var full = Path.GetFullPath(folder);
        if (BoundedFile.Exists(full, SingleFile))
        {
            return new TensorIndex(full, [SingleFile]);
        }

        if (!BoundedFile.Exists(full, IndexFile))
        {
            throw new ModelFormatException(
                SingleFile, $"neither it nor {IndexFile} was found in {full}");
        }

        var map = ShardMap.Read(full, IndexFile);
        var index = new TensorIndex(full, map.Shards);
        map.CheckAgainst(index);
        return index;
    }

    public TensorEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>What the rows of an int8 matrix are multiplied with; null for other tensors.
    /// </summary>
    public TensorEntry? ScalesOf(TensorEntry matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return matrix.DType == TensorDType.I8 ? Find(Int8Tensors.ScalesOf(matrix.Name)) : null;
    }

    /// <summary>
    /// Proves that the tensors a model of this configuration needs are here, in the right shape
    /// and a type that can be loaded. Returns the names of tensors that it does not use.
    /// </summary>
    public IReadOnlyList<string> Check(ModelConfig config)
    {
        var expected = Architectures.ExpectedTensors(config);
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in expected)
        {
            known.Add(tensor.Name);
            if (!config.StoredInt8.Hold(tensor))
            {
                CheckTensor(tensor, isInt8: false);
                continue;
            }

            var scales = Int8Tensors.ScalesOf(tensor);
            known.Add(scales.Name);
            CheckTensor(tensor, isInt8: true);
            CheckTensor(scales, isInt8: false);
        }

        return _entries.Select(e => e.Name).Where(name => !known.Contains(name) && !IsRotary(name))
            .ToArray();
    }

    // Old checkpoints store the rotation frequencies, which follow from the configuration.
    private static bool IsRotary(string name) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    private void CheckTensor(ExpectedTensor wanted, bool isInt8)
    {
        var found = Find(wanted.Name);
        if (found is null)
        {
            if (!wanted.Optional)
            {
                throw new ModelFormatException(FileNames(), $"tensor '{wanted.Name}' is missing");
            }

            return;
        }

        var file = Path.GetFileName(Files[found.FileIndex]);
        if (!found.Shape.AsSpan().SequenceEqual(wanted.Shape))
        {
            throw new ModelFormatException(
                file,
                $"tensor '{found.Name}' has shape [{string.Join(", ", found.Shape)}], "
                + $"the configuration asks for [{string.Join(", ", wanted.Shape)}]");
        }

        // Blocks are for matrices; the vectors beside them are added and multiplied as they are.
        var isBlocks = found.DType.IsBlockFormat() && wanted.Shape.Length == 2;
        if (isInt8 ? found.DType != TensorDType.I8 : !(found.DType.IsFloat() || isBlocks))
        {
            throw new ModelFormatException(
                file,
                $"tensor '{found.Name}' has dtype {found.DType.StoredName()}, "
                + (isInt8
                    ? $"{CompressedTensorsConfig.Field} asks for {TensorDType.I8.StoredName()}"
                    : $"supported: {TensorDTypes.SupportedNames}"));
        }
    }

    private string FileNames() =>
        Files.Count == 1 ? Path.GetFileName(Files[0]) : $"{IndexFile} ({Files.Count} shards)";

    private void Add(string file, IEnumerable<TensorEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (!_byName.TryAdd(entry.Name, entry))
            {
                var other = Path.GetFileName(Files[_byName[entry.Name].FileIndex]);
                throw new ModelFormatException(
                    file, $"tensor '{entry.Name}' is also in {other}");
            }

            _entries.Add(entry);
        }

        if (_entries.Count > ModelLimits.Tensors)
        {
            throw new ModelFormatException(
                file, $"brings the model above {ModelLimits.Tensors} tensors");
        }
    }
}
