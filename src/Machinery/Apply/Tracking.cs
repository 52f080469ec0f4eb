using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Keeps account of who owns which fields through updates and applies.</summary>
/// <remarks>
/// As upstream's chain of field managers over structured-merge-diff: an update takes what it changes, an apply takes what it says, conflicts
/// unless forced, and gives up what it no longer says, which is removed if nobody else owns it.
/// </remarks>
public static class Tracking
{
    const string BeforeFirstApply = "before-first-apply";

    /// <summary>Fields that the server keeps: nobody's.</summary>
    static readonly FieldSet s_nobodys = FieldSet.OfFields("apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.creationTimestamp",
        "metadata.selfLink", "metadata.uid", "metadata.clusterName", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion");

    /// <summary>Gives the writer what it changed.</summary>
    /// <param name="live">Null on creation.</param>
    /// <exception cref="ApplyException">The objects do not have the form of their type.</exception>
    public static void Update(Ownership owners, byte[]? live, byte[] obj, FieldWrite write)
    {
        // What was never tracked, or was reset, is not tracked until somebody applies.
        if (owners.IsEmpty && live is not null) return;
        if (live is null && owners.IsEmpty && write.Subresource.Length == 0)
        {
            Create(owners, obj, write);
            return;
        }
        if (live is not null && write.TypeChanges) Topology.Reconcile(owners, live, write);
        Take(owners, live ?? write.Blank, obj, write, write.Manager);
    }

    /// <summary>Gives the writer what it makes, if an object like it was made before: then its bytes need not outlive the question.</summary>
    public static bool TryCreate(Ownership owners, ReadOnlySpan<byte> obj, FieldWrite write)
    {
        if (!owners.IsEmpty || write.Subresource.Length > 0 || CreatedShapes.Of(write.Type).Find(obj, write) is not { } own) return false;
        Own(owners, own, write);
        return true;
    }

    /// <summary>As <see cref="Take"/> with nobody to take from.</summary>
    static void Create(Ownership owners, byte[] obj, FieldWrite write)
    {
        if (TryCreate(owners, obj, write)) return;
        var written = Comparison.Of(write.Blank, obj, write.Type).Written;
        var own = FieldsV1.Share((write.Filter is { } filter ? filter.Apply(written) : written).Difference(s_nobodys));
        CreatedShapes.Of(write.Type).Add(obj, write, own);
        Own(owners, own, write);
    }

    static void Own(Ownership owners, FieldSet own, FieldWrite write) =>
        owners.Set(new(write.Manager, false, write.ApiVersion, write.Subresource), new(write.ApiVersion, own, write.Now));

    static void Take(Ownership owners, byte[] live, byte[] obj, FieldWrite write, string manager)
    {
        var changes = Comparison.Of(live, obj, write.Type);
        if (changes.IsSame) return;
        var views = new Views(changes, live, obj, write);
        foreach (var (owner, owned) in owners.Owners.ToArray())
            if (views.In(owned.ApiVersion) is { } seen) owners.Set(owner, owned.With(owned.Set.Difference(seen.Written).Difference(seen.Removed)));
            else owners.Owners.Remove(owner);

        var own = (write.Filter is { } filter ? filter.Apply(changes.Written) : changes.Written).Difference(s_nobodys);
        if (!own.IsEmpty)
        {
            var self = new Owner(manager, false, write.ApiVersion, write.Subresource);
            if (owners.Owners.TryGetValue(self, out var before)) own = before.Set.Union(own);
            owners.Set(self, new(write.ApiVersion, own, write.Now));
        }
        owners.Cap();
    }

    /// <summary>Merges what is applied into the live object.</summary>
    /// <param name="live">Without managedFields; null when there is none yet.</param>
    /// <returns>The new object; null when it is as it was.</returns>
    /// <exception cref="ConflictException">Others own what would change, and <paramref name="force"/> was not given.</exception>
    /// <exception cref="ApplyException">The objects do not have the form of their type.</exception>
    public static JsonObject? Apply(Ownership owners, byte[]? live, JsonObject applied, FieldWrite write, bool force)
    {
        live ??= write.Blank;
        if (owners.IsEmpty) Take(owners, write.Blank, live, write, BeforeFirstApply);
        else if (write.TypeChanges) Topology.Reconcile(owners, live, write);

        var old = (JsonObject)JsonValue.Parse(live);
        var merged = TypedMerge.Apply(old, applied, write.Type);
        var self = new Owner(write.Manager, true, "", write.Subresource);
        var last = owners.Owners.GetValueOrDefault(self);
        var set = OwnedFields.Of(applied.ToUtf8(), write.Type);
        if (write.Filter is { } filter) set = filter.Apply(set);
        owners.Owners[self] = new(write.ApiVersion, set, last?.Time);
        // What is applied again whole leaves nothing behind that could go.
        bool lets = last is { Set.IsEmpty: false } && (last.ApiVersion != write.ApiVersion || !last.Set.Difference(set).IsEmpty);
        if (lets) merged = Pruning.Prune(merged, owners, last!, write);

        TakeFromOthers(owners, self, live, merged.ToUtf8(), write, force);
        bool same = merged.Equals(old);
        var kept = set.Difference(s_nobodys);
        var time = same ? last?.Time : write.Now;
        owners.Set(self, last is not null && last.ApiVersion == write.ApiVersion && last.Set.Equals(kept) && last.Time == time ? last : new(write.ApiVersion, kept, time));
        return same ? null : merged;
    }

    static void TakeFromOthers(Ownership owners, Owner self, byte[] live, byte[] merged, FieldWrite write, bool force)
    {
        var changes = Comparison.Of(live, merged, write.Type);
        if (changes.IsSame) return;
        var views = new Views(changes, live, merged, write);
        var conflicts = new List<FieldConflict>();
        foreach (var (owner, owned) in owners.Owners.ToArray())
        {
            if (owner == self) continue;
            if (views.In(owned.ApiVersion) is not { } seen)
            {
                owners.Owners.Remove(owner);
                continue;
            }
            if (!force) conflicts.AddRange(owned.Set.Intersection(seen.Written).Paths().Select(path => new FieldConflict(owner, path)));
            owners.Set(owner, owned.With(owned.Set.Difference(seen.Written).Difference(seen.Removed)));
        }
        if (conflicts.Count > 0) throw new ConflictException([.. conflicts.OrderBy(c => c.Owner)]);
    }

    /// <summary>A change as the versions of the owners see it.</summary>
    sealed class Views(Comparison changes, byte[] live, byte[] obj, FieldWrite write)
    {
        readonly Comparison _own = changes.Through(write.Filter);
        Dictionary<string, Comparison?>? _others;

        /// <summary>Null when there is no such version any more.</summary>
        public Comparison? In(string version)
        {
            if (version == write.ApiVersion) return _own;
            _others ??= [];
            if (_others.TryGetValue(version, out var known)) return known;
            Comparison? seen = null;
            if (write.Versions.TypeOf(version) is { } type)
                seen = Comparison.Of(write.Versions.Convert(live, write.ApiVersion, version), write.Versions.Convert(obj, write.ApiVersion, version), type).Through(write.Filter);
            return _others[version] = seen;
        }
    }
}
