// What a step is made of, as far as its time depends on it. Costs are measured for mixes, plans are
// searched for mixes, and a served step gets the plan of the mix that is nearest.

namespace NanoFlow.Planning;

/// <summary>The part of a step that one launch works on.</summary>
/// <param name="Rows">Rows; a launch without rows does not happen.</param>
/// <param name="Context">Tokens that a row attends, on average.</param>
public readonly record struct NanoWork(int Rows, double Context);

/// <summary>Decode rows come first, one for each sequence that decodes; the prefill rows are a
/// chunk of one more sequence.</summary>
/// <param name="Rows">Of the step.</param>
/// <param name="DecodeRows">Of them.</param>
/// <param name="Context">Tokens that a decode row attends, and tokens that the prefill chunk has
/// reached at its end; a chunk longer than this starts at the first token.</param>
public readonly record struct StepMix(int Rows, int DecodeRows, int Context)
{
    public int PrefillRows => Rows - DecodeRows;

    public double DecodeShare => Rows == 0 ? 0 : (double)DecodeRows / Rows;

    public int SequenceCount => DecodeRows + (PrefillRows > 0 ? 1 : 0);

    /// <summary>The position of the first prefill row.</summary>
    public int PrefillBegin => Math.Max(0, Context - PrefillRows);

    /// <summary>Rows of a range of an op's row space, in shares of stepRows.</summary>
    public (int Begin, int End) Scale(GraphOp op, int rowBegin, int rowEnd, int stepRows)
    {
        var count = op.Rows == RowSpace.Token ? Rows : SequenceCount;
        return (Share(rowBegin), Share(rowEnd));

        int Share(int row) => row >= stepRows ? count : (int)((long)row * count / stepRows);
    }

    /// <summary>What a launch of rows [begin, end) of the op's row space works on.</summary>
    public NanoWork WorkOf(GraphOp op, int begin, int end)
    {
        if (op.Part == RowPart.Decode)
        {
            return new NanoWork(Math.Max(0, Math.Min(end, DecodeRows) - begin), Context);
        }
        if (op.Part == RowPart.Prefill)
        {
            begin = Math.Max(begin, DecodeRows);
            var rows = Math.Max(0, end - begin);
            return new NanoWork(rows, PrefillBegin + (begin + end + 1) / 2.0 - DecodeRows);
        }
        return new NanoWork(end - begin, Context);
    }
}
