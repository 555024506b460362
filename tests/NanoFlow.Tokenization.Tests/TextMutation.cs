// Damage for files that are text: pieces are dropped, doubled, swapped, cut off, or replaced by
// others that mean something in the same language, so that many results still parse.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

internal sealed class TextMutation(int seed, IReadOnlyList<string> fragments)
{
    private const int MostEdits = 4;
    private const int LongestPiece = 40;

    private readonly Random _random = new(seed);

    public string Next(string valid)
    {
        var text = new StringBuilder(valid);
        for (var edits = _random.Next(1, MostEdits + 1); edits > 0 && text.Length > 0; edits--)
        {
            Edit(text);
        }
        return text.ToString();
    }

    private void Edit(StringBuilder text)
    {
        var at = _random.Next(text.Length);
        var length = Math.Min(_random.Next(1, LongestPiece), text.Length - at);
        switch (_random.Next(7))
        {
            case 0:
                text.Remove(at, length);
                break;
            case 1:
                text.Insert(_random.Next(text.Length), text.ToString(at, length));
                break;
            case 2:
                text[at] = (char)_random.Next(1, 0x180);
                break;
            case 3 when _random.Next(8) == 0:
                text.Length = at;
                break;
            case 4:
                text.Remove(at, Math.Min(length, 3));
                text.Insert(at, Fragment());
                break;
            default:
                text.Insert(at, Fragment());
                break;
        }
    }

    private string Fragment() => fragments[_random.Next(fragments.Count)];
}
