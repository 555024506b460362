namespace NanoFlow.Engine;

/// <summary>Said after each tensor.</summary>
public readonly record struct LoadProgress(
    string Tensor, int TensorsDone, int TensorCount, long BytesDone, long ByteCount);

/// <summary>How far the search for plans is that an engine makes before it serves.</summary>
/// <param name="IsSearching">Times are measured first, then plans are searched.</param>
public readonly record struct PlanningProgress(bool IsSearching, int Done, int Total);
