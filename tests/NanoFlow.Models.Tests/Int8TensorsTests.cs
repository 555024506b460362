// Int8 matrices and the scales beside them, in one file and in shards.

using System.Buffers.Binary;
using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class Int8TensorsTests : IDisposable
{
    private const string Query = "model.layers.1.self_attn.q_proj.weight";
    private const string Scales = Query + "_scale";

    private static readonly ModelConfig Config =
        Samples.ParsedConfig("quantization_config", Samples.Int8Section());

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Check_EveryMatrixOfTheLayersWithScales_IsComplete()
    {
        var index = Write(Expected(Config));

        Assert.Empty(index.Check(Config));
        var scales = index.ScalesOf(index.Find(Query)!)!;
        Assert.Equal((Scales, TensorDType.BF16), (scales.Name, scales.DType));
        Assert.Null(index.ScalesOf(index.Find("lm_head.weight")!));

        // Two layers of seven matrices.
        Assert.Equal(14, index.Entries.Count(entry => entry.DType == TensorDType.I8));
    }

    [Fact]
    public void Check_HeadAsInt8_NeedsScales()
    {
        var config = Samples.ParsedConfig(
            "quantization_config", Samples.Int8Section("ignore", "[]"));
        Assert.Empty(Write(Expected(config)).Check(config));

        AssertRefused(
            config,
            Expected(Config),
            "tensor 'lm_head.weight' has dtype BF16, quantization_config asks for I8");
    }

    [Fact]
    public void Check_EachTensorMissing_IsNamed()
    {
        var all = Expected(Config);
        for (var i = 0; i < all.Length; i++)
        {
            AssertRefused(
                Config,
                [.. all.Where((_, at) => at != i)],
                $"tensor '{all[i].Tensor.Name}' is missing");
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(1, 64)]
    [InlineData(64, 2)]
    public void Check_ScalesOfAnotherShape_AreRefused(params int[] shape) => AssertRefused(
        Config,
        Changed(Scales, row => (row.Tensor with { Shape = shape }, row.DType)),
        $"tensor '{Scales}' has shape [{string.Join(", ", shape)}], "
        + "the configuration asks for [64, 1]");

    [Theory]
    [InlineData(Query, "BF16", "has dtype BF16, quantization_config asks for I8")]
    [InlineData(Scales, "I8", "has dtype I8, supported: F32, F16, BF16")]
    [InlineData("model.norm.weight", "I8", "has dtype I8, supported: F32, F16, BF16")]
    [InlineData("model.embed_tokens.weight", "I8", "has dtype I8, supported: F32, F16, BF16")]
    public void Check_OtherType_IsRefused(string tensor, string dtype, string message) =>
        AssertRefused(
            Config,
            Changed(tensor, row => (row.Tensor, dtype)),
            $"tensor '{tensor}' {message}");

    [Fact]
    public void Open_ScalesInAnotherShard_AreFound()
    {
        var all = Expected(Config);
        var isScale = all.ToLookup(row => row.Tensor.Name.EndsWith("_scale"));
        _folder.Write("s1.safetensors", Samples.Safetensors(isScale[false]));
        _folder.Write("s2.safetensors", Samples.Safetensors(isScale[true]));
        var rows = all.Select(row => $"\"{row.Tensor.Name}\":"
            + (row.Tensor.Name.EndsWith("_scale") ? "\"s2.safetensors\"" : "\"s1.safetensors\""));
        _folder.Write(
            "model.safetensors.index.json",
            Encoding.UTF8.GetBytes($"{{\"weight_map\":{{{string.Join(',', rows)}}}}}"));

        var index = TensorIndex.Open(_folder.FullPath);

        Assert.Empty(index.Check(Config));
        var scales = index.ScalesOf(index.Find(Query)!)!;
        Assert.Equal(1, scales.FileIndex);
        Assert.Equal(new float[64], RowScales.Read(index, scales));
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Scales_InEachType_AreReadAsTheyAre(string dtype)
    {
        // Values that all three types hold.
        var scales = ReadScales(dtype, 0.5f, 0, 0.0078125f, 3);

        Assert.Equal([0.5f, 0, 0.0078125f, 3], scales);
    }

    [Theory]
    [InlineData("F32", float.NaN)]
    [InlineData("BF16", float.PositiveInfinity)]
    [InlineData("F16", -0.5f)]
    public void Scales_NotFiniteOrNegative_AreRefused(string dtype, float value)
    {
        var error = Assert.Throws<ModelFormatException>(() => ReadScales(dtype, 1, 2, value));

        Assert.StartsWith("model.safetensors: tensor 'w_scale' has ", error.Message);
        Assert.EndsWith(" in row 2, a finite number of at least 0 is wanted", error.Message);
    }

    [Fact]
    public void Scales_FileCutShortSinceItWasOpened_IsAFormatError()
    {
        var index = Write([(new ExpectedTensor("w_scale", [4, 1]), "F32")]);
        _folder.Write("model.safetensors", [1, 2, 3]);

        Assert.Throws<ModelFormatException>(() => RowScales.Read(index, index.Entries[0]));
    }

    private float[] ReadScales(string dtype, params float[] values)
    {
        var tensor = new ExpectedTensor("w_scale", [values.Length, 1]);
        var file = Samples.Safetensors([(tensor, dtype)]);
        var width = dtype == "F32" ? 4 : 2;
        var data = file.AsSpan(file.Length - (values.Length * width));
        for (var i = 0; i < values.Length; i++)
        {
            Store(dtype, values[i], data[(i * width)..]);
        }

        _folder.Write("model.safetensors", file);
        var index = TensorIndex.Open(_folder.FullPath);
        return RowScales.Read(index, index.Entries[0]);
    }

    private static void Store(string dtype, float value, Span<byte> target)
    {
        switch (dtype)
        {
            case "F32":
                BinaryPrimitives.WriteSingleLittleEndian(target, value);
                break;
            case "F16":
                BinaryPrimitives.WriteHalfLittleEndian(target, (Half)value);
                break;
            default:
                BinaryPrimitives.WriteUInt16LittleEndian(
                    target, (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
                break;
        }
    }

    // What a folder of this configuration holds, types and all.
    private static (ExpectedTensor Tensor, string DType)[] Expected(ModelConfig config) =>
    [
        .. Architectures.ExpectedTensors(config).SelectMany(tensor =>
            tensor.Name.EndsWith("_proj.weight")
            || (tensor.Name == "lm_head.weight" && config.StoredInt8.HasFlag(Int8Parts.Head))
                ? new[]
                {
                    (tensor, "I8"),
                    (new ExpectedTensor(tensor.Name + "_scale", [tensor.Shape[0], 1]), "BF16"),
                }
                : [(tensor, "BF16")]),
    ];

    private static (ExpectedTensor Tensor, string DType)[] Changed(
        string name,
        Func<(ExpectedTensor Tensor, string DType), (ExpectedTensor, string)> change) =>
        [.. Expected(Config).Select(row => row.Tensor.Name == name ? change(row) : row)];

    private TensorIndex Write((ExpectedTensor, string)[] tensors)
    {
        _folder.Write("model.safetensors", Samples.Safetensors(tensors));
        return TensorIndex.Open(_folder.FullPath);
    }

    private void AssertRefused(
        ModelConfig config, (ExpectedTensor, string)[] tensors, string message)
    {
        var index = Write(tensors);
        var error = Assert.Throws<ModelFormatException>(() => index.Check(config));
        Assert.Equal($"model.safetensors: {message}", error.Message);
    }
}
