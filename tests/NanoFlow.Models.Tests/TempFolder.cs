// A folder that lives as long as one test.

namespace NanoFlow.Models.Tests;

public sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nanoflow-models-");

    public string FullPath => _folder.FullName;

    public string this[string name] => Path.Combine(FullPath, name);

    public void Write(string name, string text) => File.WriteAllText(this[name], text);

    public void Write(string name, byte[] bytes) => File.WriteAllBytes(this[name], bytes);

    public void Dispose() => _folder.Delete(recursive: true);
}
