// Makes a folder with int8 weights from one with bf16 weights, in the form of compressed-tensors:
// each row of a matrix has a scale, its largest element / 127, and every element is multiplied with
// 1 / scale and rounded to the nearest integer, ties to even, as the engine does it.

using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace NanoFlow.Models.Tests;

internal static class Int8Folder
{
    private const string Section =
        """
        {
          "quant_method": "compressed-tensors", "format": "int-quantized",
          "config_groups": {"group_0": {
            "targets": ["Linear"],
            "weights": {
              "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel",
              "dynamic": false
            },
            "input_activations": {
              "num_bits": 8, "type": "int", "symmetric": true, "strategy": "token",
              "dynamic": true
            }
          }}
        }
        """;

    /// <param name="parts">What becomes int8; the layers always do.</param>
    public static void Write(string source, string target, Int8Parts parts)
    {
        Directory.CreateDirectory(target);
        foreach (var path in Directory.EnumerateFiles(source))
        {
            File.Copy(path, Path.Combine(target, Path.GetFileName(path)));
        }

        var isHead = parts.HasFlag(Int8Parts.Head);
        var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, "config.json")))!;
        var section = JsonNode.Parse(Section)!;
        section["ignore"] = isHead ? new JsonArray() : new JsonArray("lm_head");
        config["quantization_config"] = section;
        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
        WriteTensors(TensorIndex.Open(source), Path.Combine(target, "model.safetensors"), isHead);
    }

    private static void WriteTensors(TensorIndex tensors, string path, bool isHead)
    {
        var file = File.ReadAllBytes(tensors.Files[0]);
        var header = new JsonObject();
        using var data = new MemoryStream();
        foreach (var tensor in tensors.Entries)
        {
            var bytes = file.AsSpan((int)tensor.Offset, (int)tensor.ByteCount);
            var isInt8 = tensor.Name.EndsWith("_proj.weight", StringComparison.Ordinal)
                || (isHead && tensor.Name == "lm_head.weight");
            if (!isInt8)
            {
                Add(tensor.Name, "BF16", tensor.Shape, bytes);
                continue;
            }

            var (elements, scales) = Round(bytes, tensor.Shape[0], tensor.Shape[1]);
            Add(tensor.Name, "I8", tensor.Shape, elements);
            Add(tensor.Name + "_scale", "F32", [tensor.Shape[0], 1], scales);
        }

        var json = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        var length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        File.WriteAllBytes(path, [.. length, .. json, .. data.ToArray()]);

        void Add(string name, string dtype, int[] shape, ReadOnlySpan<byte> bytes)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = dtype,
                ["shape"] = new JsonArray([.. shape.Select(dim => (JsonNode)dim)]),
                ["data_offsets"] = new JsonArray(data.Length, data.Length + bytes.Length),
            };
            data.Write(bytes);
        }
    }

    // No row is all zeros.
    private static (byte[] Elements, byte[] Scales) Round(
        ReadOnlySpan<byte> bf16, int rows, int columns)
    {
        var elements = new byte[rows * columns];
        var scales = new byte[rows * sizeof(float)];
        var row = new float[columns];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
            {
                row[c] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(
                    bf16[(2 * (r * columns + c))..]) << 16);
            }

            var scale = row.Max(MathF.Abs) / 127;
            BinaryPrimitives.WriteSingleLittleEndian(scales.AsSpan(r * sizeof(float)), scale);
            var inverse = 1 / scale;
            for (var c = 0; c < columns; c++)
            {
                var rounded = MathF.Round(row[c] * inverse, MidpointRounding.ToEven);
                elements[(r * columns) + c] = (byte)(sbyte)Math.Clamp(rounded, -127, 127);
            }
        }

        return (elements, scales);
    }
}
