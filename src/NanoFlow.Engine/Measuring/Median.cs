namespace NanoFlow.Engine.Measuring;

internal static class Median
{
    /// <param name="values">At least one; sorted afterwards.</param>
    public static double Of(Span<double> values)
    {
        values.Sort();
        var middle = values.Length / 2;
        return values.Length % 2 == 1
            ? values[middle]
            : (values[middle - 1] + values[middle]) / 2;
    }
}
