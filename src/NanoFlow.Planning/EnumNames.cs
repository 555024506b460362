namespace NanoFlow.Planning;

/// <summary>How enumerations are called in files.</summary>
internal static class EnumNames
{
    public static string Of<T>(T value)
        where T : struct, Enum => value switch
        {
            Segment.Prologue => "prologue",
            Segment.Layer => "layer",
            Segment.Epilogue => "epilogue",
            ResourceKind.Compute => "compute",
            ResourceKind.Memory => "memory",
            ResourceKind.Network => "network",
            PartitionKind.Shared => "shared",
            PartitionKind.Disjoint => "disjoint",
            OrderKind.AfterFinish => "after_finish",
            OrderKind.AfterStart => "after_start",
            _ => throw new ArgumentOutOfRangeException(nameof(value), value, "has no name"),
        };
}
