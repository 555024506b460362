using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace NanoFlow.Planning.Tests.Search;

/// <summary>GLPK's command, from Debian's glpk-utils. Without it its tests are skipped, unless the
/// environment says that they must run.</summary>
internal static class GlpkSolver
{
    private const string MustRun = "NANOFLOW_TEST_SOLVER";

    public static void SkipWhereMissing()
    {
        if (Environment.GetEnvironmentVariable(MustRun) is not null)
        {
            return;
        }
        try
        {
            Run("--version");
        }
        catch (Win32Exception e)
        {
            Assert.Skip($"glpsol: {e.Message}");
        }
    }

    /// <summary>The least objective of a program in CPLEX-LP text.</summary>
    public static double Minimum(string program)
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-glpk-");
        try
        {
            var input = Path.Combine(folder.FullName, "problem.lp");
            var output = Path.Combine(folder.FullName, "solution");
            File.WriteAllText(input, program);
            var log = Run("--lp", input, "--write", output, "--cuts");
            // "s mip ROWS COLUMNS STATUS OBJECTIVE", where o stands for optimal.
            var status = File.ReadLines(output).Single(line => line.StartsWith("s mip "))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(status[4] == "o", log);
            return double.Parse(status[5], CultureInfo.InvariantCulture);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo("glpsol", arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"glpsol failed: {output}");
    }
}
