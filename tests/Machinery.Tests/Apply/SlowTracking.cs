using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>Ownership as its description says it, over paths as texts and objects walked as often as needed: what the fast one is held against.</summary>
sealed class SlowTracking(ApplyType type, string apiVersion)
{
    public Dictionary<string, SortedSet<string>> Owners { get; } = [];
    public JsonObject Live { get; private set; } = JsonObject.Empty;

    bool _exists;

    sealed record Node(JsonValue Value, bool Leaf, bool Owned);

    /// <summary>Every place in an object: text of the path, value, whether it is one value, whether applying it owns it.</summary>
    static Dictionary<string, Node> Nodes(JsonValue value, ApplyType type, string at = "")
    {
        var all = new Dictionary<string, Node>();
        void Walk(JsonValue value, ApplyType type, string at, bool owned)
        {
            var children = Children(value, type, at);
            bool container = type.Merging != Merging.Leaf && (type.Merging != Merging.Deduced || value is JsonObject or JsonNull);
            if (at.Length > 0) all[at] = new(value, !container || children.Count == 0, owned || !container || value is JsonNull or JsonObject { Count: 0 });
            foreach (var (path, child, childType, childOwned) in children) Walk(child, childType, path, childOwned);
        }
        Walk(value, type, at, false);
        return all;
    }

    static List<(string Path, JsonValue Value, ApplyType Type, bool Owned)> Children(JsonValue value, ApplyType type, string at) => (type.Merging, value) switch
    {
        (Merging.Fields or Merging.Deduced, JsonObject map) => [.. map.Select(m => (at + "." + m.Name, m.Value, type.Member(m.Name)!, !type.Declares(m.Name)))],
        (Merging.Set, JsonArray list) => [.. list.Select(i => (at + "[=" + i + "]", i, type.Element!, true))],
        (Merging.Keyed, JsonArray list) => [.. list.Select(i => (at + "[" + string.Join(",", type.Keys.Select(k => k + "=" + ((JsonObject)i)[k])) + "]", i, type.Element!, true))],
        _ => [],
    };

    /// <summary>Paths with the structures' fields on the way to them.</summary>
    static HashSet<string> Named(IEnumerable<string> paths, Dictionary<string, Node> nodes, ApplyType type)
    {
        var all = new HashSet<string>(paths);
        foreach (string path in all.ToArray())
            for (int i = 1; i < path.Length; i++)
                if (path[i] is '.' or '[' && IsNamed(path[..i], type)) all.Add(path[..i]);
        return all;
    }

    /// <summary>A declared field of a structure; names here have neither dots nor brackets.</summary>
    static bool IsNamed(string path, ApplyType type)
    {
        bool named = false;
        ApplyType? at = type;
        foreach (string step in path.Replace("[", "\n[").Replace(".", "\n.").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (at is null) return false;
            named = step[0] == '.' && at.Declares(step[1..]);
            at = step[0] == '.' ? at.Member(step[1..]) : at.Element;
        }
        return named;
    }

    static (HashSet<string> Added, HashSet<string> Modified, HashSet<string> Removed) Compare(Dictionary<string, Node> old, Dictionary<string, Node> now) =>
        ([.. now.Keys.Where(p => !old.ContainsKey(p))], [.. now.Where(n => old.TryGetValue(n.Key, out var o) && (o.Leaf && n.Value.Leaf || Reshaped(o, n.Value)) && !o.Value.Equals(n.Value.Value)).Select(n => n.Key)],
            [.. old.Keys.Where(p => !now.ContainsKey(p))]);

    /// <summary>Of no known type: once a map, once not.</summary>
    static bool Reshaped(Node a, Node b) => a.Value is not JsonNull && b.Value is not JsonNull && a.Value is JsonObject != b.Value is JsonObject;

    public void Update(string manager, JsonObject obj)
    {
        var (added, modified, removed) = Compare(Nodes(Live, type), Nodes(obj, type));
        bool tracked = Owners.Count > 0 || !_exists;
        (Live, _exists) = (obj, true);
        if (!tracked) return;
        Lose([.. added, .. modified, .. removed], null);
        if (added.Count + modified.Count == 0) return;
        string self = manager + " Update";
        Owners[self] = [.. Owners.GetValueOrDefault(self) ?? [], .. added, .. modified];
    }

    void Lose(HashSet<string> paths, string? except)
    {
        foreach (var (owner, set) in Owners.ToArray())
        {
            if (owner == except) continue;
            set.ExceptWith(paths);
            if (set.Count == 0) Owners.Remove(owner);
        }
    }

