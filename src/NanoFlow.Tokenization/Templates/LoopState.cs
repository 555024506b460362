// What "loop" is inside a for statement: where the iteration stands.

namespace NanoFlow.Tokenization.Templates;

internal sealed class LoopState(IReadOnlyList<Value> items)
{
    public int Index { get; set; }

    public Value Attribute(string name) => name switch
    {
        "index" => Value.Of((long)Index + 1),
        "index0" => Value.Of((long)Index),
        "revindex" => Value.Of((long)items.Count - Index),
        "revindex0" => Value.Of((long)items.Count - Index - 1),
        "first" => Value.Of(Index == 0),
        "last" => Value.Of(Index == items.Count - 1),
        "length" => Value.Of((long)items.Count),
        // The depth of a recursive loop, which this language does not have.
        "depth" => Value.Of(1L),
        "depth0" => Value.Of(0L),
        "previtem" => Index > 0 ? items[Index - 1] : Value.Undefined("loop.previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : Value.Undefined("loop.nextitem"),
        "cycle" => Value.Of(call => call.Positional.Count > 0
            ? call.Positional[Index % call.Positional.Count]
            : throw call.State.Error("loop.cycle needs arguments")),
        _ => Value.Undefined("loop." + name),
    };
}
