using System.Globalization;

namespace NanoFlow.Engine;

/// <summary>Memory that can still be had: the least of what the system says is available and of the
/// limit of the container.</summary>
internal static class AvailableMemory
{
    private const string MemInfo = "/proc/meminfo";
    private const string Field = "MemAvailable:";

    public static long Bytes()
    {
        var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return File.Exists(MemInfo)
            ? Math.Min(limit, Parse(File.ReadLines(MemInfo)) ?? limit)
            : limit;
    }

    /// <summary>Null when the field is not there.</summary>
    internal static long? Parse(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            if (line.StartsWith(Field, StringComparison.Ordinal))
            {
                var kib = line.AsSpan(Field.Length).Trim();
                kib = kib.EndsWith(" kB") ? kib[..^3] : kib;
                return long.TryParse(kib, CultureInfo.InvariantCulture, out var value)
                    ? value * 1024
                    : null;
            }
        }
        return null;
    }
}
