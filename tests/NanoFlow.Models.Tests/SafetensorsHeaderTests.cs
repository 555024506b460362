// The safetensors header: what a valid one yields, and one test for each way it can lie.

using System.Buffers.Binary;
using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class SafetensorsHeaderTests
{
    private const string TwoTensors =
        """
        {"__metadata__": {"format": "pt"},
         "b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
         "a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}
        """;

    [Fact]
    public void Read_TwoTensors_GivesAbsoluteOffsetsInFileOrder()
    {
        var tensors = Samples.ReadHeader(Samples.Safetensors(TwoTensors, 32));

        var start = 8 + TwoTensors.Length;
        Assert.Equal(["a", "b"], tensors.Select(t => t.Name));
        Assert.Equal([TensorDType.BF16, TensorDType.F32], tensors.Select(t => t.DType));
        Assert.Equal([start, start + 8L], tensors.Select(t => t.Offset));
        Assert.Equal([8L, 24L], tensors.Select(t => t.ByteCount));
        Assert.Equal([2, 3], tensors[1].Shape);
    }

    [Theory]
    [InlineData("{}", 0, 0)]
    [InlineData("{}    ", 0, 0)]
    [InlineData("{\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}}", 2, 1)]
    [InlineData("{\"a\":{\"dtype\":\"F16\",\"shape\":[0,9],\"data_offsets\":[0,0]}}", 0, 1)]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, 1)]
    [InlineData("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, 1)]
    public void Read_UnusualButValid_IsAccepted(string header, int dataBytes, int count) =>
        Assert.Equal(count, Samples.ReadHeader(Samples.Safetensors(header, dataBytes)).Count);

    [Fact]
    public void DType_ValuesOfSupportedTypes_AreFixed()
    {
        Assert.Equal(
            [1, 2, 3, 4],
            new[] { TensorDType.F32, TensorDType.F16, TensorDType.BF16, TensorDType.I8 }
                .Select(dtype => (int)dtype));
        Assert.All(
            Enum.GetValues<TensorDType>(),
            dtype => Assert.Equal(
                dtype.IsFloat() || dtype == TensorDType.I8 || dtype.IsBlockFormat(),
                (int)dtype < 100));
    }

    [Fact]
    public void Read_FileShorterThanPrefix_IsRefused() => AssertRefused(new byte[7], "7 bytes");

    [Theory]
    [InlineData(0, "does not begin with '{'")]
    [InlineData(1, "not valid JSON")]
    [InlineData(500, "header length is 500")]
    [InlineData(100_000_001, "header length is 100000001")]
    [InlineData(-1, "header length is 18446744073709551615")]
    public void Read_WrongHeaderLength_IsRefused(long length, string message)
    {
        var file = Samples.Safetensors(TwoTensors, 32);
        BinaryPrimitives.WriteInt64LittleEndian(file, length);

        AssertRefused(file, message);
    }

    [Fact]
    public void Read_TruncatedAnywhere_IsRefused()
    {
        var file = Samples.Safetensors(TwoTensors, 32);
        for (var length = 0; length < file.Length; length++)
        {
            Assert.Throws<ModelFormatException>(() => Samples.ReadHeader(file[..length]));
        }
    }

    [Theory]
    [InlineData("[4]", "[1, 9]", 9, "'a' leaves a gap: begins at 1, not 0")]
    [InlineData("[4]", "[0, 8]", 9, "describes 8 bytes of data, the file has 9")]
    [InlineData("[4]", "[0, 8]", 7, "describes 8 bytes of data, the file has 7")]
    [InlineData("[4]", "[8, 0]", 8, "begin 8 after 0")]
    [InlineData("[4]", "[0, 6]", 8, "BF16 [4] needs 8 bytes, data_offsets give 6")]
    [InlineData("[4]", "[0]", 8, "needs dtype, shape and data_offsets [begin, end]")]
    [InlineData("[4]", "[0, 8, 9]", 8, "needs dtype, shape and data_offsets [begin, end]")]
    [InlineData("[4]", "[0, 8.0]", 8, "data_offsets[1] is not an integer")]
    [InlineData("[4]", "[-8, 0]", 8, "data_offsets[0] is not an integer")]
    [InlineData("[4]", "[0, 9223372036854775808]", 8, "data_offsets[1] is not an integer")]
    [InlineData("[4]", "\"08\"", 8, "data_offsets is not a list")]
    [InlineData("[-4]", "[0, 8]", 8, "shape[0] is not an integer from 0")]
    [InlineData("[4.0]", "[0, 8]", 8, "shape[0] is not an integer from 0")]
    [InlineData("[\"4\"]", "[0, 8]", 8, "shape[0] is not an integer from 0")]
    [InlineData("[[4]]", "[0, 8]", 8, "shape[0] is not an integer from 0")]
    [InlineData("4", "[0, 8]", 8, "shape is not a list")]
    [InlineData("[1,1,1,1,1,1,1,1,4]", "[0, 8]", 8, "more than 8 items")]
    [InlineData("[4194305, 4194305, 211106198978564]", "[0, 8]", 8, "shape[2] is not an integer")]
    [InlineData("[2147483647, 2147483647, 2147483647]", "[0, 8]", 8, "overflows")]
    [InlineData("[2147483647, 2147483647, 2147483647, 0]", "[0, 0]", 0, "overflows")]
    public void Read_BadTensor_IsRefused(string shape, string offsets, int data, string message)
    {
        var tensor = $"{{\"dtype\":\"BF16\",\"shape\":{shape},\"data_offsets\":{offsets}}}";

        AssertRefused(Samples.Safetensors($"{{\"a\":{tensor}}}", data), message);
    }

    [Fact]
    public void Read_OverlappingTensors_AreRefused()
    {
        const string Header =
            """
            {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
             "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}
            """;

        AssertRefused(Samples.Safetensors(Header, 12), "'b' overlaps the tensor before it");
    }

    [Theory]
    [InlineData("{\"a\":{\"dtype\":\"I4\",\"shape\":[],\"data_offsets\":[0,0]}}", "dtype 'I4'")]
    [InlineData("{\"a\":{\"dtype\":4}}", "dtype is not a string")]
    [InlineData("{\"a\":{\"dtype\":\"F16\",\"dtype\":\"F16\"}}", "'dtype' is unknown or appears")]
    [InlineData("{\"a\":{\"strides\":[]}}", "'strides' is unknown")]
    [InlineData("{\"a\":{\"shape\":[],\"data_offsets\":[0,0]}}", "needs dtype")]
    [InlineData("{\"a\":[]}", "tensor 'a' is not an object")]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", "needs 1 bytes")]
    [InlineData("{\"\":{}}", "name has 0 characters")]
    [InlineData("{\"\\ud800\":{}}", "not valid Unicode")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", "'a' is not a string")]
    [InlineData("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "'a' appears twice")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__ is not an object")]
    [InlineData("{\"a\":{\"shape\":[[[[[[]]]]]]}}", "shape[0] is not an integer")]
    [InlineData("{} x", "not valid JSON")]
    [InlineData(" {}", "does not begin with '{'")]
    [InlineData("{\"a\":NaN}", "not valid JSON")]
    public void Read_BadHeader_IsRefused(string header, string message) =>
        AssertRefused(Samples.Safetensors(header, 1), message);

    [Fact]
    public void Read_DuplicateTensor_IsRefused()
    {
        // The second key is the same name in another spelling.
        const string Empty = "{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]}";

        AssertRefused(
            Samples.Safetensors($"{{\"a\":{Empty},\"\\u0061\":{Empty}}}", 0), "'a' appears twice");
    }

    [Fact]
    public void Read_InvalidUtf8_IsRefused()
    {
        var header = Encoding.UTF8.GetBytes(TwoTensors);
        header[TwoTensors.IndexOf("\"b\"", StringComparison.Ordinal) + 1] = 0xFF;

        AssertRefused(Samples.Safetensors(header, 32), "not valid Unicode");
    }

    [Fact]
    public void Read_TooManyTensors_IsRefused()
    {
        var header = new StringBuilder("{");
        for (var i = 0; i <= 200_000; i++)
        {
            header.Append(i == 0 ? "" : ",").Append('"').Append(i)
                .Append("\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}");
        }

        AssertRefused(Samples.Safetensors(header.Append('}').ToString(), 0), "200000 tensors");
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    [InlineData(1_000_000, false)]
    public void Read_LongName_IsBounded(int length, bool allowed)
    {
        var tensor = "{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]}";
        var file = Samples.Safetensors($"{{\"{new string('x', length)}\":{tensor}}}", 0);
        if (allowed)
        {
            Assert.Equal(length, Assert.Single(Samples.ReadHeader(file)).Name.Length);
        }
        else
        {
            AssertRefused(file, "name has ");
        }
    }

    [Fact]
    public void Read_TooMuchMetadata_IsRefused()
    {
        var notes = string.Join(",", Enumerable.Range(0, 10_001).Select(i => $"\"{i}\":\"\""));

        AssertRefused(
            Samples.Safetensors($"{{\"__metadata__\":{{{notes}}}}}", 0), "more than 10000 keys");
    }

    private static void AssertRefused(byte[] file, string message)
    {
        var error = Assert.Throws<ModelFormatException>(() => Samples.ReadHeader(file));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal("x.safetensors", error.File);
    }
}
