// The expressions of a template. Each node computes its value from the state of the rendering;
// Evaluate is the one way in, so that every node is counted.

namespace NanoFlow.Tokenization.Templates;

internal abstract record Expression(int Line)
{
    public Value Evaluate(RenderState state)
    {
        state.Enter(Line);
        var value = Compute(state);
        state.Leave();
        return value;
    }

    protected abstract Value Compute(RenderState state);
}

internal sealed record LiteralExpression(int Line, Value Value) : Expression(Line)
{
    protected override Value Compute(RenderState state) => Value;
}

internal sealed record NameExpression(int Line, string Name) : Expression(Line)
{
    protected override Value Compute(RenderState state) => state.Get(Name);
}

// A list or a tuple; templates cannot tell them apart.
internal sealed record ListExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line)
{
    protected override Value Compute(RenderState state) =>
        Value.Of([.. Items.Select(item => item.Evaluate(state))]);
}

internal sealed record MappingExpression(
    int Line, IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var map = new Dictionary<Value, Value>();
        foreach (var (key, value) in Entries)
        {
            var name = key.Evaluate(state);
            var known = name.IsKey
                ? name
                : throw state.Error("keys of a mapping must be strings or integers");
            map[known] = value.Evaluate(state);
        }
        return Value.Of(map);
    }
}

// value.name: a method, or the element of that name.
internal sealed record AttributeExpression(int Line, Expression Object, string Name)
    : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var target = Object.Evaluate(state);
        if (target.Kind == ValueKind.Loop)
        {
            return target.Loop.Attribute(Name);
        }
        return Methods.Find(target, Name) is { } method
            ? Value.Of(call => method(call with { Input = target }))
            : ValueOperations.Index(target, Value.Of(Name), state);
    }
}

internal sealed record IndexExpression(int Line, Expression Object, Expression Key)
    : Expression(Line)
{
    protected override Value Compute(RenderState state) =>
        ValueOperations.Index(Object.Evaluate(state), Key.Evaluate(state), state);
}

internal sealed record SliceExpression(
    int Line, Expression Object, Expression? Start, Expression? Stop, Expression? Step)
    : Expression(Line)
{
    protected override Value Compute(RenderState state) => ValueOperations.Slice(
        Object.Evaluate(state), Bound(Start, state), Bound(Stop, state), Bound(Step, state), state);

    private static Value Bound(Expression? bound, RenderState state) =>
        bound is null ? Value.None : bound.Evaluate(state);
}

internal sealed record UnaryExpression(int Line, string Symbol, Expression Operand)
    : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var value = Operand.Evaluate(state);
        return Symbol switch
        {
            "not" => Value.Of(!value.IsTrue),
            "-" => ValueOperations.Arithmetic("-", Value.Of(0), value, state),
            _ => ValueOperations.Arithmetic("+", Value.Of(0), value, state),
        };
    }
}

internal sealed record BinaryExpression(int Line, string Symbol, Expression Left, Expression Right)
    : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var left = Left.Evaluate(state);
        if (Symbol == "and")
        {
            return left.IsTrue ? Right.Evaluate(state) : left;
        }
        if (Symbol == "or")
        {
            return left.IsTrue ? left : Right.Evaluate(state);
        }
        var right = Right.Evaluate(state);
        return Symbol switch
        {
            "+" => ValueOperations.Add(left, right, state),
            "~" => ValueOperations.Add(
                Value.Of(ValueText.Str(left, state)),
                Value.Of(ValueText.Str(right, state)),
                state),
            "in" => Value.Of(ValueOperations.Contains(right, left, state)),
            "not in" => Value.Of(!ValueOperations.Contains(right, left, state)),
            "==" => Value.Of(ValueOperations.AreEqual(left, right, state)),
            "!=" => Value.Of(!ValueOperations.AreEqual(left, right, state)),
            "<" => Value.Of(ValueOperations.Compare(left, right, state) < 0),
            "<=" => Value.Of(ValueOperations.Compare(left, right, state) <= 0),
            ">" => Value.Of(ValueOperations.Compare(left, right, state) > 0),
            ">=" => Value.Of(ValueOperations.Compare(left, right, state) >= 0),
            _ => ValueOperations.Arithmetic(Symbol, left, right, state),
        };
    }
}

// value if condition else other; without "else" the other is undefined.
internal sealed record ConditionalExpression(
    int Line, Expression Condition, Expression Then, Expression? Otherwise) : Expression(Line)
{
    protected override Value Compute(RenderState state) => Condition.Evaluate(state).IsTrue
        ? Then.Evaluate(state)
        : Otherwise?.Evaluate(state) ?? Value.Undefined("value of an if without else");
}

internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional, IReadOnlyDictionary<string, Expression> Named)
{
    public static readonly CallArguments None = new([], new Dictionary<string, Expression>());

    public TemplateCall Evaluate(RenderState state, Value input)
    {
        var call = new TemplateCall(
            state, input, [.. Positional.Select(argument => argument.Evaluate(state))]);
        return Named.Count == 0
            ? call
            : call with { Named = Named.ToDictionary(a => a.Key, a => a.Value.Evaluate(state)) };
    }
}

internal sealed record CallExpression(int Line, Expression Callee, CallArguments Arguments)
    : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var callee = Callee.Evaluate(state);
        if (callee.Kind != ValueKind.Function)
        {
            throw state.Error($"{ValueOperations.Name(callee)} cannot be called");
        }
        var call = Arguments.Evaluate(state, default);
        state.Line = Line;
        return callee.Function(call);
    }
}

// input|name(arguments): the function was found when the template was parsed.
internal sealed record FilterExpression(
    int Line, Expression Input, TemplateFunction Function, CallArguments Arguments)
    : Expression(Line)
{
    protected override Value Compute(RenderState state)
    {
        var call = Arguments.Evaluate(state, Input.Evaluate(state));
        state.Line = Line;
        return Function(call);
    }
}
