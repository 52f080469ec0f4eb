using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Removes what an applier applied last time and does not any more, unless somebody else owns it.</summary>
static class Pruning
{
    /// <param name="owners">With what is applied now.</param>
    public static JsonObject Prune(JsonObject merged, Ownership owners, Owned last, FieldWrite write)
    {
        if (write.Versions.TypeOf(last.ApiVersion) is not { } type) return merged;
        var whole = Convert(merged, write.ApiVersion, last.ApiVersion, write);
        var gone = last.Set.WithNamedFields(type);
        var pruned = TypedPart.Remove(whole, gone, type);
        pruned = AddBackOwned(whole, pruned, owners, last.ApiVersion, write);

        // Only what this applier owned goes.
        var prunedSet = SetOf(pruned, type);
        var wholeSet = SetOf(whole, type);
        var result = TypedPart.Remove(whole, wholeSet.Difference(prunedSet).Intersection(gone), type);
        return Convert(result, last.ApiVersion, write.ApiVersion, write);
    }

    static JsonObject AddBackOwned(JsonObject whole, JsonObject pruned, Ownership owners, string version, FieldWrite write)
    {
        var owned = owners.Owners.Values.GroupBy(o => o.ApiVersion)
            .Select(g => (Version: g.Key, Set: g.Aggregate(FieldSet.Empty, (set, o) => set.Union(o.Set))))
            // The version at hand first, lest a later one lacks what it needs to be converted.
            .OrderBy(g => g.Version == version ? 0 : 1).ThenBy(g => g.Version, StringComparer.Ordinal);
        string at = version;
        foreach (var (next, set) in owned)
        {
            if (write.Versions.TypeOf(next) is not { } type) continue;
            (whole, pruned) = (Convert(whole, at, next, write), Convert(pruned, at, next, write));
            at = next;
            var keep = SetOf(pruned, type).Union(set.WithNamedFields(type));
            pruned = TypedPart.Remove(whole, SetOf(whole, type).Difference(keep), type);
        }
        return Convert(pruned, at, version, write);
    }

    static FieldSet SetOf(JsonObject obj, ApplyType type) => OwnedFields.Of(obj.ToUtf8(), type).WithNamedFields(type);

    static JsonObject Convert(JsonObject obj, string from, string to, FieldWrite write) =>
        from == to ? obj : (JsonObject)JsonValue.Parse(write.Versions.Convert(obj.ToUtf8(), from, to));
}
