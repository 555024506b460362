// Random numbers that are the same for a seed on every machine and with every .NET: what was
// measured can be measured again with the same prompts and arrivals. SplitMix64; streams of one
// seed are told apart by an index.

namespace NanoFlow.Benchmarks;

internal struct RandomStream(ulong seed, ulong index)
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    // Both are mixed before they are joined, so that (1, 0) and (0, 1) are different streams.
    private ulong _state = Mix(seed + Step) ^ Mix(Mix(index + 1) + Step);

    public ulong Next() => Mix(_state += Step);

    /// <summary>From 0 to 1, without 1.</summary>
    public double NextUnit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Either end may come.</summary>
    public int NextBetween(int least, int most)
    {
        // The high half of a product is as even as 2^64 is large against the range.
        var count = (ulong)((long)most - least + 1);
        return (int)(least + (long)Math.BigMul(Next(), count, out _));
    }

    /// <summary>Of the normal distribution with mean 0 and deviation 1, by Box and Muller.
    /// </summary>
    public double NextNormal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextUnit()));
        return radius * Math.Cos(2 * Math.PI * NextUnit());
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
