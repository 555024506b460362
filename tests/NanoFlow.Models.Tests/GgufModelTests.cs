// A GGUF file as a model: configuration, names and shapes of tensors, end tokens; and what is said
// of a file that does not hold a model we can run.

using System.Buffers.Binary;

namespace NanoFlow.Models.Tests;

public sealed class GgufModelTests
{
    [Fact]
    public void Read_LlamaFile_HasItsConfiguration()
    {
        var model = GgufSamples.ReadModel(GgufSamples.Llama().AddWeights().ToArray());
        var config = model.Config;

        Assert.Equal("LlamaForCausalLM", config.Architecture);
        Assert.Equal((32, 64, 1), (config.HiddenSize, config.IntermediateSize, config.LayerCount));
        Assert.Equal((4, 2, 8), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal((8, 128), (config.VocabSize, config.MaxPositions));
        Assert.Equal((1e-5f, new RopeConfig(500000)), ((float)config.RmsNormEps, config.Rope));
        Assert.True(config.TiedEmbeddings && !config.AttentionBias && !config.MlpBias);
        Assert.Equal(1, config.BosTokenId);
        Assert.Equal([2], model.Generation.EosTokenIds);
        Assert.Empty(config.LayerWindows);
        Assert.Empty(model.UnexpectedTensors);
    }

    [Fact]
    public void Read_LlamaFile_HasTensorsUnderTheNamesOfTheEngine()
    {
        var tensors = GgufSamples.ReadModel(
            GgufSamples.Llama().AddWeights(tied: false).ToArray()).Tensors;
        var down = tensors.Find("model.layers.0.mlp.down_proj.weight")!;

        Assert.Equal((TensorDType.Q80, 0), (down.DType, down.PairedRows));
        Assert.Equal([32, 64], down.Shape);
        Assert.Equal(32 * 64 / 32 * 34, down.ByteCount);
        Assert.Equal(8, tensors.Find("model.layers.0.self_attn.q_proj.weight")!.PairedRows);
        Assert.Equal(8, tensors.Find("model.layers.0.self_attn.k_proj.weight")!.PairedRows);
        Assert.Equal(0, tensors.Find("model.layers.0.self_attn.v_proj.weight")!.PairedRows);
        Assert.NotNull(tensors.Find("lm_head.weight"));
    }

    [Fact]
    public void Read_Qwen2File_HasBiasesAndUnpairedRows()
    {
        var file = GgufSamples.Model("qwen2").AddWeights()
            .AddBiases();
        var model = GgufSamples.ReadModel(file.ToArray());

        Assert.Equal("Qwen2ForCausalLM", model.Config.Architecture);
        Assert.All(model.Tensors.Entries, entry => Assert.Equal(0, entry.PairedRows));
        Assert.Empty(model.UnexpectedTensors);
    }

    [Fact]
    public void Read_RopeFactors_BecomePartOfTheConfiguration()
    {
        var model = GgufSamples.ReadModel(
            GgufSamples.Llama().AddWeights().Tensor("rope_freqs.weight", 0, [4], Floats(1, 1, 3, 8))
                .ToArray());

        Assert.Equal(RopeScalingKind.Factors, model.Config.Rope.Scaling);
        Assert.Equal([1, 1, 3, 8], model.Config.Rope.Stretch!.ShortFactors);
        Assert.Empty(model.Config.Rope.Stretch.LongFactors);
        Assert.Null(model.Tensors.Find("rope_freqs.weight"));
        Assert.Empty(model.UnexpectedTensors);
    }

    [Theory]
    [InlineData(new[] { 1f, 1f, 3f }, "F32 [3], F32 [4] is wanted")]
    [InlineData(new[] { 1f, 0f, 3f, 8f }, "'rope_freqs.weight'[1] is 0")]
    [InlineData(new[] { 1f, 2f, float.NaN, 8f }, "'rope_freqs.weight'[2] is NaN")]
    [InlineData(new[] { 1f, 2f, 3f, -8f }, "'rope_freqs.weight'[3] is -8")]
    public void Read_BadRopeFactors_AreRefused(float[] factors, string wanted) => AssertRefused(
        GgufSamples.Llama().AddWeights()
            .Tensor("rope_freqs.weight", 0, [(ulong)factors.Length], Floats(factors)),
        wanted);

    [Fact]
    public void Read_LinearScaling_HasItsFactor()
    {
        var file = GgufSamples.Llama("llama.rope.scaling.type", "linear")
            .Key("llama.rope.scaling.factor", 4f).AddWeights();

        var rope = GgufSamples.ReadModel(file.ToArray()).Config.Rope;

        Assert.Equal((RopeScalingKind.Linear, 4.0), (rope.Scaling, rope.Factor));
    }

    [Fact]
    public void Read_Window_HoldsForAllLayers()
    {
        var file = GgufSamples.Llama("llama.attention.sliding_window", 48u).AddWeights();

        Assert.Equal([48], GgufSamples.ReadModel(file.ToArray()).Config.LayerWindows);
    }

    [Fact]
    public void Read_VocabularySizeNotStated_IsThatOfTheEmbedding()
    {
        var file = GgufSamples.Llama("llama.vocab_size", null).AddWeights();

        Assert.Equal(8, GgufSamples.ReadModel(file.ToArray()).Config.VocabSize);
    }

    [Fact]
    public void Read_FurtherEnds_AllEndASequence()
    {
        var file = GgufSamples.Llama("tokenizer.ggml.eot_token_id", 5u)
            .Key("tokenizer.ggml.eom_token_id", 7u).AddWeights();

        Assert.Equal([2, 5, 7], GgufSamples.ReadModel(file.ToArray()).Generation.EosTokenIds);
    }

    [Theory]
    [InlineData("general.architecture", "mamba", "is 'mamba', supported: llama, qwen2")]
    [InlineData("general.architecture", null, "is missing, a string is wanted")]
    [InlineData("general.architecture", 5u, "is 5, a string is wanted")]
    [InlineData("llama.block_count", 0u, "is 0, an integer from 1 to 1024 is wanted")]
    [InlineData("llama.block_count", 4294967295u, "an integer from 1 to 1024 is wanted")]
    [InlineData("llama.block_count", ulong.MaxValue, "is 18446744073709551615")]
    [InlineData("llama.block_count", 2u, "is 2, but tensor 'blk.1.attn_norm.weight' is missing")]
    [InlineData("llama.embedding_length", -32, "is -32, an integer from 1")]
    [InlineData("llama.embedding_length", null, "is missing, an integer from 1")]
    [InlineData("llama.embedding_length", 33u, "not a multiple of llama.attention.head_count 4")]
    [InlineData("llama.embedding_length", 64u, "rope.dimension_count is 8, only 16 is supported")]
    [InlineData("llama.feed_forward_length", 32u, "the configuration asks for [32, 32]")]
    [InlineData("llama.attention.head_count", 5u, "not a multiple of llama.attention.head_count")]
    [InlineData("llama.attention.head_count_kv", 3u, "is 3, not a divisor of")]
    [InlineData("llama.attention.head_count_kv", 0u, "is 0, an integer from 1")]
    [InlineData("llama.attention.key_length", 7u, "is 7, an even number from 2 to 256")]
    [InlineData("llama.attention.value_length", 16u, "is 16, only 8 is supported here")]
    [InlineData("llama.rope.dimension_count", 4u, "is 4, only 8 is supported here")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", 0f, "is 0, a number from 1E-12")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", float.NaN, "is NaN")]
    [InlineData("llama.rope.freq_base", -1f, "is -1, a number from 1 to 1000000000")]
    [InlineData("llama.rope.scaling.type", "yarn", "is 'yarn', supported: none, linear")]
    [InlineData("llama.rope.scaling.type", "linear", "llama.rope.scaling.factor is missing")]
    [InlineData("llama.vocab_size", 9u, "has shape [8, 32], the configuration asks for [9, 32]")]
    [InlineData("llama.expert_count", 8u, "is 8, only dense models are read")]
    [InlineData("llama.attention.causal", false, "is false, only true is supported")]
    [InlineData("split.count", 3, "is 3: join the 3 files")]
    [InlineData("tokenizer.ggml.eos_token_id", 8u, "is 8, an integer from 0 to 7 is wanted")]
    public void Read_BadKey_SaysWhatIsWanted(string key, object? value, string wanted) =>
        AssertRefused(GgufSamples.Llama(key, value).AddWeights(), wanted);

