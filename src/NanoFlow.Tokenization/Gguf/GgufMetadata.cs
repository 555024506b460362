// The metadata of a GGUF file as the tokenizer reads it: plain values by key. Every complaint names
// the file, the key and what was expected.

namespace NanoFlow.Tokenization.Gguf;

internal sealed class GgufMetadata(string file, IReadOnlyDictionary<string, object> values)
{
    public const string Prefix = "tokenizer.ggml.";

    public string File => file;

    public IEnumerable<string> Keys => values.Keys;

    public TokenizerFormatException Error(string key, string reason) =>
        new($"{file}: {key}: {reason}");

    public string Text(string key) => OptionalText(key) ?? throw Error(key, "is missing");

    public string? OptionalText(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        string text => text,
        _ => throw Error(key, "must be a string"),
    };

    public bool? OptionalFlag(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        bool flag => flag,
        _ => throw Error(key, "must be true or false"),
    };

    // The id of one of so many tokens.
    public int? OptionalId(string key, int count) => values.GetValueOrDefault(key) switch
    {
        null => null,
        long id when id >= 0 && id < count => (int)id,
        _ => throw Error(key, $"must be an integer from 0 to {count - 1}"),
    };

    public IReadOnlyList<string> Strings(string key) => values.GetValueOrDefault(key) switch
    {
        null => throw Error(key, "is missing"),
        IReadOnlyList<string> list => list,
        _ => throw Error(key, "must be an array of strings"),
    };

    // Null when the key is absent; one number for each of so many tokens.
    public IReadOnlyList<double>? OptionalNumbers(string key, int count) =>
        values.GetValueOrDefault(key) switch
        {
            null => null,
            IReadOnlyList<double> list when list.Count == count => list,
            _ => throw Error(key, $"must be an array of {count} numbers, one for each token"),
        };
}
