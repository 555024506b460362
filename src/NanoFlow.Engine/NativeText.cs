using System.Text;

namespace NanoFlow.Engine;

internal static class NativeText
{
    /// <summary>A fixed-size field of the ABI: UTF-8 up to the first zero.</summary>
    public static string Of(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
