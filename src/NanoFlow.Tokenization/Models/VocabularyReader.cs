// Reads the "vocab" object of a model, token texts and their ids, within the limits of ids and
// lengths; and the unknown token that a model names.

using System.Text.Json;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal static class VocabularyReader
{
    public static Dictionary<string, int> Read(FileNode vocabulary)
    {
        if (vocabulary.Element.ValueKind != JsonValueKind.Object)
        {
            throw vocabulary.Error("must be an object of token texts and ids");
        }
        var tokens = new Dictionary<string, int>();
        foreach (var property in vocabulary.Element.EnumerateObject())
        {
            var valid = property.Name.Length <= VocabularyLimits.TokenLength
                && property.Value.ValueKind == JsonValueKind.Number
                && property.Value.TryGetInt32(out var id)
                && id is >= 0 and <= VocabularyLimits.MaximumId;
            tokens[property.Name] = valid
                ? property.Value.GetInt32()
                : throw vocabulary.Error(
                    $"entry {tokens.Count}: must be a token of at most "
                    + $"{VocabularyLimits.TokenLength} characters with an id from 0 to "
                    + $"{VocabularyLimits.MaximumId}");
        }
        return tokens;
    }

    // The id of the unknown token, which must be in the vocabulary.
    public static int UnknownId(FileNode node, Dictionary<string, int> tokens, string unknown) =>
        tokens.TryGetValue(unknown, out var id)
            ? id
            : throw node.Error($"unk_token '{unknown}' is not in the vocabulary");

    // The ids of the tokens "<0x00>" to "<0xFF>"; -1 for those that the vocabulary lacks.
    public static int[] ByteIds(Dictionary<string, int> tokens) =>
        [.. Enumerable.Range(0, 256).Select(b => tokens.GetValueOrDefault($"<0x{b:X2}>", -1))];
}
