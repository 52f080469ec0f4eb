using System.Globalization;
using System.Numerics;
using System.Text;

namespace Hanbae.Api.Tests.Meta;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("1", "1")]
    [InlineData("1000m", "1")]
    [InlineData("1500m", "1500m")]
    [InlineData("0.5", "500m")]
    [InlineData("100m", "100m")]
    [InlineData("1000", "1k")]
    [InlineData("1500", "1500")]
    [InlineData("1000000", "1M")]
    [InlineData("1024Ki", "1Mi")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("1Gi", "1Gi")]
    [InlineData("1025Ki", "1025Ki")]
    [InlineData("0.5Mi", "512Ki")]
    [InlineData("0.5Ki", "512")]
    [InlineData("1e3", "1e3")]
    [InlineData("1e4", "10e3")]
    [InlineData("1E6", "1E6")]
    [InlineData("1000e3", "1e6")]
    [InlineData("1e-3", "1e-3")]
    [InlineData("1n", "1n")]
    [InlineData("0.1n", "1n")]
    [InlineData("1.1n", "2n")]
    [InlineData("-0.1n", "-1n")]
    [InlineData("0.0001Ki", "102400u")]
    [InlineData("1.1", "1100m")]
    [InlineData("-1.5", "-1500m")]
    [InlineData("-1Gi", "-1Gi")]
    [InlineData("8Ei", "9223372036854775807")]
    [InlineData("100Ei", "9223372036854775807")]
    [InlineData("-100Ei", "-9223372036854775807")]
    [InlineData("7Ei", "7Ei")]
    [InlineData("9223372036854775807", "9223372036854775807")]
    [InlineData("9223372036854775808", "9223372036854775808")]
    [InlineData("1E", "1E")]
    [InlineData("1000E", "1000E")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    // What upstream prints back as it was written:
    [InlineData("1.500", "1.500")]
    [InlineData("1.000", "1")]
    [InlineData("+5", "+5")]
    [InlineData("007", "007")]
    [InlineData("0.500", "500m")]
    [InlineData("+1Ki", "+1Ki")]
    [InlineData("+8Ki", "8Ki")]
    // What its scanner lets pass:
    [InlineData("-", "0")]
    [InlineData("k", "0")]
    [InlineData("1.", "1.")]
    [InlineData(".5", "500m")]
    public void The_text_is_canonical_as_upstreams(string text, string canonical)
    {
        Assert.Equal(canonical, Quantity.Parse(text).ToString());
        Span<byte> utf8 = stackalloc byte[64];
        Assert.True(Quantity.Parse(Encoding.UTF8.GetBytes(text)).TryFormat(utf8, out int n));
        Assert.Equal(canonical, Encoding.UTF8.GetString(utf8[..n]));
    }

    [Theory]
    [InlineData("", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("abc", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1.2.3", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1 Gi", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1Gb", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1ki", "unable to parse quantity's suffix")]
    [InlineData("1K", "unable to parse quantity's suffix")]
    [InlineData("1mi", "unable to parse quantity's suffix")]
    [InlineData("1e", "unable to parse quantity's suffix")]
    [InlineData("1m5", "unable to parse quantity's suffix")]
    [InlineData("1e99999999", "unable to parse quantity's suffix")]
    public void A_wrong_text_is_refused_in_upstreams_words(string text, string message) =>
        Assert.Equal(message, Assert.Throws<QuantityFormatException>(() => Quantity.Parse(text)).Message);

    [Theory]
    [InlineData("1500m", 2, 1500)]
    [InlineData("-1500m", -2, -1500)]
    [InlineData("100m", 1, 100)]
    [InlineData("1n", 1, 1)]
    [InlineData("1Gi", 1073741824, 1073741824000)]
    [InlineData("2k", 2000, 2000000)]
    [InlineData("1E", 1000000000000000000, long.MaxValue)]
    [InlineData("100E", long.MaxValue, long.MaxValue)]
    [InlineData("-100E", long.MinValue, long.MinValue)]
    [InlineData("1e300", long.MaxValue, long.MaxValue)]
    public void Values_are_rounded_away_from_zero_and_stay_in_range(string text, long value, long milli)
    {
        Assert.Equal(value, Quantity.Parse(text).Value());
        Assert.Equal(milli, Quantity.Parse(text).MilliValue());
    }

    [Theory]
    [InlineData("1", "1m", "1001m")]
    [InlineData("1Gi", "1Mi", "1025Mi")]
    [InlineData("0", "1Gi", "1Gi")]
    [InlineData("1Gi", "1", "1073741825")]
    [InlineData("9223372036854775807", "1", "9223372036854775808")]
    [InlineData("1E", "1n", "1000000000000000000000000001n")]
    [InlineData("-1", "500m", "-500m")]
    public void Sums_keep_the_format_of_the_first_that_is_not_zero(string a, string b, string sum)
    {
        Assert.Equal(sum, (Quantity.Parse(a) + Quantity.Parse(b)).ToString());
        Assert.Equal(Quantity.Parse(a), Quantity.Parse(sum) - Quantity.Parse(b));
    }

    [Fact]
    public void Equal_amounts_are_equal_and_hash_alike_however_written()
    {
        string[] ones = ["1", "1000m", "1e0", "1.000", "+1", "1000000000n"];
        foreach (string one in ones)
        {
            Assert.Equal(Quantity.Parse("1"), Quantity.Parse(one));
            Assert.Equal(Quantity.Parse("1").GetHashCode(), Quantity.Parse(one).GetHashCode());
        }
        Assert.True(Quantity.Parse("1Ki") > Quantity.Parse("1k"));
        Assert.True(Quantity.Parse("1e30") > Quantity.Parse("1E"));
        Assert.True(Quantity.Parse("-1e30") < Quantity.Parse("-1E"));
        Assert.Equal(default, Quantity.Parse("0Gi"));
        Assert.Equal("0", default(Quantity).ToString());
    }

    [Fact]
    public void An_integer_is_told_from_what_is_none()
    {
        Assert.True(Quantity.Parse("2k").TryGetInt64(out long two) && two == 2000);
        Assert.True(Quantity.Parse("2000m").TryGetInt64(out two) && two == 2);
        Assert.False(Quantity.Parse("1500m").TryGetInt64(out _));
        Assert.False(Quantity.Parse("100E").TryGetInt64(out _));
    }

    /// <summary>The small form, the big form and exact rational arithmetic agree, and the text reads back as the same amount.</summary>
    [Fact]
    public void Random_quantities_agree_with_exact_arithmetic()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "e3", "e-3", "e5", "e12"];
        for (int i = 0; i < 3000; i++)
        {
            var (left, right) = (RandomText(random, suffixes), RandomText(random, suffixes));
            var (a, b) = (Quantity.Parse(left), Quantity.Parse(right));
            var (exactA, exactB) = (Nanos(left), Nanos(right));
            string about = $"seed {seed}: {left} {right}";
            Assert.True(a.CompareTo(b) == exactA.CompareTo(exactB), about);
            Assert.True(Nanos((a + b).ToString()) == exactA + exactB, about + " sum " + (a + b));
            Assert.True(Nanos((a - b).ToString()) == exactA - exactB, about + " difference " + (a - b));
            Assert.True(a.Equals(Quantity.Parse(a.ToString())), about);
            var milli = BigInteger.DivRem(exactA, 1_000_000, out var rest) + rest.Sign;
            Assert.True(a.MilliValue() == (milli > long.MaxValue ? long.MaxValue : milli < long.MinValue ? long.MinValue : (long)milli), about + " milli");
        }
    }

    static string RandomText(Random random, string[] suffixes)
    {
        string digits = random.NextInt64((long)Math.Pow(10, random.Next(1, 18))).ToString(CultureInfo.InvariantCulture);
        string fraction = random.Next(3) == 0 ? "." + random.Next(1000) : "";
        string suffix = suffixes[random.Next(suffixes.Length)];
        // Binary amounts are capped; keep them below the cap so that arithmetic is exact.
        if (suffix.EndsWith('i') && digits.Length > 5) digits = digits[..5];
        return (random.Next(4) == 0 ? "-" : "") + digits + fraction + suffix;
    }

    /// <summary>The amount in billionths, rounded away from zero, by the plainest means.</summary>
    static BigInteger Nanos(string text)
    {
        int end = text.LastIndexOfAny("0123456789.".ToCharArray()) + 1;
        int e = text.IndexOfAny(['e']);
        string number = e > 0 ? text[..e] : text[..end], suffix = e > 0 ? "" : text[end..];
        int exponent = e > 0 ? int.Parse(text[(e + 1)..], CultureInfo.InvariantCulture) : 0;
        int point = number.IndexOf('.');
        int places = point < 0 ? 0 : number.Length - point - 1;
        var mantissa = BigInteger.Parse(number.Replace(".", ""), CultureInfo.InvariantCulture);
        if (suffix.EndsWith('i')) mantissa *= BigInteger.Pow(1024, "KMGTPE".IndexOf(suffix[0]) + 1);
        else exponent += suffix switch { "n" => -9, "u" => -6, "m" => -3, "k" => 3, "M" => 6, "G" => 9, "T" => 12, "P" => 15, "E" => 18, _ => 0 };
        int scale = exponent - places + 9;
        if (scale >= 0) return mantissa * BigInteger.Pow(10, scale);
        var whole = BigInteger.DivRem(mantissa, BigInteger.Pow(10, -scale), out var rest);
        return whole + rest.Sign;
    }
}
