// What operators do with values, by Python's rules: arithmetic, comparison, membership, indexing,
// slicing and iteration. Using an undefined value is an error; printing or testing it is not.

namespace NanoFlow.Tokenization.Templates;

internal static class ValueOperations
{
    public static bool AreEqual(in Value a, in Value b, RenderState state)
    {
        if (a.IsNumber && b.IsNumber)
        {
            return a.Kind == ValueKind.Float || b.Kind == ValueKind.Float
                ? a.Float == b.Float
                : a.Integer == b.Integer;
        }
        if (a.Kind != b.Kind)
        {
            return false;
        }
        return a.Kind switch
        {
            ValueKind.String => a.Text == b.Text,
            ValueKind.List => ListsAreEqual(a.List, b.List, state),
            ValueKind.Mapping => MapsAreEqual(a.Map, b.Map, state),
            ValueKind.None or ValueKind.Undefined => true,
            ValueKind.Function => ReferenceEquals(a.Function, b.Function),
            ValueKind.Namespace => ReferenceEquals(a.Map, b.Map),
            _ => false,
        };
    }

    public static int Compare(in Value a, in Value b, RenderState state)
    {
        if (a.IsNumber && b.IsNumber)
        {
            return a.Kind == ValueKind.Float || b.Kind == ValueKind.Float
                ? a.Float.CompareTo(b.Float)
                : a.Integer.CompareTo(b.Integer);
        }
        return a.Kind == ValueKind.String && b.Kind == ValueKind.String
            ? string.CompareOrdinal(a.Text, b.Text)
            : throw state.Error($"{Name(a)} and {Name(b)} have no order");
    }

    public static bool Contains(in Value container, Value item, RenderState state)
    {
        switch (container.Kind)
        {
            case ValueKind.String:
                return item.Kind == ValueKind.String
                    ? container.Text.Contains(item.Text, StringComparison.Ordinal)
                    : throw state.Error($"'in' a string needs a string, not {Name(item)}");
            case ValueKind.List:
                state.Step(container.List.Count);
                return container.List.Exists(value => AreEqual(value, item, state));
            case ValueKind.Mapping:
                return container.Map.ContainsKey(item);
            case ValueKind.Undefined:
                return false;
            default:
                throw state.Error($"{Name(container)} contains nothing");
        }
    }

    public static Value Add(in Value a, in Value b, RenderState state)
    {
        if (a.Kind == ValueKind.String && b.Kind == ValueKind.String)
        {
            state.CheckLength((long)a.Text.Length + b.Text.Length);
            return state.Made(a.Text + b.Text);
        }
        if (a.Kind == ValueKind.List && b.Kind == ValueKind.List)
        {
            return state.Made([.. a.List, .. b.List]);
        }
        return Arithmetic("+", a, b, state);
    }

    public static Value Arithmetic(string symbol, in Value a, in Value b, RenderState state)
    {
        if (!a.IsNumber || !b.IsNumber)
        {
            throw state.Error($"'{symbol}' does not apply to {Name(a)} and {Name(b)}");
        }
        var isZero = b.Kind == ValueKind.Float ? b.Float == 0 : b.Integer == 0;
        if (isZero && symbol is ("/" or "//" or "%"))
        {
            throw state.Error("division by zero");
        }
        if (symbol == "/" || a.Kind == ValueKind.Float || b.Kind == ValueKind.Float)
        {
            return Value.Of(Calculate(symbol, a.Float, b.Float));
        }
        try
        {
            return Value.Of(Calculate(symbol, a.Integer, b.Integer));
        }
        catch (OverflowException)
        {
            throw state.Error($"result of '{symbol}' is out of range");
        }
    }

    // The element at a key or index; undefined when there is none.
    public static Value Index(in Value value, in Value key, RenderState state)
    {
        switch (value.Kind)
        {
            case ValueKind.Mapping or ValueKind.Namespace when key.IsKey:
                return value.Map.TryGetValue(key, out var found)
                    ? found
                    : Value.Undefined(ValueText.Str(key, state));
            case ValueKind.List when key.Kind == ValueKind.Integer:
                var at = key.Integer < 0 ? key.Integer + value.List.Count : key.Integer;
                return at >= 0 && at < value.List.Count
                    ? value.List[(int)at]
                    : Value.Undefined($"element {key.Integer}");
            case ValueKind.String when key.Kind == ValueKind.Integer:
                var place = key.Integer < 0 ? key.Integer + value.Text.Length : key.Integer;
                return place >= 0 && place < value.Text.Length
                    ? Value.Of(value.Text[(int)place].ToString())
                    : Value.Undefined($"character {key.Integer}");
            case ValueKind.Undefined:
                throw state.Error($"'{value.UndefinedName}' is undefined");
            default:
                return Value.Undefined(ValueText.Str(key, state));
        }
    }

