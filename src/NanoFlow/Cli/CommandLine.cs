// Reads the arguments of a command: "--flag value", "--flag=value", and at most one argument
// without dashes. What the command line does not say may come from the environment; the command
// line wins.

namespace NanoFlow.Cli;

internal static class CommandLine
{
    /// <summary>The command that the first words name, and the words after it.</summary>
    public static (Command Command, string[] Words) Find(
        IReadOnlyList<Command> commands, string[] words)
    {
        var command = commands.FirstOrDefault(
            c => words.AsSpan().StartsWith(c.Name.Split(' ')));
        if (command is not null)
        {
            return (command, words[command.Name.Split(' ').Length..]);
        }

        var given = string.Join(' ', words.TakeWhile(word => !word.StartsWith('-')).Take(2));
        throw new UsageException(
            $"no command '{given}'{Suggestion.For(given, commands.Select(c => c.Name))} "
            + "(nanoflow --help lists them)");
    }

    public static Given Parse(
        Command command, string[] words, Func<string, string?> variable)
    {
        var values = new Dictionary<Flag, List<object>>();
        string? argument = null;
        for (var i = 0; i < words.Length; i++)
        {
            if (!IsFlag(words[i]))
            {
                argument = command.Argument is not null && argument is null
                    ? words[i]
                    : throw new UsageException($"'{words[i]}' was not expected");
                continue;
            }

            var (flag, text) = ReadFlag(command, words, ref i);
            Add(values, flag, flag.Parse(text, flag.Name));
            while (flag.TakesWords && i + 1 < words.Length && !IsFlag(words[i + 1]))
            {
                Add(values, flag, flag.Parse(words[++i], flag.Name));
            }
        }

        if (command.Argument is not null && argument is null)
        {
            throw new UsageException($"{command.Argument} is missing");
        }

        AddVariables(command, values, variable);
        return new Given(argument, values);
    }

    private static (Flag Flag, string Text) ReadFlag(Command command, string[] words, ref int i)
    {
        var word = words[i];
        var equals = word.IndexOf('=');
        var name = equals < 0 ? word : word[..equals];
        var flag = command.Flags.FirstOrDefault(f => f.Name == name || f.Also == name)
            ?? throw new UsageException(
                $"no flag {name}{Suggestion.For(name, command.Flags.Select(f => f.Name))}");
        if (equals >= 0)
        {
            return (flag, word[(equals + 1)..]);
        }

        if (flag.Value is null)
        {
            return (flag, "true");
        }

        return ++i < words.Length && !IsFlag(words[i])
            ? (flag, words[i])
            : throw new UsageException($"{name} needs a value: {flag.Range}");
    }

    private static bool IsFlag(string word) => word.StartsWith("--", StringComparison.Ordinal);

    private static void AddVariables(
        Command command, Dictionary<Flag, List<object>> values, Func<string, string?> variable)
    {
        foreach (var flag in command.Flags)
        {
            if (values.ContainsKey(flag) || variable(flag.Variable) is not { Length: > 0 } text)
            {
                continue;
            }

            foreach (var part in flag.Repeats || flag.TakesWords ? text.Split(',') : [text])
            {
                Add(values, flag, flag.Parse(part, flag.Variable));
            }
        }
    }

    private static void Add(Dictionary<Flag, List<object>> values, Flag flag, object value)
    {
        if (!values.TryGetValue(flag, out var list))
        {
            values[flag] = list = [];
        }

        list.Add(value);
    }
}
