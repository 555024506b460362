// One rendering in progress: the variables in sight, the output, and what has been spent of the
// limits. Every node that runs reports here, so no template can run away.

using System.Text;

namespace NanoFlow.Tokenization.Templates;

internal sealed class RenderState(
    Dictionary<string, Value> globals, ChatTemplateLimits limits, TimeProvider clock)
{
    // How deep expressions may nest; long chains of operators nest as well.
    private const int MaximumDepth = 500;

    // Making a string of this many characters counts as one node.
    private const int CharactersPerNode = 64;

    // The clock is read once in so many nodes.
    private const int NodesPerClockRead = 256;

    private readonly long _started = clock.GetTimestamp();
    private readonly Stack<StringBuilder> _captured = [];
    private List<Dictionary<string, Value>> _scopes = [globals, []];
    private StringBuilder _output = new();
    private long _nodes;
    private long _nextClockRead;
    private int _depth;
    private int _macroDepth;

    public TimeProvider Clock => clock;

    // The line of the node that runs, for errors.
    public int Line { get; set; }

    public string Output => _output.ToString();

    public ChatTemplateException Error(string reason) => new(Line, reason);

    public void Step(long nodes = 1)
    {
        _nodes += nodes;
        if (_nodes > limits.Nodes)
        {
            throw Error($"took more than {limits.Nodes} steps");
        }
        if (_nodes >= _nextClockRead)
        {
            _nextClockRead = _nodes + NodesPerClockRead;
            if (clock.GetElapsedTime(_started) > limits.Time)
            {
                throw Error($"took more than {limits.Time.TotalMilliseconds:0} ms");
            }
        }
    }

    public void Enter(int line)
    {
        Line = line;
        Step();
        if (++_depth > MaximumDepth)
        {
            throw Error($"expressions nested deeper than {MaximumDepth}");
        }
    }

    public void Leave() => _depth--;

    // A string the template has made; counts its length against the limits.
    public Value Made(string text)
    {
        CheckLength(text.Length);
        Step(text.Length / CharactersPerNode);
        return Value.Of(text);
    }

    public Value Made(List<Value> list)
    {
        Step(list.Count);
        return Value.Of(list);
    }

    public void CheckLength(long characters)
    {
        if (characters > limits.OutputCharacters)
        {
            throw Error($"made a text of more than {limits.OutputCharacters} characters");
        }
    }

    public void Write(string text)
    {
        CheckLength((long)_output.Length + text.Length);
        _output.Append(text);
    }

    // Output between Capture and EndCapture becomes a value.
    public void Capture()
    {
        _captured.Push(_output);
        _output = new StringBuilder();
    }

    public Value EndCapture()
    {
        var text = _output.ToString();
        _output = _captured.Pop();
        return Made(text);
    }

    public Value Get(string name)
    {
        for (var i = _scopes.Count - 1; i >= 0; i--)
        {
            if (_scopes[i].TryGetValue(name, out var value))
            {
                return value;
            }
        }
        return Value.Undefined(name);
    }

    // Assignment stays within the innermost scope, as Jinja has it.
    public void Set(string name, Value value) => _scopes[^1][name] = value;

    public void OpenScope() => _scopes.Add([]);

    public void CloseScope() => _scopes.RemoveAt(_scopes.Count - 1);

    // Runs the body of a macro: it sees the variables of the template itself, not of its caller.
    public Value RunMacro(Dictionary<string, Value> arguments, Block body)
    {
        if (++_macroDepth > limits.Recursion)
        {
            throw Error($"macros nested deeper than {limits.Recursion}");
        }
        var callerScopes = _scopes;
        _scopes = [callerScopes[0], callerScopes[1], arguments];
        Capture();
        body.Execute(this);
        _scopes = callerScopes;
        _macroDepth--;
        return EndCapture();
    }
}
