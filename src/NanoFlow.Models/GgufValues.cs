// Reads one value of GGUF metadata. Numbers become long, ulong (only those above long) or double,
// the others bool, string, and lists that decode their items when asked.

namespace NanoFlow.Models;

internal static class GgufValues
{
    internal static object Read(GgufReader reader, string file, string key)
    {
        var type = ReadType(reader);
        return type == GgufType.Array ? ReadArray(reader, file, key) : ReadOne(reader, type);
    }

    private static GgufType ReadType(GgufReader reader)
    {
        var type = reader.U32();
        return type <= (uint)GgufType.F64
            ? (GgufType)type
            : throw reader.Error($"has value type {type}, 0 to {(uint)GgufType.F64} are known");
    }

    private static object ReadOne(GgufReader reader, GgufType type)
    {
        switch (type)
        {
            case GgufType.U8:
                return (long)reader.U8();
            case GgufType.I8:
                return (long)(sbyte)reader.U8();
            case GgufType.U16:
                return (long)reader.U16();
            case GgufType.I16:
                return (long)(short)reader.U16();
            case GgufType.U32:
                return (long)reader.U32();
            case GgufType.I32:
                return (long)(int)reader.U32();
            case GgufType.I64:
                return (long)reader.U64();
            case GgufType.U64:
                var value = reader.U64();
                return value <= long.MaxValue ? (long)value : value;
            case GgufType.F32:
                return (double)BitConverter.UInt32BitsToSingle(reader.U32());
            case GgufType.F64:
                return BitConverter.UInt64BitsToDouble(reader.U64());
            case GgufType.Bool:
                var flag = reader.U8();
                return flag <= 1
                    ? flag == 1
                    : throw reader.Error($"has truth value {flag}, 0 or 1 is wanted");
            default:
                return reader.Text(ModelLimits.GgufTextBytes);
        }
    }

    private static object ReadArray(GgufReader reader, string file, string key)
    {
        var type = ReadType(reader);
        if (type == GgufType.Array)
        {
            throw reader.Error("is an array of arrays, which no known key is");
        }

        var count = reader.Count("its length", ModelLimits.GgufArrayBytes, type.Width());
        if (type == GgufType.String)
        {
            return ReadStrings(reader, file, key, count);
        }

        var bytes = (long)count * type.Width();
        if (bytes > ModelLimits.GgufArrayBytes)
        {
            throw TooLong(reader, bytes);
        }

        return new GgufNumbers(reader.Bytes(bytes), type);
    }

    // Two passes, so that the bytes are read once into memory of their size: lengths first.
    private static GgufStrings ReadStrings(GgufReader reader, string file, string key, int count)
    {
        var begin = reader.Position;
        var starts = new int[count];
        for (var i = 0; i < count; i++)
        {
            if (reader.Position - begin > ModelLimits.GgufArrayBytes)
            {
                throw TooLong(reader, reader.Position - begin);
            }

            starts[i] = (int)(reader.Position - begin);
            reader.SkipText(ModelLimits.GgufTextBytes);
        }

        var bytes = reader.Position - begin;
        reader.MoveTo(begin);
        return new GgufStrings(file, key, reader.Bytes(bytes), starts);
    }

    private static ModelFormatException TooLong(GgufReader reader, long bytes) => reader.Error(
        $"is an array of {bytes} bytes or more, at most {ModelLimits.GgufArrayBytes} are allowed");
}
