// The direction of dependencies between projects under src and bindings.

using System.Xml.Linq;

namespace NanoFlow.Tidy.Tests;

public static class ProjectRules
{
    public static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["NanoFlow.Scheduling"] = [],
        ["NanoFlow.Planning"] = [],
        ["NanoFlow.Models"] = [],
        ["NanoFlow.Tokenization"] = [],
        ["NanoFlow.Grammar"] = ["NanoFlow.Scheduling", "NanoFlow.Tokenization"],
        ["NanoFlow.Native"] = [],
        ["NanoFlow.Bindings.Generator"] = [],
        ["NanoFlow.Engine"] =
            ["NanoFlow.Scheduling", "NanoFlow.Planning", "NanoFlow.Models", "NanoFlow.Native"],
        ["NanoFlow.Server"] =
            ["NanoFlow.Engine", "NanoFlow.Tokenization", "NanoFlow.Grammar"],
        ["NanoFlow"] = ["NanoFlow.Server"],
    };

    public static IEnumerable<string> Offenders(SourceFile file)
    {
        if (file.Extension != ".csproj" || file.IsTest)
        {
            return [];
        }
        var project = Path.GetFileNameWithoutExtension(file.Name);
        if (!Allowed.TryGetValue(project, out var allowed))
        {
            return [$"{file.Path}: has no row in the table of projects"];
        }
        return XDocument.Parse(file.Text).Descendants("ProjectReference")
            .Select(reference => (string)reference.Attribute("Include")!)
            .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))
            .Where(reference => !allowed.Contains(reference))
            .Select(reference => $"{file.Path}: references {reference}");
    }
}
