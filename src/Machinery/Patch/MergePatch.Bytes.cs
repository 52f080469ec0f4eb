using System.Buffers;
using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Patch;

/// <summary>A merge patch of a document as it is stored: what the patch does not name is copied, not read.</summary>
public static partial class MergePatch
{
    /// <param name="document">Compact JSON that a writer of this program made; an object.</param>
    /// <returns>The bytes that <see cref="Apply(JsonValue, JsonValue)"/> would print.</returns>
    public static ReadOnlyMemory<byte> Apply(byte[] document, JsonObject patch)
    {
        var to = new ArrayBufferWriter<byte>(document.Length + 256);
        var tape = new JsonTape(document);
        try { Merge(tape, 0, patch, to); }
        finally { tape.Dispose(); }
        return to.WrittenMemory;
    }

    static void Merge(in JsonTape tape, int at, JsonObject patch, ArrayBufferWriter<byte> to)
    {
        Span<bool> done = patch.Count <= 64 ? stackalloc bool[patch.Count] : new bool[patch.Count];
        done.Clear();
        to.Write("{"u8);
        bool first = true;
        for (int n = tape[at].Count, child = at + 1; n > 0; n--, child += tape[child].Size)
        {
            var name = tape.Name(child);
            int change = PatchedMembers.Find(patch, name);
            if (change >= 0)
            {
                done[change] = true;
                if (patch[change].Value is JsonNull) continue;
            }
            PatchedMembers.Begin(to, name, ref first);
            if (change < 0) to.Write(tape.Bytes(child));
            else if (patch[change].Value is JsonObject inner && tape.Kind(child) == '{') Merge(tape, child, inner, to);
            else Print(patch[change].Value, to);
        }
        for (int i = 0; i < done.Length; i++)
        {
            var (name, value) = patch[i];
            if (done[i] || value is JsonNull) continue;
            PatchedMembers.Begin(to, name, ref first);
            Print(value, to);
        }
        to.Write("}"u8);
    }

    static void Print(JsonValue value, ArrayBufferWriter<byte> to) => JsonPrinter.Write(value is JsonObject obj ? WithoutNulls(obj) : value, to);
}
