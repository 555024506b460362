// Ids of whole published vocabularies against those of their reference implementations.

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

    private static void AssertCases(Tokenizer tokenizer, string vocabulary)
    {
        var cases = LocalData.Cases(vocabulary);
        Assert.InRange(cases.Count, 40, 100);
        foreach (var (text, ids) in cases)
        {
            var encoded = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.True(ids.SequenceEqual(encoded), $"{text}: {string.Join(' ', encoded)}");
            Assert.Equal(text, tokenizer.Decode(encoded));
        }
    }
}
