using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

/// <summary>Strings with a length, a pattern or a format.</summary>
internal sealed class StringText(JsonText text, bool isStrict)
{
    private readonly PatternText _patterns = new(text);

    public int String(SchemaNode node, int next)
    {
        if (node.Pattern is null && node.Format is null)
        {
            var (minimum, maximum) = (node.Length.Minimum, node.Length.Maximum);
            return node.Length == default
                ? text.String(next)
                : minimum > maximum
                    ? text.Builder.Fail
                    : text.String(minimum, maximum ?? ProgramBuilder.NoLimit, next);
        }
        var isBoth = node.Pattern is not null && node.Format is not null;
        if (isStrict && (node.Length != default || isBoth))
        {
            throw SchemaReader.Error(
                node.Path, "with strict, only one of pattern, format and lengths is supported");
        }
        var pattern = node.Pattern ?? Formats.PatternOf(node.Format!)!;
        try
        {
            return text.Quoted(at => _patterns.Compile(pattern, at), next);
        }
        catch (GrammarException e) when (node.Pattern is not null)
        {
            throw SchemaReader.Error(node.Path, e.Message);
        }
    }
}
