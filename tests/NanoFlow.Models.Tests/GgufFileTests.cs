// The header of GGUF files: what is read from a right one, and the attacks that others' readers
// fell for. Every count is refused before memory is taken for it.

namespace NanoFlow.Models.Tests;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void Read_EveryKindOfValue_GivesPlainValues(uint version)
    {
        var file = GgufSamples.Read(new GgufBuilder { Version = version }
            .Key("a.byte", (byte)200)
            .Key("a.int", -5)
            .Key("a.large", ulong.MaxValue)
            .Key("a.float", 0.5f)
            .Key("a.double", 1e300)
            .Key("a.flag", true)
            .Key("a.text", "größe")
            .Key("a.texts", new[] { "", "一", "b" })
            .Key("a.numbers", new[] { 1.5f, -2f })
            .ToArray());

        Assert.Equal(200L, file.Values["a.byte"]);
        Assert.Equal(-5L, file.Values["a.int"]);
        Assert.Equal(ulong.MaxValue, file.Values["a.large"]);
        Assert.Equal((0.5, 1e300), (file.Values["a.float"], file.Values["a.double"]));
        Assert.Equal((true, "größe"), (file.Values["a.flag"], file.Values["a.text"]));
        Assert.Equal(["", "一", "b"], (IReadOnlyList<string>)file.Values["a.texts"]);
        Assert.Equal([1.5, -2.0], (IReadOnlyList<double>)file.Values["a.numbers"]);
    }

    [Fact]
    public void Read_LargeVocabulary_TakesLessThanTwiceTheFile()
    {
        var tokens = Enumerable.Range(0, 150_000).Select(i => $"t{i % 977}").ToArray();
        var bytes = new GgufBuilder().Key("tokenizer.ggml.tokens", tokens).ToArray();
        GgufSamples.Read(bytes);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var file = GgufSamples.Read(bytes);
        var taken = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(tokens, (IReadOnlyList<string>)file.Values["tokenizer.ggml.tokens"]);
        Assert.True(taken < 2L * bytes.Length, $"{taken} bytes for a file of {bytes.Length}");
    }

    [Theory]
    [InlineData(0x46554746u, 3u, "begins with 0x46554746")]
    [InlineData(0x46554747u, 1u, "version 1")]
    [InlineData(0x46554747u, 4u, "version 4")]
    [InlineData(0x46554747u, 0x03000000u, "big-endian")]
    public void Read_OtherFormat_IsNamed(uint magic, uint version, string wanted) =>
        AssertRefused(new GgufBuilder { Magic = magic, Version = version }, wanted);

    [Theory]
    [InlineData(ulong.MaxValue, null, "the number of tensors is 18446744073709551615")]
    [InlineData(1UL << 40, null, "the number of tensors is 1099511627776")]
    [InlineData(null, ulong.MaxValue, "the number of keys is 18446744073709551615")]
    [InlineData(null, 1UL << 63, "the number of keys")]
    public void Read_CountAboveTheFile_IsRefused(ulong? tensors, ulong? keys, string wanted) =>
        AssertRefused(
            new GgufBuilder { TensorCount = tensors, KeyCount = keys }.Key("a.b", true), wanted);

    [Theory]
    [InlineData(8u, new[] { ulong.MaxValue }, "a string has 18446744073709551615 bytes")]
    [InlineData(8u, new[] { 1UL << 32 }, "a string has 4294967296 bytes")]
    [InlineData(9u, new[] { 4UL | (ulong.MaxValue << 32), 0xFFFFFFFFUL }, "its length is")]
    [InlineData(9u, new[] { 8UL | (1UL << 62), 0UL }, "its length is 1073741824")]
    [InlineData(9u, new[] { 9UL | (1UL << 32), 0UL }, "an array of arrays")]
    [InlineData(9u, new[] { 13UL | (1UL << 32), 0UL }, "value type 13")]
    [InlineData(13u, new ulong[0], "value type 13")]
    [InlineData(0xFFFFFFFFu, new ulong[0], "value type 4294967295")]
    [InlineData(7u, new[] { 2UL }, "truth value 2")]
    public void Read_BadValue_IsRefused(uint type, ulong[] words, string wanted) =>
        AssertRefused(new GgufBuilder().RawKey("some.key", type, words), "some.key", wanted);

    [Fact]
    public void Read_KeyTwice_IsRefused() =>
        AssertRefused(new GgufBuilder().Key("a.b", 1u).Key("a.b", 2u), "a.b: appears twice");

    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    [InlineData(33u)]
    [InlineData(0x80000000u)]
    public void Read_BadAlignment_IsRefused(uint alignment) =>
        AssertRefused(
            GgufSamples.Llama("general.alignment", alignment).AddWeights(),
            "general.alignment is", $"{alignment}");

    [Fact]
    public void Read_OtherAlignment_PlacesTensors()
    {
        var file = new GgufBuilder { Alignment = 256 }.Key("general.alignment", 256u)
            .Add("token_embd.weight", GgufSamples.Q80, 32, 8);

        Assert.Equal("x.gguf", GgufSamples.Read(file.ToArray()).Name);
    }

    [Theory]
    [InlineData(new ulong[0], "has 0 dimensions")]
    [InlineData(new ulong[] { 1, 1, 1, 1, 1 }, "has 5 dimensions")]
    [InlineData(new ulong[] { 0 }, "has a dimension of 0")]
    [InlineData(new ulong[] { ulong.MaxValue }, "has a dimension of 18446744073709551615")]
    [InlineData(new ulong[] { 1UL << 32 }, "has a dimension of 4294967296")]
    [InlineData(
        new ulong[] { 1UL << 30, 1UL << 30, 1UL << 30 },
        "has 1073741824 x 1073741824 x 1073741824 elements of F32")]
    [InlineData(new ulong[] { 2147483646, 2147483646, 2147483646, 2147483646 }, "elements of F32")]
    [InlineData(new ulong[] { 1 << 20 }, "has 1048576 elements of F32")]
    public void Read_BadShape_IsRefused(ulong[] dims, string wanted)
    {
        var file = new GgufBuilder();
        file.Tensors.Add(new("some.tensor", GgufSamples.F32, dims, new byte[64]));

        AssertRefused(file, "tensor 'some.tensor'", wanted);
    }

    [Theory]
    [InlineData(13u, "has type Q5_K, supported: F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K")]
    [InlineData(99u, "has type number 99, supported: F32")]
    [InlineData(0xFFFFFFFFu, "has type number 4294967295")]
    [InlineData(12u, "has rows of 32 elements, not a multiple of 256 as Q4_K needs")]
    public void Read_TypeThatDoesNotFit_IsNamed(uint type, string wanted)
    {
        var file = new GgufBuilder().Tensor("some.tensor", type, [32, 8], new byte[1024]);

        AssertRefused(file, "tensor 'some.tensor'", wanted);
    }

    [Theory]
    [InlineData(8UL, "not a multiple of 32")]
    [InlineData(0UL, "overlaps")]
    [InlineData(128UL, "leaves a gap")]
    [InlineData(1UL << 40, "the file has")]
    [InlineData(ulong.MaxValue, "has offset 18446744073709551615")]
    public void Read_OffsetOfSecondTensor_MustBeTheNextAligned(ulong offset, string wanted)
    {
        var file = new GgufBuilder();
        file.Tensors.Add(new("first", GgufSamples.F32, [10], new byte[40]));
        file.Tensors.Add(new("second", GgufSamples.F32, [10], new byte[40], offset));

        AssertRefused(file, wanted);
    }

    [Fact]
    public void Read_DataPastTheEnd_IsRefused()
    {
        var file = new GgufBuilder().Tensor("a", GgufSamples.F32, [40], new byte[96]);

        AssertRefused(file, "tensor 'a'", "needs 160 bytes from offset 0 on, the file has 96");
    }

    [Fact]
    public void Read_TensorTwice_IsRefused() =>
        AssertRefused(
            new GgufBuilder().Add("a", GgufSamples.F32, 8).Add("a", GgufSamples.F32, 8),
            "tensor 'a': appears twice");

    [Fact]
    public void Read_NameOfTensorTooLong_IsRefused() =>
        AssertRefused(
            new GgufBuilder().Add(new string('n', 513), GgufSamples.F32, 8),
            "tensor 0: a string has 513 bytes");

    [Fact]
    public void Read_EveryCutFile_IsRefused()
    {
        var bytes = GgufSamples.Llama().AddWeights().ToArray();
        for (var length = 0; length < bytes.Length - 32; length += 7)
        {
            Assert.Throws<ModelFormatException>(() => GgufSamples.Read(bytes[..length]));
        }
    }

    private static void AssertRefused(GgufBuilder file, params string[] wanted)
    {
        var bytes = file.ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<ModelFormatException>(() => GgufSamples.Read(bytes));
        var taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.All(wanted, text => Assert.Contains(text, error.Message, StringComparison.Ordinal));
        Assert.StartsWith("x.gguf: ", error.Message, StringComparison.Ordinal);
        Assert.True(taken < 256 * 1024, $"{taken} bytes for a file of {bytes.Length}");
    }
}
