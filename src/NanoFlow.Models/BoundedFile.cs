// Files of a model folder, opened for reading with errors that name them.
//
// Links are followed: download caches keep the folder as links to content-named files. The
// length is therefore taken from the open stream, not from the directory entry.

namespace NanoFlow.Models;

internal static class BoundedFile
{
    internal static bool Exists(string folder, string name) =>
        File.Exists(Path.Combine(folder, name));

    internal static FileStream Open(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (FileNotFoundException e)
        {
            throw new ModelFormatException(name, $"not found in {folder}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(name, $"cannot be opened: {e.Message}", e);
        }
    }

    internal static byte[] ReadAll(string folder, string name, long maxBytes)
    {
        using var stream = Open(folder, name);
        if (stream.Length > maxBytes)
        {
            throw new ModelFormatException(
                name, $"has {stream.Length} bytes, at most {maxBytes} are allowed");
        }

        return ReadExactly(stream, (int)stream.Length, name);
    }

    /// <summary>The caller has compared <paramref name="count"/> with a limit.</summary>
    internal static byte[] ReadExactly(Stream stream, int count, string name)
    {
        var bytes = new byte[count];
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (IOException e)
        {
            throw new ModelFormatException(name, $"cannot be read: {e.Message}", e);
        }

        return bytes;
    }
}
