using System.Globalization;

namespace Hanbae.Api;

/// <summary>An int or a string, such as a port by number or by name, or a count as <c>3</c> or <c>25%</c>. <c>default</c> is 0.</summary>
public readonly struct IntOrString : IEquatable<IntOrString>
{
    readonly string? _text;

    public IntOrString(int value) => Int = value;
    public IntOrString(string value) => _text = value;

    public bool IsString => _text is not null;

    /// <summary>The int; 0 when it is a string.</summary>
    public int Int { get; }

    /// <summary>The string, or null when it is an int.</summary>
    public string? String => _text;

    /// <summary>An int when the text is one, a string otherwise: what <c>intstr.Parse</c> does with command-line values.</summary>
    public static IntOrString Parse(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? new(value) : new(text);

    /// <summary>The int itself, or the percentage of <paramref name="total"/>.</summary>
    /// <exception cref="FormatException">It is a string but no percentage; the message is upstream's.</exception>
    public int GetScaledValue(int total, bool roundUp)
    {
        if (_text is null) return Int;
        if (!_text.EndsWith('%')) throw new FormatException("invalid value for IntOrString: invalid type: string is not a percentage");
        string number = _text[..^1];
        if (!int.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int percent))
            throw new FormatException("invalid value for IntOrString: invalid value " + Json.GoQuote.Text(_text) + ": strconv.Atoi: parsing "
                + Json.GoQuote.Text(number) + (LooksLikeNumber(number) ? ": value out of range" : ": invalid syntax"));
        double share = (double)percent * total / 100;
        return (int)(roundUp ? Math.Ceiling(share) : Math.Floor(share));
    }

    static bool LooksLikeNumber(string text) => text.Length > 1 && text.AsSpan(text[0] is '-' or '+' ? 1 : 0).IndexOfAnyExceptInRange('0', '9') < 0;

    public static implicit operator IntOrString(int value) => new(value);
    public static implicit operator IntOrString(string value) => new(value);

    public bool Equals(IntOrString other) => Int == other.Int && _text == other._text;
    public override bool Equals(object? obj) => obj is IntOrString other && Equals(other);
    public override int GetHashCode() => _text?.GetHashCode() ?? Int;
    public static bool operator ==(IntOrString a, IntOrString b) => a.Equals(b);
    public static bool operator !=(IntOrString a, IntOrString b) => !a.Equals(b);

    /// <summary>The string, or the int in decimal.</summary>
    public override string ToString() => _text ?? Int.ToString(CultureInfo.InvariantCulture);
}
