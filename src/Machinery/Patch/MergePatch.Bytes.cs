using System.Buffers;
using System.Text;
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
            int change = Find(patch, name);
            if (change >= 0)
            {
                done[change] = true;
                if (patch[change].Value is JsonNull) continue;
            }
            Comma(to, ref first);
            to.Write("\""u8);
            to.Write(name);
            to.Write("\":"u8);
            if (change < 0) to.Write(tape.Bytes(child));
            else if (patch[change].Value is JsonObject inner && tape.Kind(child) == '{') Merge(tape, child, inner, to);
            else Print(patch[change].Value, to);
        }
        for (int i = 0; i < done.Length; i++)
        {
            var (name, value) = patch[i];
            if (done[i] || value is JsonNull) continue;
            Comma(to, ref first);
            JsonPrinter.Write(new JsonString(name), to);
            to.Write(":"u8);
            Print(value, to);
        }
        to.Write("}"u8);
    }

    static void Comma(ArrayBufferWriter<byte> to, ref bool first)
    {
        if (!first) to.Write(","u8);
        first = false;
    }

    static void Print(JsonValue value, ArrayBufferWriter<byte> to) => JsonPrinter.Write(value is JsonObject obj ? WithoutNulls(obj) : value, to);

    /// <param name="name">As it stands in JSON.</param>
    static int Find(JsonObject patch, ReadOnlySpan<byte> name)
    {
        string? plain = name.Contains((byte)'\\') ? ((JsonString)JsonValue.Parse([(byte)'"', .. name, (byte)'"'])).Value : null;
        Span<byte> utf8 = stackalloc byte[256];
        for (int i = 0; i < patch.Count; i++)
        {
            string wanted = patch[i].Name;
            if (plain is not null ? wanted == plain
                : Encoding.UTF8.TryGetBytes(wanted, utf8, out int length) ? utf8[..length].SequenceEqual(name) : Encoding.UTF8.GetBytes(wanted).AsSpan().SequenceEqual(name)) return i;
        }
        return -1;
    }
}
