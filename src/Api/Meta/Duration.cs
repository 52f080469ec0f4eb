using System.Globalization;
using System.Text;

namespace Hanbae.Api;

/// <summary>A length of time as Go writes it: <c>1h30m0s</c>, <c>1.5s</c>, <c>300ms</c>.</summary>
public readonly record struct Duration(long Nanoseconds)
{
    static readonly (string Unit, long Nanos)[] Units =
        [("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

    public static Duration From(TimeSpan span) => new(span.Ticks * 100);
    public TimeSpan ToTimeSpan() => TimeSpan.FromTicks(Nanoseconds / 100);

    public static bool TryParse(string text, out Duration duration)
    {
        duration = default;
        var rest = text.AsSpan();
        bool negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+")) rest = rest[1..];
        if (rest is "0") return true;
        if (rest.IsEmpty) return false;
        decimal total = 0;
        while (!rest.IsEmpty)
        {
            int digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.')) digits++;
            if (!decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal amount)) return false;
            rest = rest[digits..];
            int letters = 0;
            while (letters < rest.Length && !char.IsAsciiDigit(rest[letters]) && rest[letters] != '.') letters++;
            long nanos = 0;
            foreach (var (unit, size) in Units) if (rest[..letters].SequenceEqual(unit)) nanos = size;
            if (nanos == 0) return false;
            rest = rest[letters..];
            if (amount > long.MaxValue / nanos || (total += amount * nanos) > long.MaxValue) return false;
        }
        duration = new(negative ? -(long)total : (long)total);
        return true;
    }

    public override string ToString()
    {
        if (Nanoseconds == 0) return "0s";
        ulong left = Nanoseconds < 0 ? (ulong)-Nanoseconds : (ulong)Nanoseconds;
        string sign = Nanoseconds < 0 ? "-" : "";
        if (left < 1_000_000_000)
            return sign + (left < 1_000 ? $"{left}ns" : left < 1_000_000 ? Fraction(left, 1_000) + "µs" : Fraction(left, 1_000_000) + "ms");
        var text = new StringBuilder(sign);
        ulong hours = left / 3_600_000_000_000, minutes = left / 60_000_000_000 % 60;
        if (hours > 0) text.Append(hours).Append('h');
        if (hours > 0 || minutes > 0) text.Append(minutes).Append('m');
        return text.Append(Fraction(left % 60_000_000_000, 1_000_000_000)).Append('s').ToString();
    }

    static string Fraction(ulong value, ulong unit) => ((decimal)value / unit).ToString("0.#########", CultureInfo.InvariantCulture);
}
