using System.Buffers;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Patch;

/// <summary>A strategic merge patch of a document as it is stored: what the patch does not name is copied, not read.</summary>
public static partial class StrategicMerge
{
    /// <param name="document">Compact JSON that a writer of this program made; an object.</param>
    /// <param name="schema">The type of both documents; null when nothing is known of it.</param>
    /// <returns>The bytes that <see cref="Apply(JsonObject, JsonObject, TypeSchema?)"/> would print.</returns>
    /// <exception cref="PatchException">The patch is malformed or does not fit.</exception>
    public static ReadOnlyMemory<byte> Apply(byte[] document, JsonObject patch, TypeSchema? schema)
    {
        var to = new ArrayBufferWriter<byte>(document.Length + 256);
        var tape = new JsonTape(document);
        try { MergeMap(tape, 0, patch, new(schema, null), to); }
        finally { tape.Dispose(); }
        return to.WrittenMemory;
    }

    static void MergeMap(in JsonTape tape, int at, JsonObject patch, PatchSchema schema, ArrayBufferWriter<byte> to)
    {
        // They are about the object as a whole, or about members of other names.
        if (HasDirective(patch))
        {
            JsonPrinter.Write(MergeMap((JsonObject)JsonValue.Parse(tape.Bytes(at)), patch, schema), to);
            return;
        }
        Span<bool> done = patch.Count <= 64 ? stackalloc bool[patch.Count] : new bool[patch.Count];
        done.Clear();
        to.Write("{"u8);
        bool first = true;
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
        {
            var name = tape.Name(child);
            int change = PatchedMembers.Find(patch, name);
            if (change < 0)
            {
                PatchedMembers.Begin(to, name, ref first);
                to.Write(tape.Bytes(child));
                continue;
            }
            done[change] = true;
            var (field, value) = patch[change];
            if (value is JsonNull) continue;
            if (value is JsonObject map && tape.Kind(child) == '{')
            {
                PatchedMembers.Begin(to, name, ref first);
                MergeMap(tape, child, map, schema.Of(field).Schema, to);
            }
            else if ((value is JsonArray list && tape.Kind(child) == '[' ? Merged(tape.Bytes(child), list, schema, field) : Plain(value)) is { } merged)
            {
                PatchedMembers.Begin(to, name, ref first);
                JsonPrinter.Write(merged, to);
            }
        }
        for (int i = 0; i < done.Length; i++)
        {
            var (field, value) = patch[i];
            if (done[i] || value is JsonNull || Plain(value) is not { } added) continue;
            PatchedMembers.Begin(to, field, ref first);
            JsonPrinter.Write(added, to);
        }
        to.Write("}"u8);
    }

    static JsonArray Merged(ReadOnlySpan<byte> live, JsonArray list, PatchSchema schema, string field)
    {
        var (items, merge, mergeKey) = schema.Of(field);
        return merge ? StrategicLists.MergeLists((JsonArray)JsonValue.Parse(live), list, items, mergeKey) : list;
    }

    static bool HasDirective(JsonObject patch)
    {
        for (int i = 0; i < patch.Count; i++)
            if (patch[i].Name is { Length: > 0 } name && name[0] == '$'
                && (name is Directive or RetainKeys || name.StartsWith(DeleteFromList, StringComparison.Ordinal) || name.StartsWith(SetElementOrder, StringComparison.Ordinal))) return true;
        return false;
    }
}
