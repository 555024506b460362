// A clock that stands at 5 March 2026, 14:07:09 UTC, and moves only when told to.

namespace NanoFlow.Tokenization.Tests;

internal sealed class FixedClock : TimeProvider
{
    // Added to the time stamp each time it is read.
    public TimeSpan StepPerRead { get; init; }

    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);

    public override long GetTimestamp() => _ticks += StepPerRead.Ticks;
}
