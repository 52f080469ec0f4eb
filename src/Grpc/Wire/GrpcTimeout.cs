using System.Globalization;

namespace Hanbae.Grpc.Wire;

/// <summary>Says a deadline on the wire: at most eight digits and a unit, rounded up so that the server never gives up first.</summary>
internal static class GrpcTimeout
{
    const long MaxDigits = 99_999_999;

    static readonly (char Unit, long Ticks)[] s_units =
    [
        ('u', TimeSpan.TicksPerMicrosecond), ('m', TimeSpan.TicksPerMillisecond), ('S', TimeSpan.TicksPerSecond),
        ('M', TimeSpan.TicksPerMinute), ('H', TimeSpan.TicksPerHour),
    ];

    public static string Format(TimeSpan timeout)
    {
        long ticks = Math.Max(1, timeout.Ticks);
        foreach (var (unit, size) in s_units)
        {
            long count = ticks / size + (ticks % size == 0 ? 0 : 1);
            if (count <= MaxDigits) return string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
        }
        return "99999999H";
    }

    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9) return false;
        if (!long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long count)) return false;
        if (text[^1] == 'n')
        {
            timeout = TimeSpan.FromTicks((count + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick);
            return true;
        }
        foreach (var (unit, size) in s_units)
        {
            if (unit != text[^1]) continue;
            timeout = TimeSpan.FromTicks(count * size);
            return true;
        }
        return false;
    }
}
