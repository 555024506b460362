// The grammar of expressions, loosest first: if-else, or, and, not, comparison and "in", + -, ~,
// * / // %, **, unary sign, then what follows a value: .name [key] (call) |filter "is test".

using System.Globalization;

namespace NanoFlow.Tokenization.Templates;

internal sealed class ExpressionParser(TokenReader tokens)
{
    private const int MaximumDepth = 64;

    private static readonly string[][] BinaryLevels =
    [
        ["+", "-"],
        ["~"],
        ["*", "/", "//", "%"],
        ["**"],
    ];

    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private int _depth;

    // Also accepts a tuple without parentheses: a, b.
    public Expression ParseTuple()
    {
        var line = tokens.Line;
        var first = Parse();
        if (!tokens.Current.Is(","))
        {
            return first;
        }
        var items = new List<Expression> { first };
        while (tokens.TryTake(","))
        {
            items.Add(Parse());
        }
        return new ListExpression(line, items);
    }

    public Expression Parse(bool conditional = true)
    {
        if (++_depth > MaximumDepth)
        {
            throw tokens.Error($"expressions nested deeper than {MaximumDepth}");
        }
        var value = ParseOr();
        while (conditional && tokens.Current.Is("if"))
        {
            var line = tokens.Line;
            tokens.Take();
            var condition = ParseOr();
            var otherwise = tokens.TryTake("else") ? Parse() : null;
            value = new ConditionalExpression(line, condition, value, otherwise);
        }
        _depth--;
        return value;
    }

