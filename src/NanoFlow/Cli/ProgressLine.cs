// How far a long piece of work is, on stderr: a bar that is drawn over on a terminal, a plain line
// for each quarter elsewhere.

namespace NanoFlow.Cli;

/// <param name="what">Is being done.</param>
/// <param name="of">Shows the total; in bytes when null.</param>
internal sealed class ProgressLine(string what, Func<long, string>? of = null) : IDisposable
{
    private const int Cells = 40;
    private const int PlainSteps = 4;

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private int _shown = -1;
    private bool _isComplete;

    public void Report(long done, long total)
    {
        var steps = _isTerminal ? Cells : PlainSteps;
        var step = total <= 0 ? steps : (int)(done * steps / total);
        if (step == _shown)
        {
            return;
        }

        _shown = step;
        var percent = step * 100 / steps;
        var whole = of is null ? Figures.Bytes(total) : of(total);
        if (_isTerminal)
        {
            var bar = new string('#', step).PadRight(Cells, '.');
            _isComplete = step == steps;
            Console.Error.Write(
                $"\r{what} [{bar}] {percent,3} % of {whole}{(_isComplete ? "\n" : "")}");
        }
        else
        {
            Console.Error.WriteLine($"{what}: {percent} % of {whole}");
        }
    }

    /// <summary>Leaves the bar and goes on below it.</summary>
    public void Dispose()
    {
        if (_isTerminal && _shown >= 0 && !_isComplete)
        {
            Console.Error.WriteLine();
        }
    }
}
