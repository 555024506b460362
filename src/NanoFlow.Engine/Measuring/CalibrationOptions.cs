namespace NanoFlow.Engine.Measuring;

/// <summary>How much a calibration measures.</summary>
public sealed record CalibrationOptions
{
    /// <summary>Time for all measurements together. Less than a millisecond each is too short to be
    /// a median of anything; then it takes longer than asked for.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Tokens that rows attend, where a time depends on it; those that do not fit are left
    /// out.</summary>
    public IReadOnlyList<int> Contexts { get; init; } = [128, 1024, 4096];
}
