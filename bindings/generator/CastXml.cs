// Runs castxml on a header and reads what the header itself (no included file) declares.

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;

namespace NanoFlow.Bindings.Generator;

public static class CastXml
{
    /// <summary>The XML description of a C header.</summary>
    public static XDocument Run(string header)
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-bindings-");
        try
        {
            var output = Path.Combine(folder.FullName, "header.xml");
            string[] arguments =
                ["--castxml-output=1", "-x", "c", "-std=c11", "-o", output, header];
            using var process = Start(arguments);
            process.WaitForExit();
            return process.ExitCode == 0
                ? XDocument.Load(output)
                : throw new BindingException($"castxml rejected {header}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The declarations of the file called <paramref name="fileName"/>.</summary>
    public static Declarations Read(XDocument document, string fileName)
    {
        var elements = document.Root!.Elements()
            .ToDictionary(element => Get(element, "id"), StringComparer.Ordinal);
        var file = elements.Values.FirstOrDefault(element => element.Name == "File"
            && Path.GetFileName(Get(element, "name")) == fileName)
            ?? throw new BindingException($"{fileName} declares nothing");
        var own = elements.Values
            .Where(element => Get(element, "file") == Get(file, "id"))
            .OrderBy(element => GetInt(element, "line"))
            .ToList();
        foreach (var element in own.Where(element => element.Name.LocalName
            is not ("Enumeration" or "Struct" or "Function" or "Typedef" or "Field")))
        {
            throw new BindingException($"{fileName}({Get(element, "line")}): "
                + $"{element.Name} '{Get(element, "name")}' has no counterpart in the bindings");
        }
        var types = new TypeMap(elements);
        return new Declarations(
            [.. Named(own, "Enumeration").Select(element => ReadEnum(element, types))],
            [.. Named(own, "Struct").Where(IsOpaque).Select(element => Get(element, "name"))],
            [.. Named(own, "Struct").Where(element => !IsOpaque(element))
                .Select(element => ReadStruct(element, elements, types))],
            [.. Named(own, "Function").Select(element => ReadFunction(element, types))],
            types.InlineArrays);
    }

    internal static string Get(XElement element, string attribute) =>
        (string?)element.Attribute(attribute) ?? "";

    internal static int GetInt(XElement element, string attribute) =>
        int.Parse(Get(element, attribute), CultureInfo.InvariantCulture);

    private static Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("castxml", arguments))!;
        }
        catch (Win32Exception)
        {
            throw new BindingException(
                "castxml is not installed (Debian: apt-get install castxml)");
        }
    }

    private static IEnumerable<XElement> Named(IEnumerable<XElement> elements, string kind) =>
        elements.Where(element => element.Name == kind);

    private static bool IsOpaque(XElement element) => Get(element, "incomplete") == "1";

    private static EnumDeclaration ReadEnum(XElement element, TypeMap types) => new(
        Named(element),
        types.Map(Get(element, "type")),
        [.. element.Elements("EnumValue").Select(value =>
            KeyValuePair.Create(Get(value, "name"), Get(value, "init")))]);

    private static StructDeclaration ReadStruct(
        XElement element, Dictionary<string, XElement> elements, TypeMap types)
    {
        var fields = new List<FieldDeclaration>();
        var ids = Get(element, "members").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var field in ids.Select(id => elements[id]).Where(field => field.Name == "Field"))
        {
            if (field.Attribute("bits") is not null)
            {
                throw new BindingException($"{Get(element, "name")}: bit fields are not portable");
            }
            fields.Add(new FieldDeclaration(
                Named(field), types.Map(Get(field, "type")), GetInt(field, "offset") / 8));
        }
        return new StructDeclaration(Named(element), GetInt(element, "size") / 8, fields);
    }

    private static FunctionDeclaration ReadFunction(XElement element, TypeMap types) => new(
        Named(element),
        types.Map(Get(element, "returns")),
        [.. element.Elements("Argument").Select(argument =>
            KeyValuePair.Create(Named(argument), types.Map(Get(argument, "type"))))]);

    private static string Named(XElement element) =>
        Get(element, "name") is { Length: > 0 } name
            ? name
            : throw new BindingException($"line {Get(element, "line")}: everything needs a name");
}
