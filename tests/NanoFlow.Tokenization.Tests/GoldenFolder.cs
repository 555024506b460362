namespace NanoFlow.Tokenization.Tests;

/// <summary>The golden files of the repository that the tests were built in.</summary>
internal static class GoldenFolder
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(root.FullName, "NanoFlow.sln")))
        {
            root = root.Parent
                ?? throw new DirectoryNotFoundException("no NanoFlow.sln above the tests");
        }
        return System.IO.Path.Combine(root.FullName, "tests", "golden");
    }
}
