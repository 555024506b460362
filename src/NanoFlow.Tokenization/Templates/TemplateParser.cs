// The grammar of statements. Each kind is a method and a line in ParseStatement; a block ends at
// the tag that its statement expects, and a tag nobody expects is an error.

namespace NanoFlow.Tokenization.Templates;

internal sealed class TemplateParser
{
    private const int MaximumDepth = 64;

    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _depth;
    private int _loopDepth;

    private TemplateParser(string source)
    {
        _tokens = new TokenReader(TemplateLexer.Read(source));
        _expressions = new ExpressionParser(_tokens);
    }

    public static Block Parse(string source)
    {
        var parser = new TemplateParser(source);
        var body = parser.ParseBlock();
        return parser._tokens.Current.Kind == TokenKind.End
            ? body
            : throw parser._tokens.Error($"unexpected '{parser._tokens.Next.Text}'");
    }

    // Statements up to a tag that begins with one of the names (left in place) or the end.
    private Block ParseBlock(params string[] until)
    {
        if (++_depth > MaximumDepth)
        {
            throw _tokens.Error($"blocks nested deeper than {MaximumDepth}");
        }
        var items = new List<Statement>();
        while (_tokens.Current.Kind != TokenKind.End
            && !(_tokens.Current.Kind == TokenKind.BlockBegin && until.Contains(_tokens.Next.Text)))
        {
            items.Add(ParseStatement());
        }
        if (until.Length > 0 && _tokens.Current.Kind == TokenKind.End)
        {
            throw _tokens.Error($"'{until[^1]}' expected");
        }
        _depth--;
        return new Block(items);
    }

    private Statement ParseStatement()
    {
        var token = _tokens.Take();
        if (token.Kind == TokenKind.Text)
        {
            return new TextStatement(token.Text);
        }
        if (token.Kind == TokenKind.OutputBegin)
        {
            var value = _expressions.ParseTuple();
            _tokens.Take(TokenKind.OutputEnd);
            return new OutputStatement(value);
        }
        var name = _tokens.Take(TokenKind.Name);
        return name.Text switch
        {
            "if" => ParseIf(),
            "for" => ParseFor(),
            "set" => ParseSet(),
            "macro" => ParseMacro(),
            "filter" => ParseFilter(),
            "generation" => ParseGeneration(),
            "break" => ParseLoopControl(Flow.Break),
            "continue" => ParseLoopControl(Flow.Continue),
            _ => throw new ChatTemplateException(
                name.Line, $"statement '{name.Text}' is not supported here"),
        };
    }

    private IfStatement ParseIf()
    {
        var branches = new List<(Expression, Block)>();
        Block? otherwise = null;
        string tag;
        do
        {
            var condition = _expressions.ParseTuple();
            CloseTag();
            branches.Add((condition, ParseBlock("elif", "else", "endif")));
            tag = OpenTag();
        }
        while (tag == "elif");
        if (tag == "else")
        {
            CloseTag();
            otherwise = ParseBlock("endif");
            OpenTag();
        }
        CloseTag();
        return new IfStatement(branches, otherwise);
    }

    private ForStatement ParseFor()
    {
        var target = ParseTarget();
        _tokens.Expect("in");
        var source = _expressions.Parse(conditional: false);
        var condition = _tokens.TryTake("if") ? _expressions.Parse() : null;
        if (_tokens.Current.Is("recursive"))
        {
            throw _tokens.Error("recursive loops are not supported");
        }
        CloseTag();
        _loopDepth++;
        var statement = new ForStatement(target, source, ParseBlock("else", "endfor"))
        {
            Condition = condition,
        };
        _loopDepth--;
        if (OpenTag() == "else")
        {
            CloseTag();
            statement = statement with { Otherwise = ParseBlock("endfor") };
            OpenTag();
        }
        CloseTag();
        return statement;
    }

    private Statement ParseSet()
    {
        var target = ParseTarget();
        if (_tokens.TryTake("="))
        {
            var value = _expressions.ParseTuple();
            CloseTag();
            return new SetStatement(target, value);
        }
        var filter = _tokens.TryTake("|") ? _expressions.ParseFilterName() : null;
        CloseTag();
        return new CaptureStatement(target, ParseBody("endset"), filter);
    }

    private MacroStatement ParseMacro()
    {
        var name = _tokens.Take(TokenKind.Name).Text;
        var parameters = new List<(string, Expression?)>();
        _tokens.Expect("(");
        while (!_tokens.TryTake(")"))
        {
            var parameter = _tokens.Take(TokenKind.Name).Text;
            parameters.Add((parameter, _tokens.TryTake("=") ? _expressions.Parse() : null));
            if (!_tokens.Current.Is(")"))
            {
                _tokens.Expect(",");
            }
        }
        CloseTag();
        var loopDepth = _loopDepth;
        _loopDepth = 0;
        var body = ParseBody("endmacro");
        _loopDepth = loopDepth;
        return new MacroStatement(name, parameters, body);
    }

    private CaptureStatement ParseFilter()
    {
        var filter = _expressions.ParseFilterName();
        CloseTag();
        return new CaptureStatement(null, ParseBody("endfilter"), filter);
    }

    // {% generation %} marks the assistant's own words for training; the text is what counts here.
    private IfStatement ParseGeneration()
    {
        var line = _tokens.Line;
        CloseTag();
        var always = new LiteralExpression(line, Value.Of(true));
        return new IfStatement([(always, ParseBody("endgeneration"))], null);
    }

    private LoopControlStatement ParseLoopControl(Flow flow)
    {
        if (_loopDepth == 0)
        {
            throw _tokens.Error("break and continue belong in a loop");
        }
        CloseTag();
        return new LoopControlStatement(flow);
    }

    // name, name.attribute, or name, name, … (in parentheses or not)
    private Target ParseTarget()
    {
        var line = _tokens.Line;
        var parenthesis = _tokens.TryTake("(");
        var names = new List<string> { _tokens.Take(TokenKind.Name).Text };
        if (_tokens.TryTake("."))
        {
            return new Target(line, names, _tokens.Take(TokenKind.Name).Text);
        }
        while (_tokens.TryTake(","))
        {
            names.Add(_tokens.Take(TokenKind.Name).Text);
        }
        if (parenthesis)
        {
            _tokens.Expect(")");
        }
        return new Target(line, names, null);
    }

    private Block ParseBody(string end)
    {
        var body = ParseBlock(end);
        OpenTag();
        CloseTag();
        return body;
    }

    private string OpenTag()
    {
        _tokens.Take(TokenKind.BlockBegin);
        return _tokens.Take(TokenKind.Name).Text;
    }

    private void CloseTag() => _tokens.Take(TokenKind.BlockEnd);
}
