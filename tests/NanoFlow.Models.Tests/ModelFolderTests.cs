// A folder as a whole: what Open proves, and which file each refusal names.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class ModelFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_CompleteFolder_HoldsAllParts()
    {
        WriteModel();
        _folder.Write("generation_config.json", "{\"eos_token_id\": 9, \"do_sample\": false}");

        var model = ModelFolder.Open(_folder.FullPath);

        Assert.Equal(_folder.FullPath, model.FullPath);
        Assert.Equal(64, model.Config.HiddenSize);
        Assert.Equal([9, 2, 3], model.Generation.EosTokenIds);
        Assert.True(model.Generation.Greedy);
        Assert.Equal("model.embed_tokens.weight", model.Tensors.Entries[0].Name);
        Assert.Equal(["spare"], model.UnexpectedTensors);
    }

    [Fact]
    public void Open_NoGenerationConfig_TakesEosFromConfig()
    {
        WriteModel();

        Assert.Equal([2, 3], ModelFolder.Open(_folder.FullPath).Generation.EosTokenIds);
    }

    [Fact]
    public void Open_NoFolder_IsRefused() => AssertRefused(_folder["absent"], "no such folder");

    [Fact]
    public void Open_FileInsteadOfFolder_IsRefused()
    {
        _folder.Write("file", "");

        AssertRefused(_folder["file"], "no such folder");
    }

    [Fact]
    public void Open_NoConfig_IsRefused() =>
        AssertRefused(_folder.FullPath, "config.json: not found in");

    [Fact]
    public void Open_ConfigIsAFolder_IsRefused()
    {
        Directory.CreateDirectory(_folder["config.json"]);

        AssertRefused(_folder.FullPath, "config.json: cannot be opened");
    }

    [Fact]
    public void Open_OversizedConfig_IsRefused()
    {
        // Valid JSON: only its size is wrong.
        _folder.Write("config.json", Encoding.UTF8.GetString(Samples.Config())
            + new string(' ', 16 << 20));

        AssertRefused(_folder.FullPath, "at most 16777216 are allowed");
    }

    private void WriteModel()
    {
        var tensors = Architectures.ExpectedTensors(Samples.ParsedConfig());
        _folder.Write("config.json", Samples.Config());
        _folder.Write(
            "model.safetensors",
            Samples.Safetensors([.. tensors, new ExpectedTensor("spare", [1])]));
    }

    private static void AssertRefused(string path, string message)
    {
        var error = Assert.Throws<ModelFormatException>(() => ModelFolder.Open(path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
