namespace NanoFlow.Engine.Evaluating;

/// <summary>A text cut into windows that are computed each on its own: the first tokens of a window
/// do not know what came before it.</summary>
/// <param name="Tokens">The whole text.</param>
/// <param name="Prefix">Stands before every window, such as the token that begins a text.</param>
/// <param name="Window">Tokens of a window at most, the prefix included.</param>
public sealed record TokenWindows(
    IReadOnlyList<int> Tokens, IReadOnlyList<int> Prefix, int Window)
{
    /// <summary>Tokens of the text in a window.</summary>
    private int Room => Window - Prefix.Count;

    public int Count => (Tokens.Count + Room - 1) / Room;

    /// <summary>Tokens of the text that are predicted: all, but for the first of a window that has
    /// nothing before it.</summary>
    public int Predictions => Prefix.Count > 0 ? Tokens.Count : Tokens.Count - Count;

    /// <summary>Of a window the token that is predicted first.</summary>
    internal int FirstPredicted => Math.Max(Prefix.Count, 1);

    /// <exception cref="ArgumentException">There is no room in a window, or too little text for a
    /// mean with an error.</exception>
    public void Validate()
    {
        if (Room < 1 || Window < 2)
        {
            throw new ArgumentException(
                $"a window of {Window} tokens has no room beside {Prefix.Count} that stand before "
                + "each; take a longer one");
        }

        if (Predictions < 2)
        {
            throw new ArgumentException(
                $"{Tokens.Count} tokens in windows of {Window} leave {Math.Max(0, Predictions)} "
                + "to be predicted, at least 2 are wanted");
        }
    }

    internal int[] At(int index) =>
        [.. Prefix, .. Tokens.Skip(index * Room).Take(Room)];
}
