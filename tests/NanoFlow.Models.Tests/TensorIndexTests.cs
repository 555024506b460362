// Weights in one file or in shards, compared with what the configuration calls for.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class TensorIndexTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";

    private static readonly ModelConfig Config = Samples.ParsedConfig();

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SingleFile_FindsEveryTensor()
    {
        _folder.Write("model.safetensors", Samples.Safetensors(Expected()));

        var tensors = TensorIndex.Open(_folder.FullPath);

        Assert.Equal([_folder["model.safetensors"]], tensors.Files);
        Assert.Equal(Expected().Select(t => t.Name), tensors.Entries.Select(t => t.Name));
        Assert.Equal(ModelSize.WeightBytes(Config, elementBytes: 2), tensors.ByteCount);
        Assert.Empty(tensors.Check(Config));
        Assert.Null(tensors.Find("no.such.tensor"));
    }

    [Fact]
    public void Open_Link_IsFollowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "making links needs a privilege there");
        _folder.Write("blob", Samples.Safetensors(Expected()));
        File.CreateSymbolicLink(_folder["model.safetensors"], _folder["blob"]);

        Assert.Empty(TensorIndex.Open(_folder.FullPath).Check(Config));
    }

    [Fact]
    public void Open_Shards_MapsTensorsToFiles()
    {
        var all = Expected();
        WriteShards(all[..5], all[5..]);

        var tensors = TensorIndex.Open(_folder.FullPath);

        Assert.Equal([_folder["s1.safetensors"], _folder["s2.safetensors"]], tensors.Files);
        Assert.Equal(0, tensors.Find(all[4].Name)!.FileIndex);
        Assert.Equal(1, tensors.Find(all[5].Name)!.FileIndex);
        Assert.Empty(tensors.Check(Config));
    }

    [Fact]
    public void Open_NoWeights_NamesBothPossibleFiles() =>
        AssertRefused("model.safetensors: neither it nor model.safetensors.index.json was found");

    [Fact]
    public void Open_ShardMissing_IsRefused()
    {
        var all = Expected();
        WriteShards(all[..5], all[5..]);
        File.Delete(_folder["s2.safetensors"]);

        AssertRefused("s2.safetensors: not found in");
    }

    [Fact]
    public void Open_TensorInTwoShards_IsRefused()
    {
        var all = Expected();
        WriteShards(all[..6], all[5..]);

        AssertRefused($"s2.safetensors: tensor '{all[5].Name}' is also in s1.safetensors");
    }

    [Theory]
    [InlineData("s2.safetensors")]
    [InlineData("s1.safetensors")]
    public void Open_MapNamesTheWrongShard_IsRefused(string shard)
    {
        _folder.Write("s1.safetensors", Samples.Safetensors([new ExpectedTensor("a", [2])]));
        _folder.Write("s2.safetensors", Samples.Safetensors([new ExpectedTensor("b", [2])]));
        var missing = shard[1] == '1' ? "b" : "a";
        WriteMap($"\"{missing}\": \"{shard}\", \"x\": \"s1.safetensors\"");

        AssertRefused($"{Index}: tensor '{missing}' is not in {shard}");
    }

    [Theory]
    [InlineData("../s1.safetensors")]
    [InlineData("..\\\\s1.safetensors")]
    [InlineData("/tmp/s1.safetensors")]
    [InlineData("sub/s1.safetensors")]
    [InlineData("C:s1.safetensors")]
    [InlineData("..safetensors")]
    [InlineData("s1.bin")]
    [InlineData("s1\\u0000.safetensors")]
    [InlineData("")]
    public void Open_ShardNameNotPlain_IsRefused(string name)
    {
        WriteMap($"\"a\": \"{name}\"");

        AssertRefused(": weight_map.a names the shard '");
    }

    [Theory]
    [InlineData("{}", "weight_map is missing")]
    [InlineData("{\"weight_map\": []}", "weight_map is a list, an object is wanted")]
    [InlineData("{\"weight_map\": {}}", "weight_map is empty")]
    [InlineData("{\"weight_map\": {\"a\": 1}}", "weight_map.a is 1, a string is wanted")]
    [InlineData("{\"weight_map\": {\"a\": \"\\ud800\"}}", "not valid Unicode")]
    [InlineData("{\"weight_map\": {\"\\ud800\": \"x\"}}", "not valid Unicode")]
    [InlineData("{\"weight_map\": {\"a\": \"x\", \"a\": \"x\"}}", "not valid JSON")]
    public void Open_BadMap_IsRefused(string json, string message)
    {
        _folder.Write(Index, json);

        AssertRefused(message);
    }

    [Fact]
    public void Open_TooManyShards_IsRefused()
    {
        var rows = Enumerable.Range(0, 4097).Select(i => $"\"{i}\":\"{i}.safetensors\"");
        WriteMap(string.Join(",", rows));

        AssertRefused("4096 shards");
    }

    [Fact]
    public void Check_EachTensorMissing_IsNamed()
    {
        var all = Expected();
        for (var i = 0; i < all.Length; i++)
        {
            var index = Write(all.Where((_, at) => at != i));

            var error = Assert.Throws<ModelFormatException>(() => index.Check(Config));

            Assert.Equal($"model.safetensors: tensor '{all[i].Name}' is missing", error.Message);
        }
    }

    [Fact]
    public void Check_EachTensorMisshaped_ShowsBothShapes()
    {
        var all = Expected();
        for (var i = 0; i < all.Length; i++)
        {
            int[] wrong = [.. all[i].Shape[..^1], all[i].Shape[^1] + 1];
            var index = Write(all.Select((t, at) => at == i ? t with { Shape = wrong } : t));

            var error = Assert.Throws<ModelFormatException>(() => index.Check(Config));

            Assert.Equal(
                $"model.safetensors: tensor '{all[i].Name}' has shape "
                + $"[{string.Join(", ", wrong)}], the configuration asks for "
                + $"[{string.Join(", ", all[i].Shape)}]",
                error.Message);
        }
    }

    [Fact]
    public void Check_UnsupportedDType_NamesTensorAndChoice()
    {
        _folder.Write("model.safetensors", Samples.Safetensors(Expected(), "I8"));

        var error = Assert.Throws<ModelFormatException>(
            () => TensorIndex.Open(_folder.FullPath).Check(Config));

        Assert.EndsWith("has dtype I8, supported: F32, F16, BF16", error.Message);
    }

    [Fact]
    public void Check_ForeignTensors_AreListedExceptRotaryTables()
    {
        var index = Write([
            .. Expected(),
            new("model.layers.0.self_attn.rotary_emb.inv_freq", [8]),
            new("extra", [1]),
        ]);

        Assert.Equal(["extra"], index.Check(Config));
    }

    [Fact]
    public void Check_TiedEmbeddings_NeedNoOutputMatrix()
    {
        var tied = Samples.ParsedConfig("tie_word_embeddings", "true");
        var without = Write(Expected().Where(t => t.Name != "lm_head.weight"));
        Assert.Empty(without.Check(tied));

        Assert.Empty(Write(Expected()).Check(tied));
    }

    [Fact]
    public void Check_Biases_AreCalledForWhenTheConfigSaysSo()
    {
        var attention = Samples.ParsedConfig("attention_bias", "true");
        var mlp = Samples.ParsedConfig("mlp_bias", "true");

        Assert.Contains(
            Architectures.ExpectedTensors(attention),
            t => t.Name == "model.layers.1.self_attn.k_proj.bias" && t.Shape is [32]);
        Assert.Contains(
            Architectures.ExpectedTensors(mlp),
            t => t.Name == "model.layers.1.mlp.down_proj.bias" && t.Shape is [64]);
        Assert.Throws<ModelFormatException>(() => Write(Expected()).Check(attention));
        Assert.Throws<ModelFormatException>(() => Write(Expected()).Check(mlp));
    }

    private static ExpectedTensor[] Expected() => [.. Architectures.ExpectedTensors(Config)];

    private TensorIndex Write(IEnumerable<ExpectedTensor> tensors)
    {
        _folder.Write("model.safetensors", Samples.Safetensors(tensors));
        return TensorIndex.Open(_folder.FullPath);
    }

    private void WriteShards(ExpectedTensor[] first, ExpectedTensor[] second)
    {
        _folder.Write("s1.safetensors", Samples.Safetensors(first));
        _folder.Write("s2.safetensors", Samples.Safetensors(second));
        var rows = first.Select(t => (t.Name, Shard: "s1"))
            .Concat(second.Select(t => (t.Name, Shard: "s2"))).DistinctBy(row => row.Name);
        WriteMap(string.Join(",", rows.Select(r => $"\"{r.Name}\":\"{r.Shard}.safetensors\"")));
    }

    private void WriteMap(string rows) => _folder.Write(
        Index, Encoding.UTF8.GetBytes($"{{\"metadata\":{{}},\"weight_map\":{{{rows}}}}}"));

    private void AssertRefused(string message)
    {
        var error = Assert.Throws<ModelFormatException>(() => TensorIndex.Open(_folder.FullPath));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
