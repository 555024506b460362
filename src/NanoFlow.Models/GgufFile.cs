// The header of a GGUF file, read and proven: its metadata, and where each tensor lies.
//
// Layout: magic, version, number of tensors, number of keys; the keys with typed values; of each
// tensor name, dimensions (the contiguous one first), type and offset; zeros up to the alignment;
// the data, in which every tensor begins at a multiple of the alignment. Only the header is read.

namespace NanoFlow.Models;

public sealed class GgufFile
{
    private const uint Magic = 0x46554747;
    private const uint BigEndianVersions = 0x00FFFFFF;
    private const string AlignmentKey = "general.alignment";
    private const int DefaultAlignment = 32;

    // Length of an empty name, number of dimensions, one dimension, type, offset.
    private const int LeastTensorBytes = 8 + 4 + 8 + 4 + 8;

    // Length of a key of one character, the character, type, the smallest value.
    private const int LeastKeyBytes = 8 + 1 + 4 + 1;

    private GgufFile(string name, GgufReader reader)
    {
        Name = name;
        var tensorCount = ReadCounts(reader, out var keyCount);
        Values = ReadMetadata(reader, keyCount);
        Fields = new GgufFields(name, Values);
        var alignment = ReadAlignment();
        reader.Place = "header";
        var tensors = ReadTensors(reader, tensorCount);
        Tensors = GgufLayout.Place(tensors, reader, alignment);
    }

    /// <summary>Of the file, without its folder.</summary>
    public string Name { get; }

    /// <summary>
    /// By key: long (ulong above its range), double, bool, string, or a list of string or double.
    /// </summary>
    public IReadOnlyDictionary<string, object> Values { get; }

    internal GgufFields Fields { get; }

    /// <summary>Under the file's own names, in the order of their offsets.</summary>
    internal IReadOnlyList<TensorEntry> Tensors { get; }

    /// <exception cref="ModelFormatException">It cannot be read or is not well formed.</exception>
    public static GgufFile Open(string path)
    {
        using var stream = BoundedFile.Open(
            Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(path));
        return Read(stream, Path.GetFileName(path));
    }

    public static GgufFile Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new GgufFile(name, new GgufReader(stream, name));
    }

    private static int ReadCounts(GgufReader reader, out int keyCount)
    {
        if (reader.U32() is var magic and not Magic)
        {
            throw reader.Error(
                $"begins with 0x{magic:X8}, a GGUF file begins with 0x{Magic:X8} (\"GGUF\")");
        }

        var version = reader.U32();
        if (version is not (2 or 3))
        {
            throw reader.Error(
                version is not 0 && (version & BigEndianVersions) == 0
                    ? "is a big-endian GGUF file, only little-endian ones are supported"
                    : $"has version {version} of GGUF, supported: 2, 3");
        }

        var tensors = reader.Count(
            "the number of tensors", ModelLimits.GgufTensors, LeastTensorBytes);
        keyCount = reader.Count("the number of keys", ModelLimits.MetadataKeys, LeastKeyBytes);
        return tensors;
    }

    private Dictionary<string, object> ReadMetadata(GgufReader reader, int count)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            reader.Place = $"key {i}";
            var key = reader.Text(ModelLimits.GgufKeyBytes);
            if (key.Length == 0)
            {
                throw reader.Error("is empty");
            }

            reader.Place = key;
            if (!values.TryAdd(key, GgufValues.Read(reader, Name, key)))
            {
                throw reader.Error("appears twice");
            }
        }

        return values;
    }

    private int ReadAlignment()
    {
        var range = ModelLimits.GgufAlignment;
        var alignment = Fields.OptionalInt(AlignmentKey, range) ?? DefaultAlignment;
        return int.IsPow2(alignment)
            ? alignment
            : throw Fields.Error(AlignmentKey, $"is {alignment}, a power of two is wanted");
    }

    private static List<GgufTensor> ReadTensors(GgufReader reader, int count)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<GgufTensor>();
        for (var i = 0; i < count; i++)
        {
            reader.Place = $"tensor {i}";
            var name = reader.Text(ModelLimits.TensorNameChars);
            reader.Place = $"tensor '{name}'";
            if (name.Length == 0 || !names.Add(name))
            {
                throw reader.Error(name.Length == 0 ? "has no name" : "appears twice");
            }

            tensors.Add(GgufLayout.ReadTensor(reader, name));
        }

        return tensors;
    }
}
