// Opens the JSON files of a tokenizer within a size limit and turns every defect of the JSON itself
// into one error that names the file.

using System.Text.Json;

namespace NanoFlow.Tokenization.Pipeline;

internal static class JsonFile
{
    // The largest published tokenizer.json has about 35 MB.
    private const long MaximumBytes = 256L * 1024 * 1024;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    // Null when there is no such file.
    public static ReadOnlyMemory<byte>? TryRead(string directory, string name)
    {
        var file = new FileInfo(Path.Combine(directory, name));
        if (!file.Exists)
        {
            return null;
        }
        return file.Length <= MaximumBytes
            ? File.ReadAllBytes(file.FullName)
            : throw new TokenizerFormatException(
                $"{name}: {file.Length} bytes, at most {MaximumBytes}");
    }

    public static T Parse<T>(string name, ReadOnlyMemory<byte> json, Func<FileNode, T> read)
    {
        if (json.Span.StartsWith(ByteOrderMark))
        {
            json = json[ByteOrderMark.Length..];
        }
        try
        {
            using var document = JsonDocument.Parse(json);
            return read(new FileNode(name, "$", document.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new TokenizerFormatException($"{name}: not valid JSON: {e.Message}", e);
        }
    }
}
