using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Apply;

/// <summary>Finds what a list's items are known by: in JSON bytes for comparisons, in trees for merges. Both make the same path elements.</summary>
static class ListKeys
{
    /// <exception cref="ApplyException">The item has no such key.</exception>
    public static PathElement Of(in JsonTape tape, int item, ApplyType list)
    {
        byte kind = tape.Kind(item);
        if (list.Merging == Merging.Set)
        {
            CheckSetItem(kind == '{', kind == '[');
            return PathElements.Get(PathKind.Value, tape.Bytes(item));
        }
        if (kind != '{') throw NotKeyed(kind == 'n');
        Span<byte> key = stackalloc byte[256];
        int length = 0;
        if (!Put(ref length, key, "{"u8)) return Slow(tape, item, list);
        for (int i = 0; i < list.Keys.Length; i++)
        {
            ReadOnlySpan<byte> value = default;
            for (int n = tape[item].Count, at = item + 1; n > 0; n--, at += tape[at].Size)
                if (tape.Name(at).SequenceEqual(list.KeyNames[i])) { value = tape.Bytes(at); break; }
            if (value.IsEmpty) value = (list.KeyDefault(list.Keys[i]) ?? throw Missing(list.Keys[i])).ToUtf8();
            bool fits = (i == 0 || Put(ref length, key, ","u8)) && Put(ref length, key, "\""u8) && Put(ref length, key, list.KeyNames[i]) && Put(ref length, key, "\":"u8) && Put(ref length, key, value);
            if (!fits) return Slow(tape, item, list);
        }
        return Put(ref length, key, "}"u8) ? PathElements.Get(PathKind.Key, key[..length]) : Slow(tape, item, list);
    }

    static bool Put(ref int length, Span<byte> to, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(to[length..])) return false;
        length += bytes.Length;
        return true;
    }

    static PathElement Slow(in JsonTape tape, int item, ApplyType list) => Of(JsonValue.Parse(tape.Bytes(item)), list);

    /// <inheritdoc cref="Of(in JsonTape, int, ApplyType)"/>
    public static PathElement Of(JsonValue item, ApplyType list)
    {
        if (list.Merging == Merging.Set)
        {
            CheckSetItem(item is JsonObject, item is JsonArray);
            return PathElements.Get(PathKind.Value, item.ToUtf8());
        }
        if (item is not JsonObject map) throw NotKeyed(item is JsonNull);
        var key = new JsonObjectBuilder(list.Keys.Length);
        foreach (string name in list.Keys) key.Set(name, map[name] ?? list.KeyDefault(name) ?? throw Missing(name));
        return PathElements.Get(PathKind.Key, key.Build().ToUtf8());
    }

    static void CheckSetItem(bool isMap, bool isList)
    {
        if (isMap) throw new ApplyException("associative list without keys has an element that's a map type");
        if (isList) throw new ApplyException("not supported: associative list with lists as elements");
    }

    static ApplyException NotKeyed(bool isNull) =>
        new(isNull ? "associative list with keys may not have a null element" : "associative list with keys may not have non-map elements");

    static ApplyException Missing(string key) =>
        new($"associative list with keys has an element that omits key field \"{key}\" (and doesn't have default value)");
}
