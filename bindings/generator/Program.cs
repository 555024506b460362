// Writes the C# bindings and the native layout checks from native/include/nanoflow.h.
//
// castxml, a compiler front end, says what the header means: sizes, offsets and enum values, so
// nothing is parsed or counted by hand. Both outputs are committed: only whoever changes the header
// needs castxml. The first lines of the bindings carry the hash of the header they were made from.
//
//   NanoFlow.Bindings.Generator [header, C# file, layout file]

using NanoFlow.Bindings.Generator;

var root = args.Length == 0 ? RepositoryRoot() : "";
var header = args.Length == 3 ? args[0] : Path.Combine(root, "native/include/nanoflow.h");
var csharp = args.Length == 3
    ? args[1]
    : Path.Combine(root, "bindings/NanoFlow.Native/Generated/NativeMethods.g.cs");
var layout = args.Length == 3 ? args[2] : Path.Combine(root, "tests/native/layout.g.cpp");
if (args.Length is not (0 or 3))
{
    Console.Error.WriteLine("usage: NanoFlow.Bindings.Generator [header, C# file, layout file]");
    return 2;
}
try
{
    var declarations = CastXml.Read(CastXml.Run(header), Path.GetFileName(header));
    var origin = new HeaderOrigin(Path.GetFileName(header), HeaderOrigin.Hash(header));
    Write(csharp, CSharpBindings.Text(declarations, origin));
    Write(layout, LayoutChecks.Text(declarations, origin));
    return 0;
}
catch (BindingException error)
{
    Console.Error.WriteLine($"bindings: {error.Message}");
    return 1;
}

static string RepositoryRoot()
{
    var folder = Directory.GetCurrentDirectory();
    while (!File.Exists(Path.Combine(folder, "NanoFlow.sln")))
    {
        folder = Path.GetDirectoryName(folder)
            ?? throw new DirectoryNotFoundException("NanoFlow.sln is in no parent folder");
    }
    return folder;
}

static void Write(string path, string text)
{
    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    File.WriteAllText(path, text);
    Console.WriteLine($"wrote {path}");
}
