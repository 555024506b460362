// The tables of Unicode normalization, read once from the embedded text when a tokenizer first asks
// for a normal form. The runtime's own string.Normalize does nothing without ICU, which we do not
// ship, and would change ids with the machine.

using System.Globalization;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class NormalizationData
{
    public static readonly NormalizationData Instance = new();

    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<int, int> _classes = [];
    private readonly Dictionary<(int, int), int> _compositions = [];

    private NormalizationData()
    {
        var excluded = new HashSet<int>();
        using var stream = typeof(NormalizationData).Assembly
            .GetManifestResourceStream("normalization.txt")
            ?? throw new InvalidOperationException("the embedded normalization data is missing");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] != '#')
            {
                Add(line.Split(' '), excluded);
            }
        }
        foreach (var (whole, parts) in _canonical)
        {
            if (parts is [var first, var second] && !excluded.Contains(whole)
                && ClassOf(first) == 0 && ClassOf(whole) == 0)
            {
                _compositions[(first, second)] = whole;
            }
        }
    }

    // Canonical combining class; 0 for a starter.
    public int ClassOf(int codePoint) => _classes.GetValueOrDefault(codePoint);

    // One step of decomposition, or null.
    public int[]? Decomposition(int codePoint, bool compatible) =>
        _canonical.TryGetValue(codePoint, out var parts)
        || (compatible && _compatible.TryGetValue(codePoint, out parts)) ? parts : null;

    // The code point that the pair composes to, or -1.
    public int Composition(int first, int second) =>
        _compositions.GetValueOrDefault((first, second), -1);

    private void Add(string[] fields, HashSet<int> excluded)
    {
        var codePoint = Hex(fields[1]);
        switch (fields[0])
        {
            case "c":
                _canonical[codePoint] = [.. fields.Skip(2).Select(Hex)];
                break;
            case "k":
                _compatible[codePoint] = [.. fields.Skip(2).Select(Hex)];
                break;
            case "x":
                excluded.Add(codePoint);
                break;
            default:
                var combining = int.Parse(fields[3], CultureInfo.InvariantCulture);
                for (; codePoint <= Hex(fields[2]); codePoint++)
                {
                    _classes[codePoint] = combining;
                }
                break;
        }
    }

    private static int Hex(string digits) =>
        int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
