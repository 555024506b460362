// A pattern as the content of a JSON string. JSON Schema looks for a pattern anywhere in a string,
// so any characters may stand before and after it, unless it is anchored.

using NanoFlow.Grammar.Machine;
using NanoFlow.Grammar.Patterns;

namespace NanoFlow.Grammar.Json;

internal sealed class PatternText(JsonText text)
{
    private readonly ProgramBuilder _builder = text.Builder;

    /// <exception cref="GrammarException">It cannot be followed.</exception>
    public int Compile(string pattern, int next)
    {
        var entry = _builder.Fail;
        var anything = _builder.Star(text.Character, next);
        foreach (var branch in Branches(RegexReader.Read(pattern)))
        {
            var items = Flatten(branch);
            var isFromStart = items is [RegexAnchor { IsStart: true }, ..];
            items = isFromStart ? items[1..] : items;
            var isToEnd = items is [.., RegexAnchor { IsStart: false }];
            items = isToEnd ? items[..^1] : items;
            var body = Write(new RegexSequence(items), isToEnd ? next : anything);
            entry = _builder.Split(
                entry, isFromStart ? body : _builder.Star(text.Character, body));
        }
        return entry;
    }

    private static IReadOnlyList<RegexNode> Branches(RegexNode node) => node switch
    {
        RegexChoice choice => [.. choice.Branches.SelectMany(Branches)],
        RegexSequence { Items: [var only] } => Branches(only),
        _ => [node],
    };

    private static RegexNode[] Flatten(RegexNode node) =>
        node is RegexSequence sequence ? [.. sequence.Items.SelectMany(Flatten)] : [node];

    private int Write(RegexNode node, int next)
    {
        switch (node)
        {
            case RegexSet { Set: var set }:
                return text.Character(set, next);
            case RegexSequence sequence:
                return sequence.Items.Reverse().Aggregate(next, (at, item) => Write(item, at));
            case RegexChoice choice:
                return choice.Branches.Aggregate(
                    _builder.Fail, (entry, branch) => _builder.Split(entry, Write(branch, next)));
            case RegexRepeat repeat:
                return Repeat(repeat, next);
            default:
                throw new GrammarException("pattern: '^' and '$' are supported at its ends only");
        }
    }

    // A body that may be empty is not counted: it is written out, or repeated freely.
    private int Repeat(RegexRepeat repeat, int next)
    {
        if (!repeat.Body.IsNullable)
        {
            return _builder.Counted(
                repeat.Minimum, repeat.Maximum, at => Write(repeat.Body, at), next);
        }
        if (repeat.Maximum == ProgramBuilder.NoLimit)
        {
            return _builder.Star(at => Write(repeat.Body, at), next);
        }
        for (var i = 0; i < repeat.Maximum; i++)
        {
            next = Write(repeat.Body, next);
        }
        return next;
    }
}
