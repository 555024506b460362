// What may be called on a value with a dot: methods of strings and of mappings. Nothing that
// changes a value in place exists, as in the sandbox that templates are written for.

namespace NanoFlow.Tokenization.Templates;

internal static class Methods
{
    private static readonly Dictionary<string, TemplateFunction> OfStrings = new()
    {
        ["strip"] = static call => Strip(call, left: true, right: true),
        ["lstrip"] = static call => Strip(call, left: true, right: false),
        ["rstrip"] = static call => Strip(call, left: false, right: true),
        ["split"] = Split,
        ["startswith"] = static call => AnyAffix(call, call.InputText.StartsWith),
        ["endswith"] = static call => AnyAffix(call, call.InputText.EndsWith),
        ["upper"] = static call => call.State.Made(call.InputText.ToUpperInvariant()),
        ["lower"] = static call => call.State.Made(call.InputText.ToLowerInvariant()),
        ["capitalize"] = Filters.Capitalize,
        ["title"] = Filters.Title,
        ["replace"] = Filters.Replace,
        ["find"] = static call => Value.Of((long)call.InputText.IndexOf(
            call.Text(0, "sub"), StringComparison.Ordinal)),
        ["join"] = static call => Filters.Join(call with
        {
            Input = call.Argument(0),
            Positional = [call.Input],
        }),
    };

    private static readonly Dictionary<string, TemplateFunction> OfMappings = new()
    {
        ["get"] = static call => call.Input.Map.TryGetValue(call.Argument(0, "key"), out var value)
            ? value
            : call.Has(1, "default") ? call.Argument(1, "default") : Value.None,
        ["items"] = Filters.Items,
        ["keys"] = static call => Value.Of([.. call.Input.Map.Keys]),
        ["values"] = static call => Value.Of([.. call.Input.Map.Values]),
    };

    public static TemplateFunction? Find(in Value value, string name) => value.Kind switch
    {
        ValueKind.String => OfStrings.GetValueOrDefault(name),
        ValueKind.Mapping => OfMappings.GetValueOrDefault(name),
        _ => null,
    };

    // Without an argument white space goes, otherwise any of the characters given.
    public static Value Strip(TemplateCall call, bool left, bool right)
    {
        var text = call.InputText;
        var set = call.Has(0, "chars") ? call.Text(0, "chars").ToCharArray() : null;
        text = left ? text.TrimStart(set) : text;
        text = right ? text.TrimEnd(set) : text;
        return call.State.Made(text);
    }

    private static Value Split(TemplateCall call)
    {
        var limit = call.Integer(1, "maxsplit", -1);
        var parts = limit < 0 ? int.MaxValue : (int)Math.Min(limit + 1, int.MaxValue);
        if (call.Argument(0, "sep").Kind is ValueKind.Undefined or ValueKind.None)
        {
            var words = call.InputText.Split(
                (char[]?)null, parts, StringSplitOptions.RemoveEmptyEntries);
            return call.State.Made([.. words.Select(Value.Of)]);
        }
        var separator = call.Text(0, "sep");
        return separator.Length > 0
            ? call.State.Made([.. call.InputText.Split(separator, parts).Select(Value.Of)])
            : throw call.State.Error("split: the separator is empty");
    }

    private static Value AnyAffix(TemplateCall call, Func<string, StringComparison, bool> matches)
    {
        var affixes = call.Argument(0, "prefix");
        return affixes.Kind == ValueKind.List
            ? Value.Of(affixes.List.Exists(affix =>
                affix.Kind == ValueKind.String && matches(affix.Text, StringComparison.Ordinal)))
            : Value.Of(matches(call.Text(0, "prefix"), StringComparison.Ordinal));
    }
}
