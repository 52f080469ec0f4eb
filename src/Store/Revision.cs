namespace Hanbae.Store;

/// <summary>The place of a write in the one order of all writes: Kubernetes' resourceVersion.</summary>
public readonly record struct Revision(long Value) : IComparable<Revision>
{
    /// <summary>No revision: a key that does not exist.</summary>
    public static Revision None => default;
    /// <summary>Where a new store is.</summary>
    public static Revision First => new(1);

    public Revision Next => new(Value + 1);
    public int CompareTo(Revision other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static bool operator <(Revision a, Revision b) => a.Value < b.Value;
    public static bool operator >(Revision a, Revision b) => a.Value > b.Value;
    public static bool operator <=(Revision a, Revision b) => a.Value <= b.Value;
    public static bool operator >=(Revision a, Revision b) => a.Value >= b.Value;
}
