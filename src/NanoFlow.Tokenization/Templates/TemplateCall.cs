// The arguments of one call. Filters, tests and methods receive what they apply to as Input.

namespace NanoFlow.Tokenization.Templates;

internal sealed record TemplateCall(
    RenderState State, Value Input, IReadOnlyList<Value> Positional)
{
    private static readonly Dictionary<string, Value> NoNames = [];

    public IReadOnlyDictionary<string, Value> Named { get; init; } = NoNames;

    // An argument by place or name; undefined when it was not given.
    public Value Argument(int index, string name = "") =>
        index < Positional.Count ? Positional[index] : Named.GetValueOrDefault(name);

    public bool Has(int index, string name = "") => !Argument(index, name).IsUndefined;

    public string Text(int index, string name, string? absent = null) =>
        Argument(index, name) switch
        {
            { Kind: ValueKind.String } value => value.Text,
            { IsUndefined: true } when absent is not null => absent,
            _ => throw State.Error($"argument '{name}' must be a string"),
        };

    public long Integer(int index, string name, long absent) => Argument(index, name) switch
    {
        { Kind: ValueKind.Integer or ValueKind.Boolean } value => value.Integer,
        { Kind: ValueKind.Undefined or ValueKind.None } => absent,
        _ => throw State.Error($"argument '{name}' must be an integer"),
    };

    public string InputText => Input.Kind == ValueKind.String
        ? Input.Text
        : throw State.Error($"a string is expected, not {Input.Kind}");

    // What iteration over the input yields.
    public IReadOnlyList<Value> InputItems => ValueOperations.Items(Input, State);
}
