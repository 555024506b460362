// How much of this process's processor time its kernels took, by the names that the native core
// gives its threads. What remains is the control plane: scheduling, the runtime, the client.

using System.Globalization;

namespace NanoFlow.Benchmarks;

/// <param name="Kernels">Ticks of threads that run steps.</param>
/// <param name="All">Ticks of all threads, ended ones not counted.</param>
internal readonly record struct KernelTimeShare(long Kernels, long All)
{
    private const string Threads = "/proc/self/task";
    private const string KernelThread = "nf-";

    /// <summary>Null where the system does not tell.</summary>
    public static KernelTimeShare? Now()
    {
        if (!Directory.Exists(Threads))
        {
            return null;
        }
        var (kernels, all) = (0L, 0L);
        foreach (var folder in Directory.EnumerateDirectories(Threads))
        {
            if (!TryRead(Path.Combine(folder, "stat"), out var name, out var ticks))
            {
                continue; // it has ended meanwhile
            }
            all += ticks;
            kernels += name.StartsWith(KernelThread, StringComparison.Ordinal) ? ticks : 0;
        }
        return new KernelTimeShare(kernels, all);
    }

    /// <summary>Of the time since an earlier moment, from 0 to 1.</summary>
    public double OthersSince(KernelTimeShare before)
    {
        var all = Math.Max(1, All - before.All);
        return Math.Clamp(1 - (Kernels - before.Kernels) / (double)all, 0, 1);
    }

    // "pid (name) state ppid ...": after the name, which may hold spaces, the 12th and 13th fields
    // are ticks in user and in system mode.
    private static bool TryRead(string path, out string name, out long ticks)
    {
        (name, ticks) = ("", 0);
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (IOException)
        {
            return false;
        }
        var end = text.LastIndexOf(')');
        name = text[(text.IndexOf('(') + 1)..end];
        var fields = text[(end + 2)..].Split(' ');
        ticks = Ticks(fields[11]) + Ticks(fields[12]);
        return true;
    }

    private static long Ticks(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
