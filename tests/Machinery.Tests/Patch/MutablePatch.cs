using Hanbae.Api.Json;

namespace Hanbae.Machinery.Tests.Patch;

/// <summary>JSON patch the slow and obvious way: thaw into collections, change them in place, freeze.</summary>
static class MutablePatch
{
    public static JsonValue Apply(JsonValue document, JsonObject operation)
    {
        object? root = Thaw(document);
        string Text(string name) => ((JsonString)operation[name]!).Value;
        object? Value() => Thaw(operation["value"]!);
        switch (Text("op"))
        {
            case "add": Add(root, Text("path"), Value()); break;
            case "remove": Remove(root, Text("path")); break;
            case "replace" when Text("path").Length == 0: root = Value() is { } v and not (string or bool or JsonNumber) ? v : throw new InvalidOperationException(); break;
            case "replace": Replace(root, Text("path"), Value()); break;
            case "move":
                object? moved = Get(root, Text("from"));
                Remove(root, Text("from"));
                Add(root, Text("path"), moved);
                break;
            case "copy": Add(root, Text("path"), Thaw(Freeze(Get(root, Text("from"))))); break;
            case "test":
                object? actual = Text("path").Length == 0 ? root : Get(root, Text("path"));
                if (!Freeze(actual).Equals(operation["value"])) throw new InvalidOperationException();
                break;
        }
        return Freeze(root);
    }

    static (object? Container, string Key) Find(object? root, string path)
    {
        if (!path.Contains('/')) throw new InvalidOperationException();
        string[] steps = [.. path.Split('/').Skip(1).Select(s => s.Replace("~1", "/").Replace("~0", "~"))];
        foreach (string step in steps[..^1])
            root = root switch
            {
                Dictionary<string, object?> map when map.TryGetValue(step, out object? next) => next,
                List<object?> list when int.TryParse(step, out int i) && i < list.Count && i >= -list.Count => list[i < 0 ? i + list.Count : i],
                _ => throw new InvalidOperationException(),
            };
        return (root, steps[^1]);
    }

    static int Index(string key, int count) =>
        int.TryParse(key, out int i) && i < count && i >= -count ? i < 0 ? i + count : i : throw new InvalidOperationException();

    static object? Get(object? root, string path) => Find(root, path) switch
    {
        (Dictionary<string, object?> map, var key) => map.GetValueOrDefault(key),
        (List<object?> list, var key) => list[Index(key, list.Count)],
        _ => throw new InvalidOperationException(),
    };

    static void Add(object? root, string path, object? value)
    {
        switch (Find(root, path))
        {
            case (Dictionary<string, object?> map, var key): map[key] = value; break;
            case (List<object?> list, "-"): list.Add(value); break;
            case (List<object?> list, var key): list.Insert(Index(key, list.Count + 1), value); break;
            default: throw new InvalidOperationException();
        }
    }

    static void Remove(object? root, string path)
    {
        switch (Find(root, path))
        {
            case (Dictionary<string, object?> map, var key): if (!map.Remove(key)) throw new InvalidOperationException(); break;
            case (List<object?> list, var key): list.RemoveAt(Index(key, list.Count)); break;
            default: throw new InvalidOperationException();
        }
    }

    static void Replace(object? root, string path, object? value)
    {
        switch (Find(root, path))
        {
            case (Dictionary<string, object?> map, var key): map[key] = value; break;
            case (List<object?> list, var key): list[Index(key, list.Count)] = value; break;
            default: throw new InvalidOperationException();
        }
    }

    static object? Thaw(JsonValue value) => value switch
    {
        JsonObject o => o.Members.ToDictionary(m => m.Name, m => Thaw(m.Value)),
        JsonArray a => a.Items.Select(Thaw).ToList(),
        JsonString s => s.Value,
        JsonBool b => b.Value,
        JsonNumber n => n,
        _ => null,
    };

    static JsonValue Freeze(object? value) => value switch
    {
        Dictionary<string, object?> map => JsonObject.Of([.. map.Select(m => (m.Key, Freeze(m.Value)))]),
        List<object?> list => JsonArray.Of([.. list.Select(Freeze)]),
        string s => s,
        bool b => b,
        JsonNumber n => n,
        _ => JsonNull.Instance,
    };
}
