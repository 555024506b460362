// A JSON schema as a grammar. Objects have their properties in the order of the schema; what
// $ref points at becomes a rule, so that recursion is no matter.

using System.Text.Json;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

internal sealed class SchemaCompiler
{
    // References within allOf, one leading to the next.
    private const int MergeDepth = 64;

    private readonly JsonElement _root;
    private readonly SchemaReader _reader;
    private readonly ProgramBuilder _builder;
    private readonly JsonText _text;
    private readonly ObjectText _objects;
    private readonly StringText _strings;
    private readonly bool _isStrict;
    private readonly Dictionary<string, int> _rules = [];
    private readonly Queue<(int Rule, SchemaNode Schema)> _pending = [];
    private int _schemas;

    public SchemaCompiler(JsonElement root, bool isStrict, JsonText text)
    {
        _root = root;
        _isStrict = isStrict;
        _reader = new SchemaReader(isStrict);
        _builder = text.Builder;
        _text = text;
        _objects = new ObjectText(text, RuleOf);
        _strings = new StringText(text, isStrict);
    }

    /// <exception cref="GrammarException">It cannot be followed.</exception>
    public int Compile(int next)
    {
        var entry = Compile(_reader.Read(_root, "#"), next, 0);
        while (_pending.TryDequeue(out var waiting))
        {
            _builder.DefineRule(
                waiting.Rule, Compile(waiting.Schema, _builder.End, 0));
        }
        return entry;
    }

    private int Compile(SchemaNode node, int next, int depth)
    {
        if (++_schemas > GrammarLimits.Schemas)
        {
            throw SchemaReader.Error(
                node.Path, $"its branches multiply to more than {GrammarLimits.Schemas}");
        }
        if (depth > MergeDepth)
        {
            throw SchemaReader.Error(node.Path, "it refers to itself, or nests too deep");
        }
        if (node.IsNever)
        {
            return _builder.Fail;
        }
        if (node.IsPlainReference)
        {
            return _builder.Call(RuleOf(node.References[0], node.Path), next);
        }
        if (node.References is [var first, ..])
        {
            var rest = node with { References = [.. node.References.Skip(1)] };
            var target = _reader.Read(
                SchemaPointer.Resolve(_root, first, node.Path), first);
            return Compile(SchemaMerge.Both(rest, target), next, depth + 1);
        }
        if (node.AllOf.Count > 0)
        {
            var merged = node.AllOf.Aggregate(node with { AllOf = [] }, SchemaMerge.Both);
            return Compile(merged, next, depth + 1);
        }
        if (node.AnyOf is [var group, ..])
        {
            var rest = node with { AnyOf = [.. node.AnyOf.Skip(1)] };
            return group.Aggregate(_builder.Fail, (entry, branch) => _builder.Split(
                entry, Compile(SchemaMerge.Both(rest, branch), next, depth + 1)));
        }
        return node.Values is not null ? Values(node, next) : Types(node, next);
    }

    private int Types(SchemaNode node, int next)
    {
        if (node.IsAny)
        {
            return _text.Value(next);
        }
        var types = node.Types == JsonTypes.None ? Inferred(node) : node.Types;
        var entry = _builder.Fail;
        foreach (var type in Enum.GetValues<JsonTypes>())
        {
            if (type is not (JsonTypes.None or JsonTypes.All) && types.HasFlag(type)
                && !(type == JsonTypes.Integer && types.HasFlag(JsonTypes.Number)))
            {
                entry = _builder.Split(entry, OneType(type, node, next));
            }
        }
        return entry;
    }

    // Keywords of one type say which type is meant.
    private static JsonTypes Inferred(SchemaNode node) =>
        node.HasObjectWords ? JsonTypes.Object
        : node.HasArrayWords ? JsonTypes.Array
        : node.HasStringWords ? JsonTypes.String
        : JsonTypes.Number;

    private int OneType(JsonTypes type, SchemaNode node, int next)
    {
        switch (type)
        {
            case JsonTypes.Object:
                return node.HasObjectWords ? _objects.Object(node, next) : _text.Object(next);
            case JsonTypes.Array:
                return node.HasArrayWords ? _objects.Array(node, next) : _text.Array(next);
            case JsonTypes.String:
                return _strings.String(node, next);
            case JsonTypes.Number:
                return Number(node, next);
            case JsonTypes.Integer:
                return node.Range.IsOpen
                    ? _text.Numbers.Integer(next)
                    : _text.Numbers.Integer(node.Range, next);
            case JsonTypes.Boolean:
                return _builder.Split(
                    _builder.Text("true", next), _builder.Text("false", next));
            default:
                return _builder.Text("null", next);
        }
    }

    private int Number(SchemaNode node, int next)
    {
        if (node.Range.IsOpen)
        {
            return _text.Numbers.Number(next);
        }
        if (!IsWhole(node.Range.Minimum) || !IsWhole(node.Range.Maximum))
        {
            throw SchemaReader.Error(
                node.Path, "bounds of a number that is no integer must be whole numbers");
        }
        return _text.Numbers.Number(node.Range, next);
    }

    private static bool IsWhole(decimal? bound) => bound is not { } b || b == Math.Floor(b);

    private int Values(SchemaNode node, int next)
    {
        if (node.HasObjectWords || node.HasArrayWords || node.HasNumberWords
            || (node.HasStringWords && _isStrict))
        {
            throw SchemaReader.Error(
                node.Path, "beside enum or const, only type is supported");
        }
        var literals = node.Values!.Where(value => node.Types == JsonTypes.None
            || (node.Types & JsonLiterals.TypesOf(value)) != 0);
        return JsonLiterals.OneOf(_builder, [.. literals.Select(JsonText.Literal)], next);
    }

    private int RuleOf(string pointer, string path)
    {
        if (!_rules.TryGetValue(pointer, out var rule))
        {
            var target = SchemaPointer.Resolve(_root, pointer, path);
            rule = _builder.DeclareRule();
            _rules.Add(pointer, rule);
            _pending.Enqueue((rule, _reader.Read(target, pointer)));
        }
        return rule;
    }

    private int RuleOf(SchemaNode schema)
    {
        if (schema.IsPlainReference)
        {
            return RuleOf(schema.References[0], schema.Path);
        }
        var rule = _builder.DeclareRule();
        _pending.Enqueue((rule, schema));
        return rule;
    }
}
