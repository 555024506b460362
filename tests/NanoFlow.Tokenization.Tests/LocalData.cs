// Published vocabularies and templates that may not be part of this repository. Tests that use them
// are skipped unless NANOFLOW_TEST_DATA names a folder that has them.

using System.Text;
using System.Text.Json;

namespace NanoFlow.Tokenization.Tests;

internal static class LocalData
{
    private const string Variable = "NANOFLOW_TEST_DATA";
    private const string CaseSeparator = "\n__ggml_vocab_test__\n";

    public static string Path(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(root), $"{Variable} names no folder of test data");
        var path = System.IO.Path.Combine([root, .. parts]);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"{path} is not there");
        return path;
    }

    // Texts and the ids that the vocabulary's reference implementation gives them.
    public static List<(string Text, int[] Ids)> Cases(string vocabulary)
    {
        var input = File.ReadAllText(Path("tokenizers", "gguf-vocab", $"{vocabulary}.gguf.inp"));
        var output = File.ReadAllLines(Path("tokenizers", "gguf-vocab", $"{vocabulary}.gguf.out"));
        var texts = input.Split(CaseSeparator);
        return [.. texts.Zip(output, static (text, line) => (text, ParseIds(line)))];
    }

    // Llama-3 as a tokenizer.json, made from its vocabulary and merge files.
    public static Tokenizer Llama3(bool ignoreMerges = true)
    {
        using var vocabulary = JsonDocument.Parse(
            File.ReadAllBytes(Path("tokenizers", "llama3.2", "encoder.json")));
        var merges = File.ReadAllLines(Path("tokenizers", "llama3.2", "vocab.bpe"));
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("pre_tokenizer");
            writer.WriteRawValue(SmallTokenizers.Llama3PreTokenizer);
            writer.WritePropertyName("decoder");
            writer.WriteRawValue("""{"type":"ByteLevel"}""");
            writer.WritePropertyName("model");
            writer.WriteStartObject();
            writer.WriteString("type", "BPE");
            writer.WriteBoolean("ignore_merges", ignoreMerges);
            writer.WritePropertyName("vocab");
            vocabulary.RootElement.WriteTo(writer);
            writer.WriteStartArray("merges");
            foreach (var merge in merges.Where(static line => line.Length > 0 && line[0] != '#'))
            {
                writer.WriteStringValue(merge);
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return Tokenizer.Parse(json.ToArray());
    }

    private static int[] ParseIds(string line) =>
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
