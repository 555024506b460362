// What Hugging Face transformers said about a model: see tests/golden/README.md.

using System.Text.Json;
using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Golden.Tests;

public sealed record GoldenStep(
    int Id, double LogProb, double Margin, (int Id, double LogProb)[] Top);

public sealed record GoldenText(int[] Prompt, GoldenStep[] Steps);

public sealed class GoldenFile
{
    private readonly JsonDocument _document;

    private GoldenFile(string modelPath, JsonDocument document)
    {
        ModelPath = modelPath;
        _document = document;
    }

    /// <summary>A folder or a GGUF file.</summary>
    public string ModelPath { get; }

    public JsonElement Root => _document.RootElement;

    public static string RepositoryRoot { get; } = FindRoot();

    public static TheoryData<string> Models =>
    [
        "tiny-llama", "tiny-llama3-rope", "tiny-llama-bias", "gguf/llama-mixed", "gguf/qwen2-bf16",
    ];

    // In a GGUF file by llama.cpp's converter every added token that looks like <|this|> is a
    // special one, so the texts without special tokens differ.
    public static TheoryData<string> ModelsWithTheirSpecialTokens =>
        [.. Models.Select(row => row.Data).Where(model => model != "gguf/qwen2-bf16")];

    // Also those that have no tokenizer.
    public static TheoryData<string> LogProbModels =>
    [
        .. Models.Select(row => row.Data),
        "tiny-gemma2", "tiny-mistral", "tiny-phi3", "tiny-qwen2", "tiny-qwen3",
        "tiny-mixtral", "tiny-mixtral-leader", "tiny-mixtral-twins", "tiny-qwen3-moe",
    ];

    public static GoldenFile Open(string model)
    {
        var path = Path.Combine(RepositoryRoot, "tests", "golden", model);
        return Directory.Exists(path)
            ? new(path, Read(Path.Combine(path, "golden.json")))
            : new(path + ".gguf", Read(path + ".json"));
    }

    // What is said about prompts, without generating.
    public static GoldenFile OpenPrompts(string model)
    {
        var folder = Path.Combine(RepositoryRoot, "tests", "golden", model);
        return new(folder, Read(Path.Combine(folder, "prompts.json")));
    }

    public static GoldenFile OpenStoryteller() =>
        new(
            Path.Combine(RepositoryRoot, "samples", "storyteller"),
            Read(Path.Combine(RepositoryRoot, "tests", "golden", "storyteller.json")));

    public Tokenizer OpenTokenizer()
    {
        if (Directory.Exists(ModelPath))
        {
            return Tokenizer.Load(ModelPath);
        }
        var file = GgufFile.Open(ModelPath);
        return Tokenizer.FromGguf(file.Name, file.Values);
    }

    // Greedy continuations of prompts, or answers in conversations.
    public IEnumerable<GoldenText> Texts =>
        Root.TryGetProperty("greedy", out var continuations)
            ? ReadTexts(continuations, "prompt")
            : ReadTexts(Root.GetProperty("chat"), "ids");

    public static GoldenStep[] Steps(JsonElement text) =>
        [.. text.GetProperty("steps").EnumerateArray().Select(step => new GoldenStep(
            step.GetProperty("id").GetInt32(),
            step.GetProperty("logprob").GetDouble(),
            step.GetProperty("margin").GetDouble(),
            [.. step.GetProperty("top").EnumerateArray()
                .Select(pair => (pair[0].GetInt32(), pair[1].GetDouble()))]))];

    public static int[] Ints(JsonElement array) =>
        [.. array.EnumerateArray().Select(value => value.GetInt32())];

    private static IEnumerable<GoldenText> ReadTexts(JsonElement texts, string prompt) =>
        texts.EnumerateArray()
            .Select(text => new GoldenText(Ints(text.GetProperty(prompt)), Steps(text)));

    private static JsonDocument Read(string path) => JsonDocument.Parse(File.ReadAllBytes(path));

    // Above these tests, or where tests/device/run.sh says when it has taken them elsewhere.
    private static string FindRoot()
    {
        var folder = Environment.GetEnvironmentVariable("NANOFLOW_TEST_ROOT")
            ?? AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NanoFlow.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("NanoFlow.sln is in no parent folder.");
        }
        return folder;
    }
}
