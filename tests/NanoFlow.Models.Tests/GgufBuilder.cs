// Writes GGUF files byte by byte, right ones and, since every number can be given, wrong ones. It
// remembers where the numbers of the header stand, so that mutations can aim at them.

using System.Buffers.Binary;
using System.Text;

namespace NanoFlow.Models.Tests;

/// <param name="Dims">The contiguous one first, as the format has them.</param>
/// <param name="Offset">Null: where it belongs.</param>
public sealed record GgufBuilderTensor(
    string Name, uint Type, ulong[] Dims, byte[] Data, ulong? Offset = null);

public sealed class GgufBuilder
{
    private readonly List<Action> _keys = [];
    private readonly List<byte> _out = [];

    public uint Magic { get; init; } = 0x46554747;

    public uint Version { get; init; } = 3;

    public ulong? TensorCount { get; init; }

    public ulong? KeyCount { get; init; }

    public int Alignment { get; init; } = 32;

    public List<GgufBuilderTensor> Tensors { get; } = [];

    /// <summary>Place and width of every number of the header, after ToArray.</summary>
    public List<(int Place, int Width)> Numbers { get; } = [];

    public GgufBuilder Key(string key, object value)
    {
        _keys.Add(() =>
        {
            Text(key);
            Value(value);
        });
        return this;
    }

    /// <summary>A key whose value type and bytes are as given.</summary>
    public GgufBuilder RawKey(string key, uint type, params ulong[] words)
    {
        _keys.Add(() =>
        {
            Text(key);
            U32(type);
            foreach (var word in words)
            {
                U64(word);
            }
        });
        return this;
    }

    public GgufBuilder Tensor(string name, uint type, ulong[] dims, byte[] data)
    {
        Tensors.Add(new(name, type, dims, data));
        return this;
    }

    public byte[] ToArray()
    {
        _out.Clear();
        Numbers.Clear();
        U32(Magic);
        U32(Version);
        U64(TensorCount ?? (ulong)Tensors.Count);
        U64(KeyCount ?? (ulong)_keys.Count);
        _keys.ForEach(write => write());
        var offset = 0UL;
        foreach (var tensor in Tensors)
        {
            Text(tensor.Name);
            U32((uint)tensor.Dims.Length);
            Array.ForEach(tensor.Dims, U64);
            U32(tensor.Type);
            U64(tensor.Offset ?? offset);
            offset = Aligned(offset + (ulong)tensor.Data.Length);
        }

        foreach (var tensor in Tensors)
        {
            Pad();
            _out.AddRange(tensor.Data);
        }

        Pad();
        return [.. _out];
    }

    private ulong Aligned(ulong offset) =>
        (offset + (ulong)Alignment - 1) / (ulong)Alignment * (ulong)Alignment;

    private void Pad()
    {
        while (_out.Count % Alignment != 0)
        {
            _out.Add(0);
        }
    }

    private void Value(object value)
    {
        switch (value)
        {
            case byte number:
                U32(0);
                _out.Add(number);
                break;
            case uint number:
                U32(4);
                U32(number);
                break;
            case int number:
                U32(5);
                U32((uint)number);
                break;
            case float number:
                U32(6);
                U32(BitConverter.SingleToUInt32Bits(number));
                break;
            case bool flag:
                U32(7);
                _out.Add(flag ? (byte)1 : (byte)0);
                break;
            case string text:
                U32(8);
                Text(text);
                break;
            case string[] list:
                Head(8, list.Length);
                Array.ForEach(list, Text);
                break;
            case float[] list:
                Head(6, list.Length);
                Array.ForEach(list, item => U32(BitConverter.SingleToUInt32Bits(item)));
                break;
            case int[] list:
                Head(5, list.Length);
                Array.ForEach(list, item => U32((uint)item));
                break;
            case ulong number:
                U32(10);
                U64(number);
                break;
            case double number:
                U32(12);
                U64(BitConverter.DoubleToUInt64Bits(number));
                break;
            default:
                throw new ArgumentException($"{value.GetType()} is not written");
        }
    }

    private void Head(uint type, int count)
    {
        U32(9);
        U32(type);
        U64((ulong)count);
    }

    private void Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        U64((ulong)utf8.Length);
        _out.AddRange(utf8);
    }

    private void U32(uint value)
    {
        Numbers.Add((_out.Count, sizeof(uint)));
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _out.AddRange(bytes);
    }

    private void U64(ulong value)
    {
        Numbers.Add((_out.Count, sizeof(ulong)));
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _out.AddRange(bytes);
    }
}
