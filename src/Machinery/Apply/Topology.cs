namespace Hanbae.Machinery.Apply;

/// <summary>Fits what owners own to a schema that has changed since: what has become one value is owned as a whole, and what was one is owned part by part.</summary>
/// <remarks>As upstream's ReconcileFieldSetWithSchema. Only definitions of custom resources change so; what is built in stays as it is.</remarks>
static class Topology
{
    /// <param name="live">Before the write, in its version.</param>
    public static void Reconcile(Ownership owners, byte[] live, FieldWrite write)
    {
        foreach (var (owner, owned) in owners.Owners.ToArray())
        {
            bool own = owned.ApiVersion == write.ApiVersion;
            if ((own ? write.Type : write.Versions.TypeOf(owned.ApiVersion)) is not { } type)
            {
                // There is no such version any more, and so nothing that could be owned in it.
                owners.Owners.Remove(owner);
                continue;
            }
            FieldSet? all = null;
            FieldSet Live() => all ??= OwnedFields.Of(own ? live : write.Versions.Convert(live, write.ApiVersion, owned.ApiVersion), type);
            owners.Set(owner, owned.With(Below(owned.Set, type, Live)));
        }
    }

    /// <param name="live">What there is at that place; asked for only where a whole has come apart.</param>
    static FieldSet Below(FieldSet set, ApplyType type, Func<FieldSet> live)
    {
        var entries = set.Entries.ToArray();
        bool changed = false;
        for (int i = 0; i < entries.Length; i++)
        {
            var entry = entries[i];
            var inner = entry.Element.Kind == PathKind.Field ? type.Member(entry.Element.Text) : type.Items;
            if (inner is null) continue;
            bool whole = entry.Owned && entry.Below is null;
            if (inner is { Merging: Merging.Leaf, Form: LeafForm.Map or LeafForm.List })
            {
                if (whole) continue;
                entries[i] = entry with { Owned = true, Below = null };
            }
            else if (inner.Merging is Merging.Fields or Merging.Set or Merging.Keyed)
            {
                var below = whole ? live().Find(entry.Element).Children : Below(entry.Children, inner, () => live().Find(entry.Element).Children);
                if (below.IsEmpty || ReferenceEquals(below, entry.Below)) continue;
                entries[i] = entry with { Below = below };
            }
            else continue;
            changed = true;
        }
        return changed ? FieldSet.Of(entries) : set;
    }
}
