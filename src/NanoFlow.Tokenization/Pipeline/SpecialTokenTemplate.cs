// The post-processor of a tokenizer file, reduced to what serving needs: the ids put before and
// after the text when special tokens are asked for. Pairs of texts and offsets play no part here.

namespace NanoFlow.Tokenization.Pipeline;

internal sealed record SpecialTokenTemplate(int[] Before, int[] After)
{
    public static readonly SpecialTokenTemplate Empty = new([], []);

    private static readonly Dictionary<string, Func<FileNode, SpecialTokenTemplate>> Kinds = new()
    {
        ["ByteLevel"] = static _ => Empty,
        ["Sequence"] = ReadSequence,
        ["TemplateProcessing"] = ReadTemplate,
        ["BertProcessing"] = ReadPair,
        ["RobertaProcessing"] = ReadPair,
    };

    public static SpecialTokenTemplate Read(FileNode node) =>
        Kinds.TryGetValue(node.Type, out var read) ? read(node) : throw node.UnsupportedType();

    private static SpecialTokenTemplate ReadSequence(FileNode node)
    {
        var whole = Empty;
        foreach (var item in node.Items("processors"))
        {
            var outer = Read(item);
            whole = new SpecialTokenTemplate(
                [.. outer.Before, .. whole.Before], [.. whole.After, .. outer.After]);
        }
        return whole;
    }

    private static SpecialTokenTemplate ReadTemplate(FileNode node)
    {
        var before = new List<int>();
        var after = new List<int>();
        var seenText = false;
        foreach (var item in node.Items("single"))
        {
            if (item.Optional("Sequence") is not null)
            {
                seenText = seenText ? throw item.Error("the text appears twice") : true;
                continue;
            }
            var name = item.Child("SpecialToken").Text("id");
            var ids = node.Child("special_tokens").Child(name).Items("ids");
            (seenText ? after : before).AddRange(
                ids.Select(static id => id.AsInteger(0, VocabularyLimits.MaximumId)));
        }
        return seenText
            ? new SpecialTokenTemplate([.. before], [.. after])
            : throw node.Error("'single' must contain the sequence A");
    }

    // "cls" and "sep" are [text, id].
    private static SpecialTokenTemplate ReadPair(FileNode node) =>
        new([ReadPairId(node.Child("cls"))], [ReadPairId(node.Child("sep"))]);

    private static int ReadPairId(FileNode pair)
    {
        var items = pair.AsItems().ToArray();
        return items.Length == 2
            ? items[1].AsInteger(0, VocabularyLimits.MaximumId)
            : throw pair.Error("must be [text, id]");
    }
}
