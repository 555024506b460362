// "Did you mean": the known word with the fewest edits from what was typed, if they are few.

namespace NanoFlow.Cli;

internal static class Suggestion
{
    /// <summary>", did you mean X?" or nothing.</summary>
    public static string For(string typed, IEnumerable<string> known)
    {
        var best = known.Select(word => (Word: word, Edits: Edits(typed, word)))
            .OrderBy(candidate => candidate.Edits).FirstOrDefault();
        return best.Word is not null && best.Edits <= Math.Max(2, typed.Length / 3)
            ? $", did you mean {best.Word}?"
            : "";
    }

    // Levenshtein's distance, one row of its table at a time.
    private static int Edits(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
