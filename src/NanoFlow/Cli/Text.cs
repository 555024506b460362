using System.Globalization;

namespace NanoFlow.Cli;

/// <summary>Numbers in text, the same in every country.</summary>
internal static class Text
{
    public static string Of(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
