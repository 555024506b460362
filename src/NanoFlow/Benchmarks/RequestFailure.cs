namespace NanoFlow.Benchmarks;

/// <summary>A request brought no whole answer. The message is cut and has one line, because it may
/// come from the server.</summary>
internal sealed class RequestFailure(string message) : Exception(Line(message))
{
    private static string Line(string text)
    {
        var end = Math.Min(text.Length, LoadLimits.MessageLength);
        return string.Create(end, text, static (line, source) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        }).Trim();
    }
}
