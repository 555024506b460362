// Normal random numbers by position: element i of a tensor depends on the seed, the tensor's name
// and i, and on nothing else, so a file comes out the same in whatever order it is written.
//
// Element i is a sum of four uniforms: the 16-bit quarters of a hash of i. That is the normal
// distribution up to 3.5 standard deviations, where it is cut off; a model's weights need no more,
// and it costs a few nanoseconds. The hash is the finaliser of SplitMix64 over a Weyl sequence.

namespace NanoFlow.Models;

internal readonly struct RandomNormal
{
    private const ulong Weyl = 0x9E3779B97F4A7C15;

    // Of four uniform integers 0..65535: mean 4 * 65535 / 2, variance 4 * (65536^2 - 1) / 12.
    private const float SumMean = 131070f;
    private const float SumStd = 37837.23f;

    private readonly ulong _key;
    private readonly float _scale;

    internal RandomNormal(ulong seed, string stream, double std)
    {
        // FNV-1a over the name's characters; Mix spreads it over all bits.
        var hash = 0xCBF29CE484222325;
        foreach (var c in stream)
        {
            hash = (hash ^ c) * 0x100000001B3;
        }

        _key = Mix(hash ^ Mix(seed + Weyl));
        _scale = (float)(std / SumStd);
    }

    internal float At(long index)
    {
        var bits = Mix(_key + (((ulong)index + 1) * Weyl));
        var sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF)
            + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - SumMean) * _scale;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
