namespace Hanbae.Machinery.Apply;

/// <summary>What fields differ between two versions of an object: what decides who owns a field after a write.</summary>
/// <param name="Removed">With all that was below.</param>
public sealed record Comparison(FieldSet Added, FieldSet Modified, FieldSet Removed)
{
    public static Comparison Same { get; } = new(FieldSet.Empty, FieldSet.Empty, FieldSet.Empty);

    public bool IsSame => Added.IsEmpty && Modified.IsEmpty && Removed.IsEmpty;
    public FieldSet Written => Added.Union(Modified);

    /// <param name="old">As a writer wrote it: valid, without blanks.</param>
    /// <exception cref="ApplyException">A list's item has no key.</exception>
    public static Comparison Of(byte[] old, byte[] now, ApplyType type)
    {
        var (left, right) = (new JsonTape(old), new JsonTape(now));
        try { return new CompareWalk(left, right).Compare(type); }
        finally
        {
            left.Dispose();
            right.Dispose();
        }
    }

    public Comparison Through(FieldFilter? filter) =>
        filter is null || IsSame ? this : new(filter.Apply(Added), filter.Apply(Modified), filter.Apply(Removed));
}

/// <summary>Keeps the fields that a write through one door (the object itself, its status) can change.</summary>
public sealed class FieldFilter(Func<FieldSet, FieldSet> apply)
{
    public FieldSet Apply(FieldSet set) => apply(set);

    /// <summary>All but these and what is below them.</summary>
    public static FieldFilter Except(params IEnumerable<string> dotted)
    {
        var gone = FieldSet.OfFields(dotted);
        return new(set => set.RecursiveDifference(gone));
    }
}
