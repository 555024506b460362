// Weights kept as int8: asked for, or stored so. Both round the same way, so both give the same
// logits bit by bit.

using NanoFlow.Engine.Evaluating;
using NanoFlow.Models;
using NanoFlow.Models.Tests;

namespace NanoFlow.Engine.Tests;

public sealed class Int8WeightsTests : IDisposable
{
    private const int Vocab = 1024;
    private const int Rows = LogitsEngine.ChunkTokens;
    private const Int8Parts Both = Int8Parts.Layers | Int8Parts.Head;

    private static readonly EngineOptions Options = new()
    {
        MaxSequences = Rows,
        MaxBatchedTokens = Rows,
        BlockSize = 16,
        MaxModelLength = 256,
        KvCacheBytes = 1 << 22,
        Threads = 2,
    };

    private static readonly EngineOptions AsInt8 =
        Options with { Quantization = WeightQuantization.Int8 };

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-int8").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("tiny-llama", Int8Parts.Layers, DeviceKind.Cpu)]
    [InlineData("tiny-llama", Int8Parts.Layers, DeviceKind.Reference)]
    [InlineData("tiny-llama", Both, DeviceKind.Cpu)]
    [InlineData("tiny-llama", Both, DeviceKind.Reference)]
    [InlineData("tiny-llama3-rope", Int8Parts.Layers, DeviceKind.Cpu)]
    public void Logits_OfInt8Folder_AreThoseOfWeightsRoundedAtLoad(
        string shape, Int8Parts parts, DeviceKind device)
    {
        var options = Options with { Device = device };
        var folder = Open(Int8(shape, parts));
        Assert.Equal(parts, KeptInt8.Of(folder, options));

        var stored = Logits(EngineLoader.Open(folder, options, progress: null));
        var rounded = Logits(EngineLoader.Open(Open(Plain(shape)), parts, options, null));
        var plain = Logits(EngineLoader.Open(Open(Plain(shape)), options, null));

        Assert.Equal(rounded, stored);
        Assert.NotEqual(plain, stored);
    }

    // Other programs use the lowest int8, too, which no weight becomes that is rounded here.
    [Fact]
    public void Divergence_OfLowestElements_IsNoneBetweenDevices()
    {
        var path = Int8("tiny-llama", Both);
        var file = Path.Combine(path, "model.safetensors");
        var bytes = File.ReadAllBytes(file);
        var changed = 0;
        foreach (var tensor in TensorIndex.Open(path).Entries
            .Where(tensor => tensor.DType == TensorDType.I8))
        {
            foreach (ref var value in bytes.AsSpan((int)tensor.Offset, (int)tensor.ByteCount))
            {
                changed += value == unchecked((byte)-127) ? 1 : 0;
                value = value == unchecked((byte)-127) ? (byte)0x80 : value;
            }
        }
        Assert.True(changed > 500);
        File.WriteAllBytes(file, bytes);

        var model = Open(path);
        using var run = DivergenceRun.Load(
            new EvaluatedModel(model, Options with { Device = DeviceKind.Reference }),
            new EvaluatedModel(model, Options),
            window: 100);
        Assert.InRange(run.Run(new TokenWindows(Tokens(100), [], 100)).MaxKl, 0, 1e-3);
    }

    [Fact]
    public void Load_Int8Folder_ReportsEveryByteAndTakesLessMemory()
    {
        var folder = Open(Int8("tiny-llama", Both));
        var seen = new List<LoadProgress>();
        using var engine = InferenceEngine.Load(folder, Options, seen.Add);
        var plain = InferenceEngine.PlanMemory(Open(Plain("tiny-llama")), Options).Weights;

        Assert.Equal(seen[^1].ByteCount, seen[^1].BytesDone);
        Assert.True(engine.Facts.Memory.Weights < plain);
        Assert.Equal(
            engine.Facts.Memory.Weights,
            InferenceEngine.PlanMemory(Open(Plain("tiny-llama")), AsInt8).Weights);
    }

    [Fact]
    public void Divergence_OfInt8_IsSmall()
    {
        var model = Open(Plain("tiny-llama"));
        using var run = DivergenceRun.Load(
            new EvaluatedModel(model, Options), new EvaluatedModel(model, AsInt8), window: 100);
        var summary = run.Run(new TokenWindows(Tokens(200), [], 100));

        Assert.InRange(summary.MeanKl, 1e-9, 0.05);
        Assert.True(summary.SameTop > 0.8 * summary.Predictions, $"{summary}");
    }

    [Fact]
    public void Of_StoredAndAsked_IsWhatIsKept()
    {
        var plain = Open(Plain("tiny-llama"));
        var stored = Open(Int8("tiny-llama", Int8Parts.Layers));

        Assert.Equal(Int8Parts.None, KeptInt8.Of(plain, Options));
        Assert.Equal(Both, KeptInt8.Of(plain, AsInt8));
        Assert.Equal(Int8Parts.Layers, KeptInt8.Of(stored, Options));
        Assert.Equal(Both, KeptInt8.Of(stored, AsInt8));
        Assert.Equal(Int8Parts.None, KeptInt8.Of(EngineModel.Echo(Vocab), Options));
        Assert.Throws<ArgumentException>(() => KeptInt8.Of(EngineModel.Echo(Vocab), AsInt8));
    }

    [Fact]
    public void Of_OnAGpu_IsRefused()
    {
        var asked = Assert.Throws<ArgumentException>(() => KeptInt8.Of(
            Open(Plain("tiny-llama")), AsInt8 with { Device = DeviceKind.Cuda }));
        Assert.StartsWith("Quantization is int8, which the CPU computes in", asked.Message);

        var stored = Assert.Throws<EngineException>(() => KeptInt8.Of(
            Open(Int8("tiny-llama", Int8Parts.Layers)),
            Options with { Device = DeviceKind.Cuda }));
        Assert.StartsWith("The model is stored in int8", stored.Message);
    }

    // Of a sequence in two chunks.
    private static float[] Logits(OpenedEngine opened)
    {
        using var engine = new LogitsEngine(opened);
        var tokens = Tokens(Rows + 5);
        var logits = new float[tokens.Length * Vocab];
        engine.Begin(tokens.Length);
        for (var begin = 0; begin < tokens.Length; begin += Rows)
        {
            var count = Math.Min(Rows, tokens.Length - begin);
            engine.Append(tokens.AsSpan(begin, count));
            for (var row = 0; row < count; row++)
            {
                engine.CopyLogits(row, logits.AsSpan((begin + row) * Vocab, Vocab));
            }
        }
        return logits;
    }

    private static int[] Tokens(int count)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(Vocab))];
    }

    private static EngineModel Open(string path) => EngineModel.From(ModelFolder.Open(path));

    private string Plain(string shape)
    {
        var path = Path.Combine(_folder, shape);
        if (!Directory.Exists(path))
        {
            RandomModel.Create(ModelShapes.Find(shape)!, path, seed: 1);
        }
        return path;
    }

    private string Int8(string shape, Int8Parts parts)
    {
        var path = Path.Combine(_folder, $"{shape}-{(int)parts}");
        if (!Directory.Exists(path))
        {
            Int8Folder.Write(Plain(shape), path, parts);
        }
        return path;
    }
}