    [Fact]
    public void Read_NormInBlocks_IsRefused()
    {
        var file = GgufSamples.Llama().AddWeights();
        file.Tensors[1] = new("output_norm.weight", GgufSamples.Q80, [32], new byte[34]);

        AssertRefused(file, "tensor 'model.norm.weight' has dtype Q8_0");
    }

    [Fact]
    public void Read_TensorUnderBothNames_IsRefused() => AssertRefused(
        GgufSamples.Llama().AddWeights().Add("model.norm.weight", GgufSamples.F32, 32),
        "tensor 'model.norm.weight' is also in");

    [Fact]
    public void Open_NoSuchFile_IsNamed()
    {
        var error = Assert.Throws<ModelFormatException>(
            () => ModelSource.Open(Path.Combine(Path.GetTempPath(), "no-such-model.gguf")));

        Assert.Contains("no such folder or file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileOfOtherKind_SaysWhatItBeginsWith()
    {
        using var folder = new TempFolder();
        folder.Write("model.safetensors", new byte[64]);

        var error = Assert.Throws<ModelFormatException>(
            () => ModelSource.Open(folder["model.safetensors"]));

        Assert.Contains("begins with 0x00000000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_File_IsAModelLikeAFolder()
    {
        using var folder = new TempFolder();
        folder.Write("small.Q8_0.gguf", GgufSamples.Llama().AddWeights().ToArray());

        var source = ModelSource.Open(folder["small.Q8_0.gguf"]);

        Assert.Equal("small.Q8_0", source.Name);
        Assert.Equal([folder["small.Q8_0.gguf"]], source.Tensors.Files);
    }

    private static void AssertRefused(GgufBuilder file, string wanted)
    {
        var bytes = file.ToArray();
        var error = Assert.Throws<ModelFormatException>(() => GgufSamples.ReadModel(bytes));
        Assert.Contains(wanted, error.Message, StringComparison.Ordinal);
    }

    private static byte[] Floats(params float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        }

        return bytes;
    }
}
