namespace NanoFlow.Engine;

/// <summary>Said after each tensor.</summary>
public readonly record struct LoadProgress(
    string Tensor, int TensorsDone, int TensorCount, long BytesDone, long ByteCount);
