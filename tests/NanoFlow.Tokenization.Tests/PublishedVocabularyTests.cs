// Ids of whole published vocabularies against those of their reference implementations.

using NanoFlow.Models;

namespace NanoFlow.Tokenization.Tests;

public sealed class PublishedVocabularyTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("starcoder")]
    public void Encode_PublishedTokenizerFile_GivesReferenceIds(string name)
    {
        AssertCases(Tokenizer.Load(LocalData.Path("tokenizers", "hf", name)), name);
    }

    [Theory]
    [InlineData("gpt-2", true)]
    [InlineData("starcoder", true)]
    [InlineData("llama-spm", true)]
    [InlineData("phi-3", true)]
    [InlineData("bert-bge", false)]
    public void Encode_PublishedGguf_GivesReferenceIds(string name, bool keepsText)
    {
        var file = GgufFile.Open(LocalData.Path("tokenizers", "gguf-vocab", $"{name}.gguf"));
        AssertCases(Tokenizer.FromGguf(file.Name, file.Values), name, keepsText);
    }

    [Fact]
    public void Encode_Llama3_GivesReferenceIds() => AssertCases(LocalData.Llama3(), "llama-bpe");

    [Fact]
    public void Encode_Llama3WithoutIgnoreMerges_DiffersOnlyWhereAWholeWordIsNoMerge()
    {
        var tokenizer = LocalData.Llama3(ignoreMerges: false);
        var wrong = LocalData.Cases("llama-bpe")
            .Where(test => !tokenizer.Encode(test.Text).SequenceEqual(test.Ids))
            .ToList();
        Assert.Contains("Cửa Việt", Assert.Single(wrong).Text, StringComparison.Ordinal);
    }

    private static void AssertCases(
        Tokenizer tokenizer, string vocabulary, bool keepsText = true)
    {
        var cases = LocalData.Cases(vocabulary);
        Assert.InRange(cases.Count, 40, 100);
        foreach (var (text, ids) in cases)
        {
            var encoded = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.True(ids.SequenceEqual(encoded), $"{text}: {string.Join(' ', encoded)}");
            if (keepsText)
            {
                Assert.Equal(text, tokenizer.Decode(encoded));
            }
        }
    }
}
