// Reads a unigram model from a tokenizer file: the vocabulary as pairs of text and score, whose
// order gives the ids, and the options.

using System.Text.Json;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal static class UnigramReader
{
    public static UnigramModel Read(FileNode node)
    {
        var tokens = ReadTokens(node.Child("vocab"));
        return new UnigramModel(tokens, new UnigramOptions
        {
            ByteFallback = node.Flag("byte_fallback", absent: false),
            UnknownId = node.Optional("unk_id")?.AsInteger(0, tokens.Count - 1) ?? -1,
        });
    }

    private static List<(string Text, double Score)> ReadTokens(FileNode vocabulary)
    {
        if (vocabulary.Element.ValueKind != JsonValueKind.Array
            || vocabulary.Element.GetArrayLength() > VocabularyLimits.MaximumId + 1)
        {
            throw vocabulary.Error(
                $"must be an array of at most {VocabularyLimits.MaximumId + 1} [text, score]");
        }
        var tokens = new List<(string, double)>(vocabulary.Element.GetArrayLength());
        foreach (var element in vocabulary.Element.EnumerateArray())
        {
            tokens.Add(ReadToken(element) ?? throw vocabulary.Error(
                $"entry {tokens.Count}: must be [text, score] with a text of at most "
                + $"{VocabularyLimits.TokenLength} characters and a finite score"));
        }
        return tokens;
    }

    private static (string Text, double Score)? ReadToken(JsonElement pair)
    {
        if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2
            || pair[0].ValueKind != JsonValueKind.String
            || pair[1].ValueKind != JsonValueKind.Number)
        {
            return null;
        }
        var text = pair[0].GetString()!;
        var valid = text.Length <= VocabularyLimits.TokenLength
            && pair[1].TryGetDouble(out var score) && double.IsFinite(score);
        return valid ? (text, pair[1].GetDouble()) : null;
    }
}
