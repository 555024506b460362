namespace NanoFlow.Planning.Drawing;

/// <summary>What a picture says above the lanes.</summary>
internal static class PlanHeading
{
    public static string Of(PlanSet set) =>
        $"{set.Model}, {set.LayerCount} layers, on {set.Origin.Device}";

    public static string Mix(StepMix mix) =>
        $"{mix.Rows:N0} rows: {mix.DecodeRows:N0} decode, {mix.PrefillRows:N0} prefill; "
        + $"context {mix.Context:N0}";

    public static string Predicted(PlanTimes times, string microseconds = "us")
    {
        if (times.Period <= 0)
        {
            return "not simulated";
        }
        var text = $"predicted {Time(times.Period, microseconds)} a layer";
        if (times.SequentialPeriod > 0)
        {
            text += $", {times.SequentialPeriod / times.Period:F2} times as fast as sequential"
                + $" ({Time(times.SequentialPeriod, microseconds)})";
        }
        return text + (times.LowerBound > 0
            ? $"; at most {100 * times.Gap:F1} % from the optimum"
            : "; no lower bound");
    }

    public static string Measured(PlanBucket bucket, string microseconds = "us")
    {
        var times = bucket.Times;
        var use = bucket.IsUsed ? "used" : "not used";
        if (times.MeasuredStep <= 0)
        {
            return $"not measured; {use}";
        }
        var text = $"measured {Time(times.MeasuredStep, microseconds)} a step";
        if (times.MeasuredSequentialStep > 0)
        {
            var ratio = times.MeasuredSequentialStep / times.MeasuredStep;
            text += $", {ratio:F2} times as fast as sequential"
                + $" ({Time(times.MeasuredSequentialStep, microseconds)})";
        }
        return $"{text}; {use}";
    }

    /// <summary>Units of the device that a lane may run on.</summary>
    public static string Units(Plan plan, int lane)
    {
        var partition = plan.Partitions[plan.Lanes[lane].Partition];
        var last = partition.FirstUnit + partition.UnitCount - 1;
        return last == partition.FirstUnit ? $"{last}" : $"{partition.FirstUnit}-{last}";
    }

    public static bool HasOwnUnits(Plan plan, int lane) =>
        plan.Partitions[plan.Lanes[lane].Partition].Kind == PartitionKind.Disjoint;

    private static string Time(double time, string microseconds)
    {
        var axis = new TimeAxis(time, maxTicks: 1, microseconds);
        return $"{axis.Text(time)} {axis.Unit}";
    }
}
