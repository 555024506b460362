// Bytes that a program never tells apart share a class, and with it a column of the transitions.

namespace NanoFlow.Grammar.Machine;

internal sealed class ByteClasses
{
    private readonly byte[] _classOf = new byte[256];

    public ByteClasses(GrammarProgram program)
    {
        Span<bool> begins = stackalloc bool[257];
        foreach (var instruction in program.Code)
        {
            if (instruction.Op == Op.Range)
            {
                begins[instruction.X] = true;
                begins[instruction.Y + 1] = true;
            }
        }
        var members = new List<byte>();
        for (var value = 0; value < 256; value++)
        {
            if (value == 0 || begins[value])
            {
                members.Add((byte)value);
            }
            _classOf[value] = (byte)(members.Count - 1);
        }
        Members = [.. members];
    }

    public int Count => Members.Length;

    /// <summary>One byte of each class.</summary>
    public byte[] Members { get; }

    public int this[byte value] => _classOf[value];
}