    // |name(arguments) of a filter block: the function from input to output.
    public Func<Expression, Expression> ParseFilterName()
    {
        var name = tokens.Take(TokenKind.Name);
        var function = Filters.Find(name.Text)
            ?? throw tokens.Error($"filter '{name.Text}' is not supported");
        var arguments = tokens.Current.Is("(") ? ParseArguments() : CallArguments.None;
        return input => new FilterExpression(name.Line, input, function, arguments);
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.Current.Is("or"))
        {
            var line = tokens.Take().Line;
            left = new BinaryExpression(line, "or", left, ParseAnd());
        }
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.Current.Is("and"))
        {
            var line = tokens.Take().Line;
            left = new BinaryExpression(line, "and", left, ParseNot());
        }
        return left;
    }

    private Expression ParseNot()
    {
        var line = tokens.Line;
        var negations = 0;
        while (tokens.TryTake("not"))
        {
            negations++;
        }
        var value = ParseComparison();
        // Two negations are one more than none only in that they make a boolean.
        value = negations > 0 ? new UnaryExpression(line, "not", value) : value;
        return negations > 0 && negations % 2 == 0
            ? new UnaryExpression(line, "not", value)
            : value;
    }

    // a < b < c means a < b and b < c.
    private Expression ParseComparison()
    {
        var left = ParseBinary(0);
        Expression? chain = null;
        while (TryTakeComparison(out var symbol, out var line))
        {
            var right = ParseBinary(0);
            var link = new BinaryExpression(line, symbol, left, right);
            chain = chain is null ? link : new BinaryExpression(line, "and", chain, link);
            left = right;
        }
        return chain ?? left;
    }

    private bool TryTakeComparison(out string symbol, out int line)
    {
        line = tokens.Line;
        symbol = tokens.Current.Text;
        if (tokens.Current.Is("not") && tokens.Next.Is("in"))
        {
            tokens.Take();
            tokens.Take();
            symbol = "not in";
            return true;
        }
        var found = tokens.Current.Is("in")
            || (tokens.Current.Kind == TokenKind.Operator && Comparisons.Contains(symbol));
        if (found)
        {
            tokens.Take();
        }
        return found;
    }

    private Expression ParseBinary(int level)
    {
        if (level == BinaryLevels.Length)
        {
            return ParseUnary();
        }
        var left = ParseBinary(level + 1);
        while (tokens.Current.Kind == TokenKind.Operator
            && BinaryLevels[level].Contains(tokens.Current.Text))
        {
            var symbol = tokens.Take();
            left = new BinaryExpression(symbol.Line, symbol.Text, left, ParseBinary(level + 1));
        }
        return left;
    }

    private Expression ParseUnary()
    {
        var signs = new Stack<TemplateToken>();
        while (tokens.Current.Is("-") || tokens.Current.Is("+"))
        {
            signs.Push(tokens.Take());
        }
        var value = ParsePostfix(ParsePrimary());
        while (signs.TryPop(out var sign))
        {
            value = new UnaryExpression(sign.Line, sign.Text, value);
        }
        return ParseFilters(value);
    }

    private Expression ParsePrimary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return Constant(token.Text) is { } constant
                    ? new LiteralExpression(token.Line, constant)
                    : new NameExpression(token.Line, token.Text);
            case TokenKind.String:
                var text = token.Text;
                while (tokens.Current.Kind == TokenKind.String)
                {
                    text += tokens.Take().Text;
                }
                return new LiteralExpression(token.Line, Value.Of(text));
            case TokenKind.Integer:
                return long.TryParse(token.Text, CultureInfo.InvariantCulture, out var integer)
                    ? new LiteralExpression(token.Line, Value.Of(integer))
                    : throw tokens.Error($"number {token.Text} is too large");
            case TokenKind.Float:
                return double.TryParse(token.Text, CultureInfo.InvariantCulture, out var number)
                    ? new LiteralExpression(token.Line, Value.Of(number))
                    : throw tokens.Error($"'{token.Text}' is not a number");
            default:
                return ParseBracket(token);
        }
    }

    private static Value? Constant(string name) => name switch
    {
        "true" or "True" => Value.Of(true),
        "false" or "False" => Value.Of(false),
        "none" or "None" => Value.None,
        _ => null,
    };

    private Expression ParseBracket(TemplateToken open)
    {
        if (open.Is("["))
        {
            return new ListExpression(open.Line, ParseList("]"));
        }
        if (open.Is("{"))
        {
            return ParseMapping(open.Line);
        }
        if (!open.Is("("))
        {
            throw tokens.Error($"unexpected '{open.Text}'");
        }
        if (tokens.TryTake(")"))
        {
            return new ListExpression(open.Line, []);
        }
        var first = Parse();
        if (tokens.TryTake(")"))
        {
            return first;
        }
        tokens.Expect(",");
        return new ListExpression(open.Line, [first, .. ParseList(")")]);
    }

    private List<Expression> ParseList(string close)
    {
        var items = new List<Expression>();
        while (!tokens.TryTake(close))
        {
            items.Add(Parse());
            if (!tokens.Current.Is(close))
            {
                tokens.Expect(",");
            }
        }
        return items;
    }

    private MappingExpression ParseMapping(int line)
    {
        var entries = new List<(Expression, Expression)>();
        while (!tokens.TryTake("}"))
        {
            var key = Parse();
            tokens.Expect(":");
            entries.Add((key, Parse()));
            if (!tokens.Current.Is("}"))
            {
                tokens.Expect(",");
            }
        }
        return new MappingExpression(line, entries);
    }

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            var line = tokens.Line;
            if (tokens.TryTake("."))
            {
                value = tokens.Current.Kind == TokenKind.Integer
                    ? new IndexExpression(line, value, ParsePrimary())
                    : new AttributeExpression(line, value, tokens.Take(TokenKind.Name).Text);
            }
            else if (tokens.TryTake("["))
            {
                value = ParseSubscript(line, value);
            }
            else if (tokens.Current.Is("("))
            {
                value = new CallExpression(line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseSubscript(int line, Expression value)
    {
        var bounds = new Expression?[3];
        var place = 0;
        while (!tokens.TryTake("]"))
        {
            if (tokens.TryTake(":"))
            {
                if (++place == bounds.Length)
                {
                    throw tokens.Error("a slice has at most three parts");
                }
            }
            else if (bounds[place] is null)
            {
                bounds[place] = Parse();
            }
            else
            {
                throw tokens.Error("']' expected");
            }
        }
        return place == 0
            ? new IndexExpression(line, value, bounds[0] ?? throw tokens.Error("empty subscript"))
            : new SliceExpression(line, value, bounds[0], bounds[1], bounds[2]);
    }

    private CallArguments ParseArguments()
    {
        tokens.Expect("(");
        var positional = new List<Expression>();
        var named = new Dictionary<string, Expression>();
        while (!tokens.TryTake(")"))
        {
            if (tokens.Current.Kind == TokenKind.Name && tokens.Next.Is("="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                named[name] = Parse();
            }
            else
            {
                positional.Add(Parse());
            }
            if (!tokens.Current.Is(")"))
            {
                tokens.Expect(",");
            }
        }
        return new CallArguments(positional, named);
    }

    private Expression ParseFilters(Expression value)
    {
        while (true)
        {
            if (tokens.TryTake("|"))
            {
                value = ParseFilterName()(value);
            }
            else if (tokens.Current.Is("is"))
            {
                value = ParseTest(value);
            }
            else if (tokens.Current.Is("("))
            {
                value = new CallExpression(tokens.Line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    // A test takes its arguments in parentheses, or one value without.
    private Expression ParseTest(Expression value)
    {
        tokens.Expect("is");
        var negated = tokens.TryTake("not");
        var name = tokens.Take();
        var function = Tests.Find(name.Text)
            ?? throw tokens.Error($"test '{name.Text}' is not supported");
        var arguments = CallArguments.None;
        if (tokens.Current.Is("("))
        {
            arguments = ParseArguments();
        }
        else if (StartsValue(tokens.Current))
        {
            var argument = ParsePostfix(ParsePrimary());
            arguments = new CallArguments([argument], CallArguments.None.Named);
        }
        var test = new FilterExpression(name.Line, value, function, arguments);
        return negated ? new UnaryExpression(name.Line, "not", test) : test;
    }

    private static bool StartsValue(TemplateToken token) => token.Kind switch
    {
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Name =>
            token.Text is not ("and" or "or" or "not" or "in" or "is" or "if" or "else"),
        _ => token.Is("[") || token.Is("{"),
    };
}