    /// <returns>The conflicts, as owner and path; the apply has happened when there are none.</returns>
    public SortedSet<string> Apply(string manager, JsonObject applied, bool force)
    {
        var before = Owners.ToDictionary(o => o.Key, o => new SortedSet<string>(o.Value));
        if (Owners.Count == 0 && Live.Count > 0) Owners["before-first-apply Update"] = [.. Nodes(Live, type).Keys];
        string self = manager + " Apply";
        var merged = (JsonObject)Merge(Live, applied, type);
        var last = Owners.GetValueOrDefault(self);
        Owners[self] = [.. Nodes(applied, type).Where(n => n.Value.Owned).Select(n => n.Key)];
        if (last is { Count: > 0 })
        {
            var whole = Nodes(merged, type);
            var gone = Named(last, whole, type);
            var kept = Named(Own(Without(merged, gone)), whole, type);
            var owned = Named(Owners.Values.SelectMany(o => o), whole, type);
            var all = Named(Own(merged), whole, type);
            var pruned = Without(merged, [.. all.Where(p => !kept.Contains(p) && !owned.Contains(p))]);
            var left = Named(Own(pruned), whole, type);
            merged = Without(merged, [.. all.Where(p => !left.Contains(p) && gone.Contains(p))]);
        }
        var (added, modified, removed) = Compare(Nodes(Live, type), Nodes(merged, type));
        var conflicts = new SortedSet<string>(Owners.Where(o => o.Key != self).SelectMany(o => o.Value.Where(p => added.Contains(p) || modified.Contains(p)).Select(p => o.Key + p)));
        if (!force && conflicts.Count > 0)
        {
            Owners.Clear();
            foreach (var (owner, set) in before) Owners[owner] = set;
            return conflicts;
        }
        Lose([.. added, .. modified, .. removed], self);
        if (Owners[self].Count == 0) Owners.Remove(self);
        (Live, _exists) = (WithoutNulls(merged), true);
        return [];
    }

    IEnumerable<string> Own(JsonObject obj) => Nodes(obj, type).Where(n => n.Value.Owned).Select(n => n.Key);

    static JsonValue Merge(JsonValue? live, JsonValue applied, ApplyType type)
    {
        if (live is JsonObject a && applied is JsonObject b && (type.Merging is Merging.Fields or Merging.Deduced))
        {
            foreach (var (name, value) in b) a = a.With(name, Merge(a[name], value, type.Member(name)!));
            return a;
        }
        if (live is JsonArray c && applied is JsonArray d && type.Merging is Merging.Set or Merging.Keyed)
        {
            string Key(JsonValue item) => Children(JsonArray.Of(item), type, "")[0].Path;
            var there = c.ToDictionary(Key);
            foreach (var item in d) there[Key(item)] = Merge(there.GetValueOrDefault(Key(item)), item, type.Element!);
            return JsonArray.Of([.. there.Values]);
        }
        return applied;
    }

    JsonObject Without(JsonObject obj, HashSet<string> gone) => Without(obj, gone, type, "") as JsonObject ?? JsonObject.Empty;

    static JsonValue Without(JsonValue value, HashSet<string> gone, ApplyType type, string at)
    {
        var children = Children(value, type, at);
        if (children.Count == 0 || !gone.Any(g => g.StartsWith(at, StringComparison.Ordinal))) return value;
        var left = children.Where(c => !gone.Contains(c.Path)).Select(c => (c.Path, Value: Without(c.Value, gone, c.Type, c.Path))).ToList();
        if (left.Count == 0) return JsonNull.Instance;
        return value is JsonArray ? JsonArray.Of([.. left.Select(l => l.Value)]) : JsonObject.Of([.. left.Select(l => (l.Path[(at.Length + 1)..], l.Value))]);
    }

    public static JsonObject WithoutNulls(JsonObject obj) =>
        JsonObject.Of([.. obj.Where(m => m.Value is not JsonNull).Select(m => (m.Name, m.Value is JsonObject o ? WithoutNulls(o) : m.Value))]);

    /// <summary>The object with its keyed lists and sets in one order.</summary>
    public static string Sorted(JsonValue value, ApplyType type) => value switch
    {
        JsonObject map => "{" + string.Join(",", map.OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => m.Name + ":" + Sorted(m.Value, type.Member(m.Name) ?? ApplyType.Atomic))) + "}",
        JsonArray list when type.Merging != Merging.Leaf => "[" + string.Join(",", list.Select(i => Sorted(i, type.Element!)).Order(StringComparer.Ordinal)) + "]",
        _ => value.ToString(),
    };

    public override string ToString() => string.Join("\n", Owners.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => o.Key + " " + apiVersion + ": " + string.Join(" ", o.Value)));
}
