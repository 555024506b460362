// Numbers as JSON writes them, of a length at which every reader still holds them: an integer part
// of up to 15 digits, as many decimals, and an exponent of two digits.
//
// A range becomes digits: 0 to 4321 is all numbers of fewer digits, and those of four that are
// smaller at the first digit that differs. Numbers with decimals lie between whole ones, so bounds
// of a number are whole too.

using System.Globalization;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

/// <summary>Bounds of a number; null: none.</summary>
internal readonly record struct NumberRange(
    decimal? Minimum, bool IsMinimumOut, decimal? Maximum, bool IsMaximumOut)
{
    public bool IsOpen => Minimum is null && Maximum is null;
}

internal sealed class JsonNumbers(ProgramBuilder builder)
{
    private const int Digits = 15;

    // So few that reading one into a double does not round it up to the bound.
    private const int RangeDecimals = 8;

    /// <summary>Bounds reach no further than this, with either sign.</summary>
    public const long Largest = 999_999_999_999_999;

    private int? _number;
    private int? _integer;

    public int Number(int next)
    {
        if (_number is null)
        {
            _number = builder.DeclareRule();
            var exponent = builder.Characters(new CodePoints([('e', 'e'), ('E', 'E')]),
                Sign(Digit(Optional(Digit, builder.End))));
            builder.DefineRule(
                _number.Value,
                Minus(Whole(Decimals(builder.Split(builder.End, exponent)))));
        }
        return builder.Call(_number.Value, next);
    }

    public int Integer(int next)
    {
        if (_integer is null)
        {
            _integer = builder.DeclareRule();
            builder.DefineRule(_integer.Value, Minus(Whole(builder.End)));
        }
        return builder.Call(_integer.Value, next);
    }

    public int Integer(NumberRange range, int next)
    {
        var low = Math.Ceiling(Clamp(range.Minimum ?? -Largest));
        var high = Math.Floor(Clamp(range.Maximum ?? Largest));
        low += range.IsMinimumOut && low == range.Minimum ? 1 : 0;
        high -= range.IsMaximumOut && high == range.Maximum ? 1 : 0;
        return Signed((long)low, (long)high, next, static (_, at) => at);
    }

    /// <summary>Bounds must be whole.</summary>
    public int Number(NumberRange range, int next)
    {
        var low = (long)Clamp(range.Minimum ?? -Largest);
        var high = (long)Clamp(range.Maximum ?? Largest);
        var entry = builder.Fail;
        if (low > high)
        {
            return entry;
        }
        // Strictly between whole numbers, away from zero.
        if (high > 0)
        {
            entry = Between(Math.Max(low, 0), high - 1, next);
        }
        if (low < 0)
        {
            var negative = Between(Math.Max(-high, 0), -low - 1, next);
            entry = builder.Split(entry, builder.Range('-', '-', negative));
        }
        var first = range.IsMinimumOut ? low + 1 : low;
        var last = range.IsMaximumOut ? high - 1 : high;
        return builder.Split(entry, Signed(first, last, next, (_, at) => Zeros(at)));
    }

    private static decimal Clamp(decimal value) => Math.Clamp(value, -Largest, Largest);

    // A whole part of [low, high] and decimals that are not all zero.
    private int Between(long low, long high, int next) => low > high
        ? builder.Fail
        : Magnitude(low, high, builder.Range('.', '.', NotAllZero(RangeDecimals, next)));

    private int NotAllZero(int digits, int next)
    {
        var rest = next;
        var entry = builder.Fail;
        for (var i = 0; i < digits; i++)
        {
            var zero = builder.Range('0', '0', entry);
            entry = builder.Split(zero, builder.Range('1', '9', rest));
            rest = builder.Split(next, Digit(rest));
        }
        return entry;
    }

    private int Signed(long low, long high, int next, Func<long, int, int> tail)
    {
        var entry = builder.Fail;
        if (high >= 0 && low <= high)
        {
            entry = Magnitude(Math.Max(low, 0), high, tail(high, next));
        }
        if (low < 0 && low <= high)
        {
            var magnitude = Magnitude(Math.Max(-high, 1), -low, tail(low, next));
            entry = builder.Split(entry, builder.Range('-', '-', magnitude));
        }
        return entry;
    }

    // Whole numbers of [low, high], neither negative, by their count of digits.
    private int Magnitude(long low, long high, int next)
    {
        var entry = builder.Fail;
        var first = 0L; // least number of so many digits
        for (var digits = 1; digits <= Digits; digits++)
        {
            var last = Power(digits) - 1;
            var from = Math.Max(low, first);
            var to = Math.Min(high, last);
            if (from <= to)
            {
                entry = builder.Split(entry, SameLength(Text(from), Text(to), next));
            }
            first = last + 1;
        }
        return entry;
    }

    private int SameLength(string low, string high, int next)
    {
        if (low.Length == 0)
        {
            return next;
        }
        if (low[0] == high[0])
        {
            return builder.Range(low[0], low[0], SameLength(low[1..], high[1..], next));
        }
        var rest = low.Length - 1;
        var isLowAll = low.AsSpan(1).IndexOfAnyExcept('0') < 0;
        var isHighAll = high.AsSpan(1).IndexOfAnyExcept('9') < 0;
        var first = (char)(low[0] + (isLowAll ? 0 : 1));
        var last = (char)(high[0] - (isHighAll ? 0 : 1));
        var entry = builder.Fail;
        if (first <= last)
        {
            var any = next;
            for (var i = 0; i < rest; i++)
            {
                any = Digit(any);
            }
            entry = builder.Range(first, last, any);
        }
        if (!isLowAll)
        {
            var above = SameLength(low[1..], new string('9', rest), next);
            entry = builder.Split(entry, builder.Range(low[0], low[0], above));
        }
        if (!isHighAll)
        {
            var below = SameLength(new string('0', rest), high[1..], next);
            entry = builder.Split(entry, builder.Range(high[0], high[0], below));
        }
        return entry;
    }

    private static long Power(int digits)
    {
        var power = 1L;
        for (var i = 0; i < digits; i++)
        {
            power *= 10;
        }
        return power;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private int Digit(int next) => builder.Range('0', '9', next);

    private int Optional(Func<int, int> part, int next) => builder.Split(next, part(next));

    private int Minus(int next) => builder.Split(next, builder.Range('-', '-', next));

    private int Sign(int next) => builder.Split(next, builder.Split(
        builder.Range('-', '-', next), builder.Range('+', '+', next)));

    private int Whole(int next)
    {
        var rest = UpTo(Digits - 1, next);
        return builder.Split(builder.Range('0', '0', next), builder.Range('1', '9', rest));
    }

    private int Decimals(int next) =>
        builder.Split(next, builder.Range('.', '.', Digit(UpTo(Digits - 1, next))));

    private int UpTo(int digits, int next)
    {
        var entry = next;
        for (var i = 0; i < digits; i++)
        {
            entry = builder.Split(next, Digit(entry));
        }
        return entry;
    }

    private int Zeros(int next)
    {
        var more = builder.Split(next, builder.Range('0', '0', next));
        return builder.Split(next, builder.Range('.', '.', builder.Range('0', '0', more)));
    }
}
