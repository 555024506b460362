using System.Globalization;

namespace NanoFlow.Planning.Tests.Analysis;

/// <summary>Compares with printed figures: within 2 %, or equal after rounding to the printed
/// digits, since .07 may stand for anything from .065 to .075.</summary>
internal static class Near
{
    private const double Tolerance = 0.02;

    public static void Published(double printed, double computed, string what)
    {
        var text = printed.ToString(CultureInfo.InvariantCulture);
        var point = text.IndexOf('.');
        Published(printed, computed, what, point < 0 ? 0 : text.Length - point - 1);
    }

    /// <param name="digits">Behind the point, as printed.</param>
    public static void Published(double printed, double computed, string what, int digits)
    {
        var isRounded = Math.Abs(computed - printed) <= 0.5 * Math.Pow(10, -digits) + 1e-12;
        Assert.True(
            isRounded || Math.Abs(computed / printed - 1) <= Tolerance,
            FormattableString.Invariant($"{what}: computed {computed:G5}, published {printed}"));
    }
}
