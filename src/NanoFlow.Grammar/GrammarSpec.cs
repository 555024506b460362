using System.Text;
using System.Text.Json;
using NanoFlow.Grammar.Json;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar;

/// <summary>What an answer must look like. Equal keys mean equal grammars.</summary>
public abstract record GrammarSpec
{
    public static readonly GrammarSpec JsonObject = new ObjectSpec();

    public static GrammarSpec Text(string text) => new TextSpec(text);

    /// <param name="schema">A JSON schema.</param>
    /// <param name="isStrict">Keywords that cannot be followed are refused, not let go.</param>
    public static GrammarSpec Schema(string schema, bool isStrict) =>
        new SchemaSpec(schema, isStrict);

    public static GrammarSpec Sequence(params IReadOnlyList<GrammarSpec> parts) =>
        new SequenceSpec(parts);

    public static GrammarSpec Choice(params IReadOnlyList<GrammarSpec> parts) =>
        new ChoiceSpec(parts);

    /// <param name="part">Once, or several times with the separator between.</param>
    /// <param name="separator">What stands between two.</param>
    /// <param name="maximum">How often at most.</param>
    public static GrammarSpec List(GrammarSpec part, string separator, int maximum) =>
        new ListSpec(part, separator, maximum);

    /// <summary>Thoughts before an answer: any text up to the closing mark, then the answer.
    /// </summary>
    /// <param name="begin">The mark that opens them. Without it there are none.</param>
    /// <param name="end">The mark that closes them.</param>
    /// <param name="isOpen">They have begun before the text.</param>
    /// <param name="answer">What follows.</param>
    public static GrammarSpec AfterThoughts(
        string begin, string end, bool isOpen, GrammarSpec answer) =>
        new ThoughtsSpec(begin, end, isOpen, answer);

    /// <summary>Names the grammar in a cache.</summary>
    public string Key
    {
        get
        {
            var key = new StringBuilder();
            WriteKey(key);
            return key.ToString();
        }
    }

    internal abstract void WriteKey(StringBuilder key);

    internal abstract int Compile(JsonText text, int next);

    internal static GrammarProgram Compile(GrammarSpec spec)
    {
        var builder = new ProgramBuilder();
        return builder.Build(spec.Compile(new JsonText(builder), builder.End));
    }

    private static void WriteText(StringBuilder key, char kind, string text) =>
        key.Append(kind).Append(text.Length).Append(':').Append(text);

    private static void WriteParts(
        StringBuilder key, char kind, IReadOnlyList<GrammarSpec> parts)
    {
        key.Append(kind).Append(parts.Count).Append(':');
        foreach (var part in parts)
        {
            part.WriteKey(key);
        }
    }

    private sealed record ObjectSpec : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key) => key.Append('o');

        internal override int Compile(JsonText text, int next) => text.Object(next);
    }

    private sealed record TextSpec(string Content) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key) => WriteText(key, 't', Content);

        internal override int Compile(JsonText text, int next) =>
            text.Builder.Text(Content, next);
    }

    private sealed record SchemaSpec(string Content, bool IsStrict) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key) =>
            WriteText(key, IsStrict ? 'S' : 's', Content);

        internal override int Compile(JsonText text, int next)
        {
            if (Encoding.UTF8.GetByteCount(Content) > GrammarLimits.SchemaBytes)
            {
                throw new GrammarException(
                    $"a schema has at most {GrammarLimits.SchemaBytes} bytes");
            }
            try
            {
                var options = new JsonDocumentOptions { MaxDepth = GrammarLimits.SchemaDepth };
                using var document = JsonDocument.Parse(Content, options);
                return new SchemaCompiler(document.RootElement, IsStrict, text).Compile(next);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                // Text that is no JSON, nests too deep, or spells half a character.
                throw new GrammarException($"the schema cannot be read: {e.Message}", e);
            }
        }
    }

    private sealed record SequenceSpec(IReadOnlyList<GrammarSpec> Parts) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key) => WriteParts(key, 'q', Parts);

        internal override int Compile(JsonText text, int next) =>
            Parts.Reverse().Aggregate(next, (at, part) => part.Compile(text, at));
    }

    private sealed record ChoiceSpec(IReadOnlyList<GrammarSpec> Parts) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key) => WriteParts(key, 'c', Parts);

        internal override int Compile(JsonText text, int next) => Parts.Aggregate(
            text.Builder.Fail, (at, part) => text.Builder.Split(at, part.Compile(text, next)));
    }

    private sealed record ThoughtsSpec(
        string Begin, string End, bool IsOpen, GrammarSpec Answer) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key)
        {
            WriteText(key, IsOpen ? 'h' : 'H', Begin);
            WriteText(key, 'e', End);
            Answer.WriteKey(key);
        }

        internal override int Compile(JsonText text, int next)
        {
            var builder = text.Builder;
            var answer = Answer.Compile(text, next);
            var lines = builder.Counted(0, 2, at => builder.Range('\n', '\n', at), answer);
            var thoughts = builder.Until(End, lines);
            return IsOpen ? thoughts : builder.Split(answer, builder.Text(Begin, thoughts));
        }
    }

    private sealed record ListSpec(GrammarSpec Part, string Separator, int Maximum) : GrammarSpec
    {
        internal override void WriteKey(StringBuilder key)
        {
            WriteText(key, 'l', Separator);
            key.Append(Maximum).Append(':');
            Part.WriteKey(key);
        }

        internal override int Compile(JsonText text, int next)
        {
            var builder = text.Builder;
            var rule = builder.DeclareRule();
            builder.DefineRule(rule, Part.Compile(text, builder.End));
            var more = builder.Counted(
                0, Maximum - 1, at => builder.Text(Separator, builder.Call(rule, at)), next);
            return builder.Call(rule, more);
        }
    }
}
