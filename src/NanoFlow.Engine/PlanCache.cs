// Where plans and costs that were found once are kept for the next start: a folder with a file for
// each pair of graph and device. What a file holds for is in the file too and is checked when it is
// read; the name only finds it.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NanoFlow.Planning;

namespace NanoFlow.Engine;

public sealed class PlanCache(string folder)
{
    /// <summary>Names the folder, wherever it would be otherwise.</summary>
    public const string Variable = "NANOFLOW_CACHE";

    private const string XdgVariable = "XDG_CACHE_HOME";

    public string Folder { get; } = folder;

    public string PlanPath(Origin origin) => PathOf("plan", origin);

    public string CostPath(Origin origin) => PathOf("costs", origin);

    /// <summary>The cache of the user: $NANOFLOW_CACHE, or nanoflow in $XDG_CACHE_HOME or
    /// ~/.cache, on Windows in the local application data.</summary>
    public static PlanCache OfUser(Func<string, string?> variable)
    {
        if (variable(Variable) is { Length: > 0 } named)
        {
            return new PlanCache(Path.GetFullPath(named));
        }
        if (OperatingSystem.IsWindows())
        {
            var local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            return new PlanCache(Path.Combine(local, "nanoflow", "cache"));
        }
        // The specification of XDG: what is not absolute is ignored.
        var caches = variable(XdgVariable) is { } xdg && Path.IsPathRooted(xdg)
            ? xdg
            : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return new PlanCache(Path.Combine(caches, "nanoflow"));
    }

    /// <summary>Replaces a file whole: whoever reads it sees the old bytes or the new
    /// ones.</summary>
    /// <exception cref="IOException">It cannot be written; nothing is left behind.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var draft = $"{full}.{Path.GetRandomFileName()}";
        try
        {
            using (var file = new FileStream(draft, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, full, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>Reads a file, and no more of it than is allowed: its size is not asked, a device
    /// has none.</summary>
    /// <exception cref="PlanFormatException">It is larger.</exception>
    public static byte[] Read(string path, int maxBytes)
    {
        using var file = File.OpenRead(path);
        using var content = new MemoryStream();
        var part = new byte[64 * 1024];
        while (file.Read(part) is > 0 and var count)
        {
            content.Write(part, 0, count);
            if (content.Length > maxBytes)
            {
                throw new PlanFormatException(
                    $"the file has more than {maxBytes} bytes, which is what is allowed");
            }
        }
        return content.ToArray();
    }

    private string PathOf(string what, Origin origin)
    {
        // A fingerprint has characters that file names must not have.
        var device = SHA256.HashData(Encoding.UTF8.GetBytes(origin.Device)).AsSpan(0, 8);
        return Path.Combine(Folder, string.Create(
            CultureInfo.InvariantCulture,
            $"{what}-{origin.Graph:x16}-{Convert.ToHexStringLower(device)}.json"));
    }
}
