using Hanbae.Api.Json;
using Hanbae.Api.Schema;

namespace Hanbae.Machinery.Patch;

/// <summary>Strategic merge patch: JSON merge patch that knows which lists are sets and which are maps, and takes directives.</summary>
/// <remarks>
/// Matches upstream's strategicpatch as of v1.36, including its order rules (<c>$setElementOrder</c> before the order in the
/// patch before the order of the live list) and its messages. Unknown fields merge as in JSON merge patch.
/// </remarks>
public static partial class StrategicMerge
{
    internal const string Directive = "$patch", Delete = "delete", Replace = "replace", Merge = "merge";
    internal const string RetainKeys = "$retainKeys", DeleteFromList = "$deleteFromPrimitiveList", SetElementOrder = "$setElementOrder";

    /// <param name="schema">The type of both documents; null when nothing is known of it.</param>
    /// <exception cref="PatchException">The patch is malformed or does not fit.</exception>
    public static JsonObject Apply(JsonObject original, JsonObject patch, TypeSchema? schema) => MergeMap(original, patch, new(schema, null));

    internal static JsonObject MergeMap(JsonObject original, JsonObject patch, PatchSchema schema)
    {
        if (patch.TryGet(Directive, out var directive)) return OnDirective(directive, patch);

        var result = new JsonObjectBuilder(original);
        var changes = new JsonObjectBuilder(patch);
        ApplyRetainKeys(result, changes);
        ApplyElementOrder(result, changes, schema);

        foreach (var (key, value) in changes.Members())
        {
            bool deletes = key.StartsWith(DeleteFromList, StringComparison.Ordinal);
            string name = deletes ? Target(key, DeleteFromList, "invalid patch format of primitive list") : key;
            if (value is JsonNull) { result.Remove(name); continue; }

            var old = result[name];
            if (old is JsonObject oldMap && value is JsonObject newMap)
                result.Set(name, MergeMap(oldMap, newMap, schema.Of(name).Schema));
            else if (old is JsonArray oldList && value is JsonArray newList)
            {
                var (items, merge, mergeKey) = schema.Of(name);
                result.Set(name, deletes ? StrategicLists.Remove(oldList, newList)
                    : merge ? StrategicLists.MergeLists(oldList, newList, items, mergeKey) : newList);
            }
            // A deletion from what is no list is nothing to do.
            else if (deletes) continue;
            else if (Plain(value) is { } plain) result.Set(name, plain);
            else result.Remove(name);
        }
        return result.Build();
    }

    static JsonObject OnDirective(JsonValue directive, JsonObject patch) => directive switch
    {
        JsonString { Value: Replace } => patch.Without(Directive),
        JsonString { Value: Delete } => JsonObject.Empty,
        _ => throw UnknownDirective(directive, patch),
    };

    internal static PatchException UnknownDirective(JsonValue directive, JsonObject patch) =>
        new(PatchFault.Malformed, $"unknown patch type: {GoFormat.Value(directive)} in map: {GoFormat.Value(patch)}");

    /// <summary>A value that nothing is there to merge with: nulls and directives gone, or null when it was a directive itself.</summary>
    internal static JsonValue? Plain(JsonValue value)
    {
        if (value is JsonArray list) return JsonArray.Of([.. list.Items.Select(Plain).OfType<JsonValue>()]);
        if (value is not JsonObject map) return value;
        if (map.Contains(Directive)) return null;
        var result = new JsonObjectBuilder(map.Count);
        foreach (var (name, inner) in map)
        {
            if (inner is JsonNull || name == RetainKeys || name.StartsWith(SetElementOrder, StringComparison.Ordinal)
                || name.StartsWith(DeleteFromList, StringComparison.Ordinal)) continue;
            if (Plain(inner) is { } plain) result.Set(name, plain);
        }
        return result.Build();
    }

    /// <summary><c>$retainKeys</c>: every other key of the live object goes, and the patch may set none but these.</summary>
    static void ApplyRetainKeys(JsonObjectBuilder original, JsonObjectBuilder patch)
    {
        if (patch[RetainKeys] is not { } directive) return;
        patch.Remove(RetainKeys);
        if (directive is not JsonArray list) throw Malformed("invalid patch format of retainKeys");

        var retained = list.Items.OfType<JsonString>().Select(s => s.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, value) in patch.Members())
            if (value is not JsonNull && !retained.Contains(name)
                && !name.StartsWith(DeleteFromList, StringComparison.Ordinal) && !name.StartsWith(SetElementOrder, StringComparison.Ordinal))
                throw Malformed("invalid patch format of retainKeys");
        foreach (string name in original.Members().Select(m => m.Name).ToList())
            if (!retained.Contains(name)) original.Remove(name);
    }

    /// <summary><c>$setElementOrder/list</c>: merges the list now, since the directive decides where its items end up.</summary>
    static void ApplyElementOrder(JsonObjectBuilder original, JsonObjectBuilder patch, PatchSchema schema)
    {
        foreach (var (key, value) in patch.Members().Where(m => m.Name.StartsWith(SetElementOrder, StringComparison.Ordinal)).ToList())
        {
            patch.Remove(key);
            var order = StrategicLists.Expect(value);
            string name = Target(key, SetElementOrder, "invalid patch format of setElementOrder list");
            var live = original[name] is { } there ? StrategicLists.Expect(there) : null;
            var changes = patch[name] is { } given ? StrategicLists.Expect(given) : null;
            var (items, merge, mergeKey) = schema.Of(name);
            StrategicLists.CheckOrder(changes, order, mergeKey);
            if (live is null && changes is null) continue;

            var merged = changes is null ? live!
                : live is null ? (JsonArray)Plain(changes)!
                : merge ? StrategicLists.MergeLists(live, changes, items, mergeKey) : changes;
            original.Set(name, StrategicLists.InOrder(merged, order, live ?? JsonArray.Empty, mergeKey));
            patch.Remove(name);
        }
    }

    /// <summary>The list that a directive such as <c>$setElementOrder/list</c> is about.</summary>
    static string Target(string key, string prefix, string error) =>
        key.Length > prefix.Length && key[prefix.Length] == '/' ? key[(prefix.Length + 1)..] : throw Malformed(error);

    internal static PatchException Malformed(string message) => new(PatchFault.Malformed, message);
}
