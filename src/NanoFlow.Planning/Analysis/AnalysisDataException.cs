namespace NanoFlow.Planning.Analysis;

/// <summary>A file of accelerators, models or workloads is wrong; the message names the field and
/// what is allowed.</summary>
public sealed class AnalysisDataException(string message) : Exception(message);
