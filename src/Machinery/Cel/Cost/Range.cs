namespace Hanbae.Machinery.Cel.Cost;

/// <summary>The least and the most that something may be: a size or a cost. Arithmetic stops at the largest number.</summary>
readonly record struct Range(ulong Min, ulong Max)
{
    public static Range Exactly(ulong value) => new(value, value);
    public static Range Unknown { get; } = new(0, ulong.MaxValue);

    public static Range operator +(Range a, Range b) => new(Add(a.Min, b.Min), Add(a.Max, b.Max));
    public static Range operator *(Range a, Range b) => new(Multiply(a.Min, b.Min), Multiply(a.Max, b.Max));
    public Range Times(double factor) => new(Times(Min, factor), Times(Max, factor));
    public Range Or(Range other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));

    static ulong Add(ulong a, ulong b) => a + b < a ? ulong.MaxValue : a + b;
    static ulong Multiply(ulong a, ulong b) => b != 0 && a > ulong.MaxValue / b ? ulong.MaxValue : a * b;

    static ulong Times(ulong value, double factor)
    {
        double product = Math.Ceiling(value * factor);
        return product >= 18446744073709551616.0 ? ulong.MaxValue : (ulong)product;
    }
}
