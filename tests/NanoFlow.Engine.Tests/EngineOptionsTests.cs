namespace NanoFlow.Engine.Tests;

public class EngineOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreAllowed() => new EngineOptions().Validate();

    public static TheoryData<string, EngineOptions> OutOfRange => new()
    {
        { nameof(EngineOptions.Device), new EngineOptions { Device = (DeviceKind)9 } },
        { nameof(EngineOptions.DeviceIndex), new EngineOptions { DeviceIndex = 64 } },
        {
            nameof(EngineOptions.GpuMemoryUtilization),
            new EngineOptions { GpuMemoryUtilization = 1 }
        },
        {
            nameof(EngineOptions.GpuMemoryUtilization),
            new EngineOptions { GpuMemoryUtilization = double.NaN }
        },
        { nameof(EngineOptions.DType), new EngineOptions { DType = OperandDType.Float16 } },
        { nameof(EngineOptions.MaxModelLength), new EngineOptions { MaxModelLength = 1 } },
        { nameof(EngineOptions.MaxSequences), new EngineOptions { MaxSequences = 0 } },
        { nameof(EngineOptions.MaxBatchedTokens), new EngineOptions { MaxBatchedTokens = 255 } },
        { nameof(EngineOptions.KvCacheBytes), new EngineOptions { KvCacheBytes = 0 } },
        { nameof(EngineOptions.BlockSize), new EngineOptions { BlockSize = 33 } },
        { nameof(EngineOptions.Threads), new EngineOptions { Threads = -1 } },
        { nameof(EngineOptions.MaxQueuedRequests), new EngineOptions { MaxQueuedRequests = 0 } },
        { nameof(EngineOptions.MaxQueuedTokens), new EngineOptions { MaxQueuedTokens = 0 } },
        { nameof(EngineOptions.StallAfter), new EngineOptions { StallAfter = TimeSpan.Zero } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void Validate_OutOfRange_NamesTheOption(string name, EngineOptions options)
    {
        var error = Assert.Throws<ArgumentException>(options.Validate);
        Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
    }
}
