// Where the list of cases, the runners and what they need are.

namespace NanoFlow.Server.Tests.Clients;

internal static class ClientFiles
{
    public static string Repository { get; } = FindRepository();

    /// <summary>Sources of the runners, and the list.</summary>
    public static string Source => Path.Combine(Repository, "tests", "clients");

    /// <summary>Where packages are installed.</summary>
    public static string Installed => Path.Combine(Repository, "artifacts", "clients");

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "NanoFlow.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
