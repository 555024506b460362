// Objects and arrays. Their members are a chain with two tracks, before and after the first member:
// a member is written once, and entered from the one track directly, from the other behind a comma.

using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

/// <param name="text">Writes the pieces.</param>
/// <param name="ruleOf">The rule of a schema inside.</param>
internal sealed class ObjectText(JsonText text, Func<SchemaNode, int> ruleOf)
{
    private readonly ProgramBuilder _builder = text.Builder;

    public int Object(SchemaNode node, int next)
    {
        var properties = WithRequired(node);
        var required = node.Required.ToHashSet();
        var close = text.Space(_builder.Range('}', '}', next));
        var (first, rest) = (close, close);
        if (node.Additional is { IsNever: false } additional)
        {
            var rule = ruleOf(additional);
            var names = properties.Select(static p => p.Name);
            var loop = _builder.Star(
                at => text.Comma(OtherName(names, text.Colon(_builder.Call(rule, at)))), close);
            var pair = OtherName(names, text.Colon(_builder.Call(rule, loop)));
            (first, rest) = (_builder.Split(close, text.Space(pair)), loop);
        }
        for (var i = properties.Count - 1; i >= 0; i--)
        {
            var (name, schema) = properties[i];
            var isRequired = required.Contains(name);
            var value = _builder.Call(ruleOf(schema), rest);
            var pair = _builder.Bytes(JsonText.Literal(name), text.Colon(value));
            first = _builder.Split(text.Space(pair), isRequired ? _builder.Fail : first);
            rest = _builder.Split(text.Comma(pair), isRequired ? _builder.Fail : rest);
        }
        return _builder.Range('{', '{', first);
    }

    public int Array(SchemaNode node, int next)
    {
        var (minimum, maximum) = (node.ItemCount.Minimum, node.ItemCount.Maximum);
        if (minimum > maximum)
        {
            return _builder.Fail;
        }
        var close = text.Space(_builder.Range(']', ']', next));
        var prefix = node.Prefix.Take(maximum ?? int.MaxValue).ToList();
        // After a list of places, more are written only when they are asked for.
        var items = node.Items ?? (prefix.Count == 0 || minimum > prefix.Count
            ? SchemaNode.Any
            : SchemaNode.Never);
        var (first, rest) = Tail(
            items, minimum - prefix.Count, maximum - prefix.Count, prefix.Count == 0, close);
        for (var i = prefix.Count - 1; i >= 0; i--)
        {
            var element = _builder.Call(ruleOf(prefix[i]), rest);
            var end = i >= minimum ? close : _builder.Fail;
            (first, rest) = (_builder.Split(text.Space(element), end),
                _builder.Split(text.Comma(element), end));
        }
        return _builder.Range('[', '[', first);
    }

    // Elements that are all alike: so many as the first of the array, and so many behind others.
    private (int AsFirst, int Behind) Tail(
        SchemaNode items, int minimum, int? maximum, bool isFirst, int close)
    {
        minimum = Math.Max(minimum, 0);
        if (items.IsNever || maximum == 0)
        {
            var none = minimum == 0 ? close : _builder.Fail;
            return (none, none);
        }
        var rule = ruleOf(items);
        if (!isFirst)
        {
            return (close, _builder.Counted(
                minimum,
                maximum ?? ProgramBuilder.NoLimit,
                at => text.Comma(_builder.Call(rule, at)),
                close));
        }
        var more = _builder.Counted(
            Math.Max(minimum - 1, 0),
            maximum - 1 ?? ProgramBuilder.NoLimit,
            at => text.Comma(_builder.Call(rule, at)),
            close);
        var first = text.Space(_builder.Call(rule, more));
        return (minimum == 0 ? _builder.Split(first, close) : first, close);
    }

    private static List<(string Name, SchemaNode Schema)> WithRequired(SchemaNode node)
    {
        var names = node.Properties.Select(static p => p.Name).ToHashSet();
        return
        [
            .. node.Properties,
            .. node.Required.Where(name => !names.Contains(name))
                .Select(name => (name, node.Additional ?? SchemaNode.Any)),
        ];
    }

    // A key that none of the names is: plain characters only, so that no escape spells one.
    private int OtherName(IEnumerable<string> names, int next)
    {
        var runes = names.Select(static name =>
            name.EnumerateRunes().Select(static rune => rune.Value).ToArray()).ToArray();
        var plain = JsonText.Plain;
        var close = _builder.Range('"', '"', next);
        var free = _builder.Star(at => _builder.Characters(plain, at), close);
        return _builder.Range('"', '"', Differs(runes, 0, free, next));
    }

    private int Differs(int[][] names, int depth, int free, int next)
    {
        var entry = names.Any(name => name.Length == depth)
            ? _builder.Fail
            : _builder.Range('"', '"', next);
        var longer = names.Where(name => name.Length > depth).ToArray();
        if (depth == GrammarLimits.SchemaDepth * 4)
        {
            return entry; // names that long: no key may begin like them
        }
        var known = new CodePoints(longer.Select(name => (name[depth], name[depth])));
        entry = _builder.Split(
            entry, _builder.Characters(JsonText.Plain.Except(known), free));
        foreach (var group in longer.GroupBy(name => name[depth]))
        {
            var inner = Differs([.. group], depth + 1, free, next);
            var at = _builder.Characters(CodePoints.Of(group.Key).Intersect(JsonText.Plain), inner);
            entry = _builder.Split(entry, at);
        }
        return entry;
    }
}
