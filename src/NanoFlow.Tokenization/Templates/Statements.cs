// The statements of a template. Execute writes output and sets variables; what it returns says
// whether the loop around it goes on.

namespace NanoFlow.Tokenization.Templates;

internal enum Flow
{
    Next,
    Break,
    Continue,
}

internal abstract record Statement
{
    public abstract Flow Execute(RenderState state);
}

internal sealed record Block(IReadOnlyList<Statement> Items)
{
    public Flow Execute(RenderState state)
    {
        foreach (var item in Items)
        {
            state.Step();
            if (item.Execute(state) is var flow && flow != Flow.Next)
            {
                return flow;
            }
        }
        return Flow.Next;
    }
}

internal sealed record TextStatement(string Text) : Statement
{
    public override Flow Execute(RenderState state)
    {
        state.Write(Text);
        return Flow.Next;
    }
}

internal sealed record OutputStatement(Expression Value) : Statement
{
    public override Flow Execute(RenderState state)
    {
        state.Write(ValueText.Str(Value.Evaluate(state), state));
        return Flow.Next;
    }
}

internal sealed record IfStatement(
    IReadOnlyList<(Expression Condition, Block Body)> Branches, Block? Otherwise) : Statement
{
    public override Flow Execute(RenderState state)
    {
        foreach (var (condition, body) in Branches)
        {
            if (condition.Evaluate(state).IsTrue)
            {
                return body.Execute(state);
            }
        }
        return Otherwise?.Execute(state) ?? Flow.Next;
    }
}

// What an assignment or a loop binds: a name, several names, or an attribute of a namespace.
internal sealed record Target(int Line, IReadOnlyList<string> Names, string? Attribute)
{
    public void Bind(RenderState state, Value value)
    {
        if (Attribute is not null)
        {
            var space = state.Get(Names[0]);
            state.Line = Line;
            var map = space.Kind == ValueKind.Namespace
                ? space.Map
                : throw state.Error($"'{Names[0]}' is not a namespace");
            map[Value.Of(Attribute)] = value;
            return;
        }
        if (Names.Count == 1)
        {
            state.Set(Names[0], value);
            return;
        }
        var items = ValueOperations.Items(value, state);
        if (items.Count != Names.Count)
        {
            state.Line = Line;
            throw state.Error($"{items.Count} values for {Names.Count} names");
        }
        for (var i = 0; i < Names.Count; i++)
        {
            state.Set(Names[i], items[i]);
        }
    }
}

internal sealed record SetStatement(Target Target, Expression Value) : Statement
{
    public override Flow Execute(RenderState state)
    {
        Target.Bind(state, Value.Evaluate(state));
        return Flow.Next;
    }
}

// {% set name %}…{% endset %} and {% filter name %}…{% endfilter %}: output becomes a value.
internal sealed record CaptureStatement(
    Target? Target, Block Body, Func<Expression, Expression>? Filter) : Statement
{
    public override Flow Execute(RenderState state)
    {
        state.Capture();
        state.OpenScope();
        Body.Execute(state);
        state.CloseScope();
        var value = state.EndCapture();
        if (Filter is not null)
        {
            value = Filter(new LiteralExpression(state.Line, value)).Evaluate(state);
        }
        if (Target is not null)
        {
            Target.Bind(state, value);
        }
        else
        {
            state.Write(ValueText.Str(value, state));
        }
        return Flow.Next;
    }
}

internal sealed record ForStatement(Target Target, Expression Source, Block Body) : Statement
{
    public Expression? Condition { get; init; }

    public Block? Otherwise { get; init; }

    public override Flow Execute(RenderState state)
    {
        var items = Filtered(ValueOperations.Items(Source.Evaluate(state), state), state);
        if (items.Count == 0)
        {
            return Otherwise?.Execute(state) ?? Flow.Next;
        }
        var loop = new LoopState(items);
        for (loop.Index = 0; loop.Index < items.Count; loop.Index++)
        {
            state.Step();
            state.OpenScope();
            state.Set("loop", Value.Of(loop));
            Target.Bind(state, items[loop.Index]);
            var flow = Body.Execute(state);
            state.CloseScope();
            if (flow == Flow.Break)
            {
                break;
            }
        }
        return Flow.Next;
    }

    private IReadOnlyList<Value> Filtered(IReadOnlyList<Value> items, RenderState state)
    {
        if (Condition is null)
        {
            return items;
        }
        var kept = new List<Value>();
        foreach (var item in items)
        {
            state.OpenScope();
            Target.Bind(state, item);
            if (Condition.Evaluate(state).IsTrue)
            {
                kept.Add(item);
            }
            state.CloseScope();
        }
        return kept;
    }
}

internal sealed record LoopControlStatement(Flow Flow) : Statement
{
    public override Flow Execute(RenderState state) => Flow;
}

internal sealed record MacroStatement(
    string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, Block Body)
    : Statement
{
    public override Flow Execute(RenderState state)
    {
        state.Set(Name, Value.Of(Call));
        return Flow.Next;
    }

    private Value Call(TemplateCall call)
    {
        if (call.Positional.Count > Parameters.Count)
        {
            throw call.State.Error($"macro '{Name}' takes {Parameters.Count} arguments");
        }
        var arguments = new Dictionary<string, Value>();
        for (var i = 0; i < Parameters.Count; i++)
        {
            var (name, absent) = Parameters[i];
            var given = call.Argument(i, name);
            arguments[name] = given.IsUndefined && absent is not null
                ? absent.Evaluate(call.State)
                : given;
        }
        return call.State.RunMacro(arguments, Body);
    }
}
