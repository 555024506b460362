// Walks the JSON of a safetensors header and checks each tensor's description by itself: known
// type, bounded shape, and a byte range as long as type and shape say.

using System.Text.Json;

namespace NanoFlow.Models;

/// <summary>Offsets are relative to the start of the data.</summary>
internal readonly record struct ParsedTensor(
    string Name, TensorDType DType, int[] Shape, long Begin, long End);

internal sealed class SafetensorsHeaderParser(string fileName)
{
    // A character takes at most 6 bytes, as \uXXXX.
    private const int TextBytes = 6 * ModelLimits.TensorNameChars;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    internal List<ParsedTensor> Tensors { get; } = [];

    internal void Walk(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text(ref reader, "a tensor's name");
            if (!_names.Add(name))
            {
                throw Error($"'{name}' appears twice");
            }

            reader.Read();
            if (name == "__metadata__")
            {
                SkipMetadata(ref reader);
            }
            else
            {
                AddTensor(ref reader, name);
            }
        }

        // Only white space may follow; anything else makes Read throw.
        reader.Read();
    }

    private void AddTensor(ref Utf8JsonReader reader, string name)
    {
        if (name.Length is 0 or > ModelLimits.TensorNameChars)
        {
            throw Error($"a tensor's name has {name.Length} characters, "
                + $"1 to {ModelLimits.TensorNameChars} are allowed");
        }

        if (Tensors.Count == ModelLimits.Tensors)
        {
            throw Error($"has more than {ModelLimits.Tensors} tensors");
        }

        Tensors.Add(ReadTensor(ref reader, name));
    }

    private ParsedTensor ReadTensor(ref Utf8JsonReader reader, string name)
    {
        TensorDType? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, $"tensor '{name}'", "an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Text(ref reader, $"tensor '{name}': a field's name");
            reader.Read();
            switch (field)
            {
                case "dtype" when dtype is null:
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadList(ref reader, $"tensor '{name}': shape", int.MaxValue);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadList(ref reader, $"tensor '{name}': data_offsets", long.MaxValue);
                    break;
                default:
                    throw Error($"tensor '{name}': field '{field}' is unknown or appears twice");
            }
        }

        if (dtype is null || shape is null || offsets is not [var begin, var end])
        {
            throw Error($"tensor '{name}' needs dtype, shape and data_offsets [begin, end]");
        }

        CheckLength(name, dtype.Value, shape, (begin, end));
        return new(name, dtype.Value, Array.ConvertAll(shape, d => (int)d), begin, end);
    }

    private void CheckLength(
        string name, TensorDType dtype, long[] shape, (long Begin, long End) range)
    {
        if (range.Begin > range.End)
        {
            throw Error($"tensor '{name}': data_offsets begin {range.Begin} after {range.End}");
        }

        var bits = (UInt128)dtype.Bits();
        foreach (var dim in shape)
        {
            // Stays below 2^127: the bound is checked after each factor below 2^31.
            bits *= (UInt128)dim;
            if (bits > (UInt128)long.MaxValue * 8)
            {
                throw Error($"tensor '{name}': shape [{string.Join(", ", shape)}] overflows");
            }
        }

        if (bits % 8 != 0 || bits / 8 != (UInt128)(range.End - range.Begin))
        {
            throw Error($"tensor '{name}': {dtype.StoredName()} [{string.Join(", ", shape)}] "
                + $"needs {bits / 8} bytes, data_offsets give {range.End - range.Begin}");
        }
    }

    private TensorDType ReadDType(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.String, $"tensor '{name}': dtype", "a string");
        var text = Text(ref reader, $"tensor '{name}': dtype");
        return TensorDTypes.TryParse(text, out var dtype)
            ? dtype
            : throw Error($"tensor '{name}' has unknown dtype '{text}', "
                + $"supported: {TensorDTypes.SupportedNames}");
    }

    private long[] ReadList(ref Utf8JsonReader reader, string what, long max)
    {
        Expect(ref reader, JsonTokenType.StartArray, what, "a list");
        Span<long> items = stackalloc long[ModelLimits.Rank];
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == items.Length)
            {
                throw Error($"{what} has more than {ModelLimits.Rank} items");
            }

            var ok = reader.TokenType == JsonTokenType.Number
                && reader.TryGetInt64(out items[count]) && items[count] >= 0 && items[count] <= max;
            if (!ok)
            {
                throw Error($"{what}[{count}] is not an integer from 0 to {max}");
            }

            count++;
        }

        return items[..count].ToArray();
    }

    private void SkipMetadata(ref Utf8JsonReader reader)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        Expect(ref reader, JsonTokenType.StartObject, "__metadata__", "an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text(ref reader, "__metadata__: a key");
            if (!keys.Add(key))
            {
                throw Error($"__metadata__: '{key}' appears twice");
            }

            if (keys.Count > ModelLimits.MetadataKeys)
            {
                throw Error($"__metadata__ has more than {ModelLimits.MetadataKeys} keys");
            }

            reader.Read();
            Expect(ref reader, JsonTokenType.String, $"__metadata__: '{key}'", "a string");
        }
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what, string wanted)
    {
        if (reader.TokenType != type)
        {
            throw Error($"{what} is not {wanted}");
        }
    }

    private string Text(ref Utf8JsonReader reader, string what)
    {
        if (reader.ValueSpan.Length > TextBytes)
        {
            throw Error($"{what} has {reader.ValueSpan.Length} bytes, {TextBytes} are the limit");
        }

        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new ModelFormatException(fileName, $"{what} is not valid Unicode", e);
        }
    }

    private ModelFormatException Error(string detail) => new(fileName, detail);
}
