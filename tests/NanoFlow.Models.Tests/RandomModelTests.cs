// A random model read back: a complete folder, weights of the stated distribution, the same
// bytes for the same seed, and a tokenizer whose every id means one token.

using System.Buffers.Binary;
using System.Text.Json;

namespace NanoFlow.Models.Tests;

public sealed class RandomModelTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny-llama")]
    [InlineData("tiny-llama3-rope")]
    public void Create_TinyShape_ReadsBackAsTheSameModel(string name)
    {
        var shape = ModelShapes.Find(name)!;
        var summary = RandomModel.Create(shape, _folder.FullPath, seed: 1);

        var model = ModelFolder.Open(_folder.FullPath);

        var eos = shape.Config.EosTokenIds;
        Assert.Equal(shape.Config, model.Config with { EosTokenIds = eos });
        Assert.Equal(eos, model.Config.EosTokenIds);
        Assert.Equal(eos, model.Generation.EosTokenIds);
        Assert.Empty(model.UnexpectedTensors);
        Assert.Equal(ModelSize.Parameters(shape.Config), summary.Parameters);
        Assert.Equal(summary.Parameters * 2, model.Tensors.ByteCount);
        Assert.Equal(
            new DirectoryInfo(_folder.FullPath).EnumerateFiles().Sum(f => f.Length), summary.Bytes);
    }

    [Theory]
    [InlineData("tiny-llama", 269_760)]
    [InlineData("smollm-135m", 134_515_008)]
    [InlineData("llama-1b", 1_235_814_400)]
    [InlineData("llama-8b", 8_030_261_248)]
    public void Shapes_ParameterCounts_AreThoseOfTheRealModels(string name, long parameters) =>
        Assert.Equal(parameters, ModelSize.Parameters(ModelShapes.Find(name)!.Config));

    [Fact]
    public void Shapes_UnknownName_IsNotFound()
    {
        Assert.Null(ModelShapes.Find("llama-900b"));
        Assert.Equal(
            "tiny-llama, tiny-llama3-rope, smollm-135m, llama-1b, llama-8b", ModelShapes.Names);
    }

    [Fact]
    public void Create_Weights_AreNormalWithTheStatedDeviation()
    {
        var shape = ModelShapes.Find("tiny-llama")!;
        RandomModel.Create(shape, _folder.FullPath, seed: 7);

        var values = Values("model.embed_tokens.weight");

        // 65536 samples: the mean's standard error is 0.004, that of the deviation 0.003 (in
        // units of the deviation); the shares of a normal within 1 and 2 deviations.
        var scaled = Array.ConvertAll(values, v => v / shape.InitStd);
        Assert.InRange(scaled.Average(), -0.02, 0.02);
        Assert.InRange(Math.Sqrt(scaled.Average(v => v * v)), 0.98, 1.02);
        Assert.InRange(scaled.Count(v => Math.Abs(v) < 1) / (double)scaled.Length, 0.66, 0.70);
        Assert.InRange(scaled.Count(v => Math.Abs(v) < 2) / (double)scaled.Length, 0.94, 0.97);
        Assert.All(Values("model.norm.weight"), v => Assert.Equal(1, v));
        Assert.NotEqual(
            Values("model.layers.0.self_attn.q_proj.weight"),
            Values("model.layers.1.self_attn.q_proj.weight"));
    }

    [Fact]
    public void Create_SameSeed_GivesTheSameBytesAndAnotherSeedOthers()
    {
        var shape = ModelShapes.Find("tiny-llama")!;
        foreach (var (name, seed) in new[] { ("a", 1UL), ("b", 1UL), ("c", 2UL) })
        {
            RandomModel.Create(shape, _folder[name], seed);
        }

        byte[] Weights(string name) =>
            File.ReadAllBytes(Path.Combine(_folder[name], "model.safetensors"));
        Assert.Equal(Weights("a"), Weights("b"));
        Assert.NotEqual(Weights("a"), Weights("c"));
    }

    [Fact]
    public void Create_Progress_RisesToTheTotal()
    {
        var seen = new List<(long Done, long Total)>();
        RandomModel.Create(
            ModelShapes.Find("tiny-llama")!, _folder.FullPath, 1, (d, t) => seen.Add((d, t)));

        Assert.Equal(seen.OrderBy(step => step.Done), seen);
        Assert.Equal((seen[^1].Total, seen[^1].Total), seen[^1]);
        Assert.Equal(new FileInfo(_folder["model.safetensors"]).Length, seen[^1].Total);
    }

    [Fact]
    public void Create_FolderNotEmpty_IsRefusedAndLeftAlone()
    {
        _folder.Write("precious.txt", "kept");

        Assert.Throws<IOException>(
            () => RandomModel.Create(ModelShapes.Find("tiny-llama")!, _folder.FullPath, seed: 1));

        Assert.Equal([_folder["precious.txt"]], Directory.GetFiles(_folder.FullPath));
    }

    [Fact]
    public void Create_Tokenizer_HasOneTokenForEachIdAndTheByteAlphabet()
    {
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, _folder.FullPath, seed: 1);
        using var json = JsonDocument.Parse(File.ReadAllText(_folder["tokenizer.json"]));
        var vocab = json.RootElement.GetProperty("model").GetProperty("vocab")
            .EnumerateObject().ToDictionary(field => field.Value.GetInt32(), field => field.Name);

        Assert.Equal(Enumerable.Range(0, 1024), vocab.Keys.Order());
        Assert.Equal(1024, vocab.Values.Distinct().Count());
        Assert.Equal("A", vocab['A']);
        Assert.Equal(("Ġ", "Ċ"), (vocab[32], vocab[10]));
        Assert.Equal(("ġ", "ł", "Ń"), (vocab[127], vocab[160], vocab[173]));
        Assert.Equal(256, Enumerable.Range(0, 256).Count(id => vocab[id].Length == 1));
        foreach (var token in json.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            var id = token.GetProperty("id").GetInt32();
            Assert.Equal(vocab[id], token.GetProperty("content").GetString());
        }
    }

    [Fact]
    public void Create_TokenizerConfig_NamesTheTokensOfTheConfig()
    {
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, _folder.FullPath, seed: 1);
        using var json = JsonDocument.Parse(File.ReadAllText(_folder["tokenizer_config.json"]));

        var root = json.RootElement;
        Assert.Equal("<|begin_of_text|>", root.GetProperty("bos_token").GetString());
        Assert.Equal("<|eot_id|>", root.GetProperty("eos_token").GetString());
        Assert.Contains("add_generation_prompt", root.GetProperty("chat_template").GetString());
        Assert.Equal(5, root.GetProperty("added_tokens_decoder").EnumerateObject().Count());
    }

    private double[] Values(string tensor)
    {
        var entry = TensorIndex.Open(_folder.FullPath).Find(tensor)!;
        var bytes = File.ReadAllBytes(_folder["model.safetensors"]);
        var values = new double[entry.ByteCount / 2];
        for (var i = 0; i < values.Length; i++)
        {
            var at = (int)entry.Offset + (2 * i);
            var bits = (uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at)) << 16;
            values[i] = BitConverter.UInt32BitsToSingle(bits);
        }

        return values;
    }
}
