// Valid GGUF files with a few bytes changed anywhere, and with numbers of the header set to values
// that overflow something: the only error that may come out is ModelFormatException, and no more
// memory is taken than twice the file.

using System.Buffers.Binary;

namespace NanoFlow.Models.Tests;

public sealed class GgufMutationTests
{
    // Of an object a tensor and a key, and of an exception with its stack.
    private const int Slack = 256 * 1024;

    private static readonly int Rounds =
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large" ? 20_000 : 1_000;

    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 8, 9, 12, 13, 31, 33, 255, 256, 65536, (1UL << 31) - 1, 1UL << 31,
        (1UL << 32) - 1, 1UL << 32, 1UL << 40, (1UL << 62) + 1, (1UL << 63) - 1, 1UL << 63,
        ulong.MaxValue - 31, ulong.MaxValue,
    ];

    [Fact]
    public void Model_MutatedBytes_OnlyFormatErrors()
    {
        var valid = GgufSamples.Llama().AddWeights().ToArray();
        Mutate(seed: 11, (random, round) => round % 2 == 0
            ? MutationTests.Mutated(valid, random)
            : MutatedHead(valid, random));
    }

    [Fact]
    public void Model_MutatedNumbers_OnlyFormatErrors()
    {
        var file = GgufSamples.Model("qwen2").AddWeights(tied: false).AddBiases();
        var valid = file.ToArray();
        Mutate(seed: 12, (random, _) =>
        {
            var input = (byte[])valid.Clone();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                var (place, width) = file.Numbers[random.Next(file.Numbers.Count)];
                Set(input.AsSpan(place, width), random, input.Length);
            }

            return input;
        });
    }

    private static void Set(Span<byte> number, Random random, int fileLength)
    {
        var value = random.Next(4) switch
        {
            0 => (ulong)(fileLength + random.Next(-64, 65)),
            1 => (ulong)random.NextInt64(),
            2 => (ulong)random.Next(64),
            _ => Interesting[random.Next(Interesting.Length)],
        };
        if (number.Length == sizeof(uint))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(number, (uint)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        }
    }

    // The weights, most of the file, are not read.
    private static byte[] MutatedHead(byte[] valid, Random random)
    {
        const int Head = 1400;
        return [.. MutationTests.Mutated(valid[..Head], random), .. valid[Head..]];
    }

    private static void Mutate(int seed, Func<Random, int, byte[]> make)
    {
        var random = new Random(seed);
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var input = make(random, round);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                GgufSamples.ReadModel(input);
            }
            catch (ModelFormatException e)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }

            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(
                taken <= (2L * input.Length) + Slack, $"seed {seed}, round {round}: {taken} bytes");
        }

        // Both outcomes must have been seen, or the mutations test nothing.
        Assert.InRange(refused, Rounds / 10, Rounds - 1);
    }
}
