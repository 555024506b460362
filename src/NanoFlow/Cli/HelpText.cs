// Help, made from the tables of commands and flags.

using System.Text;

namespace NanoFlow.Cli;

internal static class HelpText
{
    private const int Indent = 34;
    private const int Columns = 100;

    public static string Of(IReadOnlyList<Command> commands)
    {
        var text = new StringBuilder("nanoflow: a server of large language models\n\n");
        foreach (var command in commands)
        {
            Entry(text, $"nanoflow {command.Name} {command.Argument}", command.Summary);
        }

        Entry(text, "nanoflow COMMAND --help", "the flags of a command");
        Entry(text, "nanoflow --version", "the version of this program");
        return text.ToString();
    }

    public static string Of(Command command)
    {
        var text = new StringBuilder($"nanoflow {command.Name} {command.Argument}".TrimEnd());
        text.Append(command.Flags.Count > 0 ? " [flags]\n" : "\n").Append(command.Summary);
        text.Append("\n\n");
        foreach (var flag in command.Flags)
        {
            var ends = (flag.Repeats, flag.TakesWords, flag.Also) switch
            {
                (_, true, _) => " (several words)",
                (true, _, _) => " (may be repeated)",
                (_, _, { } also) => $" (also {also})",
                _ => "",
            };
            var range = flag.Value is null ? "" : $" Allowed: {flag.Range}.";
            Entry(
                text,
                $"{flag.Name} {flag.Value}",
                $"{flag.Help}{ends}.{range} Default: {flag.Default}. [{flag.Variable}]");
        }

        return text.ToString();
    }

    private static void Entry(StringBuilder text, string head, string body)
    {
        text.Append("  ").Append(head.TrimEnd());
        var column = head.TrimEnd().Length + 2;
        if (column >= Indent)
        {
            text.Append('\n');
            column = 0;
        }

        text.Append(' ', Indent - column);
        column = Indent;
        foreach (var word in body.Split(' '))
        {
            if (column + word.Length > Columns)
            {
                text.Length--;
                text.Append('\n').Append(' ', Indent);
                column = Indent;
            }

            text.Append(word).Append(' ');
            column += word.Length + 1;
        }

        text.Length--;
        text.Append('\n');
    }
}
