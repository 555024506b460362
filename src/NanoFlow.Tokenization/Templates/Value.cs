// A value of a template: Python's kinds as far as templates meet them. Nothing else exists for a
// template; there is no way from here to an object of the host.

using System.Runtime.CompilerServices;
using System.Text.Json;

namespace NanoFlow.Tokenization.Templates;

internal enum ValueKind
{
    // The default: what a name without a value is.
    Undefined,
    None,
    Boolean,
    Integer,
    Float,
    String,
    List,
    Mapping,
    Namespace,
    Loop,
    Function,
}

// A function, filter, test or method.
internal delegate Value TemplateFunction(TemplateCall call);

internal readonly struct Value : IEquatable<Value>
{
    private readonly long _bits;
    private readonly object? _reference;

    private Value(ValueKind kind, long bits, object? reference)
    {
        Kind = kind;
        _bits = bits;
        _reference = reference;
    }

    public static readonly Value None = new(ValueKind.None, 0, null);

    public ValueKind Kind { get; }

    public bool IsUndefined => Kind == ValueKind.Undefined;

    public bool IsNumber => Kind is ValueKind.Boolean or ValueKind.Integer or ValueKind.Float;

    // Truth counts as 1 in arithmetic, as in Python.
    public long Integer => _bits;

    public double Float => Kind == ValueKind.Float ? BitConverter.Int64BitsToDouble(_bits) : _bits;

    public string Text => Unsafe.As<string>(_reference!);

    public List<Value> List => Unsafe.As<List<Value>>(_reference!);

    // Mappings and namespaces; insertion order is kept because nothing is ever removed.
    // Keys are strings and integers.
    public Dictionary<Value, Value> Map => Unsafe.As<Dictionary<Value, Value>>(_reference!);

    public bool IsKey => Kind is ValueKind.String or ValueKind.Integer;

    public LoopState Loop => Unsafe.As<LoopState>(_reference!);

    public TemplateFunction Function => Unsafe.As<TemplateFunction>(_reference!);

    // What an undefined value was called, for the message when it is used.
    public string UndefinedName => _reference as string ?? "value";

    public bool IsTrue => Kind switch
    {
        ValueKind.Undefined or ValueKind.None => false,
        ValueKind.Boolean or ValueKind.Integer => _bits != 0,
        ValueKind.Float => Float != 0,
        ValueKind.String => Text.Length > 0,
        ValueKind.List => List.Count > 0,
        ValueKind.Mapping => Map.Count > 0,
        _ => true,
    };

    public static Value Undefined(string name) => new(ValueKind.Undefined, 0, name);

    public static Value Of(bool value) => new(ValueKind.Boolean, value ? 1 : 0, null);

    public static Value Of(long value) => new(ValueKind.Integer, value, null);

    public static Value Of(double value) =>
        new(ValueKind.Float, BitConverter.DoubleToInt64Bits(value), null);

    public static Value Of(string value) => new(ValueKind.String, 0, value);

    public static Value Of(List<Value> value) => new(ValueKind.List, 0, value);

    public static Value Of(Dictionary<Value, Value> value) => new(ValueKind.Mapping, 0, value);

    public static Value Of(LoopState value) => new(ValueKind.Loop, 0, value);

    public static Value Of(TemplateFunction value) => new(ValueKind.Function, 0, value);

    public static Value Namespace(Dictionary<Value, Value> value) =>
        new(ValueKind.Namespace, 0, value);

    // Equality of keys; what templates mean by == is ValueOperations.AreEqual.
    public bool Equals(Value other) =>
        Kind == other.Kind && _bits == other._bits && Equals(_reference, other._reference);

    public override bool Equals(object? obj) => obj is Value other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Kind, _bits, _reference);

    public static Value FromJson(JsonElement json, Func<string, string>? guard)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new Dictionary<Value, Value>();
                foreach (var property in json.EnumerateObject())
                {
                    map[Of(property.Name)] = FromJson(property.Value, guard);
                }
                return Of(map);
            case JsonValueKind.Array:
                return Of([.. json.EnumerateArray().Select(item => FromJson(item, guard))]);
            case JsonValueKind.String:
                var text = json.GetString()!;
                return Of(guard is null ? text : guard(text));
            case JsonValueKind.Number:
                return json.TryGetInt64(out var integer) ? Of(integer) : Of(json.GetDouble());
            case JsonValueKind.True or JsonValueKind.False:
                return Of(json.GetBoolean());
            default:
                return None;
        }
    }
}