    public static Value Slice(
        in Value value, Value start, Value stop, Value step, RenderState state)
    {
        var length = value.Kind switch
        {
            ValueKind.String => value.Text.Length,
            ValueKind.List => value.List.Count,
            _ => throw state.Error($"{Name(value)} cannot be sliced"),
        };
        var stride = SliceBound(step, 1, state);
        if (stride == 0)
        {
            throw state.Error("slice step is zero");
        }
        var forward = stride > 0;
        var low = SliceBound(start, forward ? 0 : length - 1, state);
        var high = SliceBound(stop, forward ? length : -1, state);
        var first = Clamp(low, length, forward, start);
        var last = Clamp(high, length, forward, stop);
        var places = new List<int>();
        for (var i = first; forward ? i < last : i > last; i += stride)
        {
            places.Add((int)i);
        }
        if (value.Kind == ValueKind.List)
        {
            var list = value.List;
            return state.Made(places.ConvertAll(place => list[place]));
        }
        var text = value.Text;
        return state.Made(string.Concat(places.Select(place => text[place])));
    }

    public static IReadOnlyList<Value> Items(in Value value, RenderState state) => value.Kind switch
    {
        ValueKind.List => value.List,
        ValueKind.Mapping => [.. value.Map.Keys],
        ValueKind.String => [.. value.Text.EnumerateRunes().Select(r => Value.Of(r.ToString()))],
        ValueKind.Undefined => [],
        _ => throw state.Error($"{Name(value)} cannot be iterated"),
    };

    public static string Name(in Value value) => value.Kind switch
    {
        ValueKind.Undefined => $"undefined '{value.UndefinedName}'",
        ValueKind.None => "none",
        _ => value.Kind.ToString().ToLowerInvariant(),
    };

    // Nested values count as nested expressions, so neither depth nor size can run away.
    private static bool ListsAreEqual(List<Value> a, List<Value> b, RenderState state)
    {
        state.Enter(state.Line);
        var equal = a.Count == b.Count;
        for (var i = 0; equal && i < a.Count; i++)
        {
            equal = AreEqual(a[i], b[i], state);
        }
        state.Leave();
        return equal;
    }

    private static bool MapsAreEqual(
        Dictionary<Value, Value> a, Dictionary<Value, Value> b, RenderState state)
    {
        state.Enter(state.Line);
        var equal = a.Count == b.Count && a.All(
            pair => b.TryGetValue(pair.Key, out var other) && AreEqual(pair.Value, other, state));
        state.Leave();
        return equal;
    }

    private static double Calculate(string symbol, double a, double b) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => Math.Floor(a / b),
        "%" => a - b * Math.Floor(a / b),
        _ => Math.Pow(a, b),
    };

    private static long Calculate(string symbol, long a, long b) => symbol switch
    {
        "+" => checked(a + b),
        "-" => checked(a - b),
        "*" => checked(a * b),
        "//" => checked(a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0),
        "%" => b == -1 ? 0 : (a % b + b) % b,
        _ => checked((long)Math.Pow(a, b)),
    };

    private static long SliceBound(in Value bound, long absent, RenderState state) =>
        bound.Kind switch
        {
            ValueKind.Undefined or ValueKind.None => absent,
            ValueKind.Integer => Math.Clamp(bound.Integer, int.MinValue, int.MaxValue),
            _ => throw state.Error("slice bounds must be integers"),
        };

    // A given bound counts from the end when negative and stops at the borders.
    private static long Clamp(long bound, long length, bool forward, in Value given)
    {
        if (given.Kind == ValueKind.Integer && bound < 0)
        {
            bound += length;
        }
        return forward ? Math.Clamp(bound, 0, length) : Math.Clamp(bound, -1, length - 1);
    }
}
