using System.Buffers;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>Members of a document that is patched as it is stored: names are bytes there, and texts in the patch.</summary>
static class PatchedMembers
{
    /// <param name="name">As it stands in JSON.</param>
    /// <returns>Its place in the patch, or −1.</returns>
    public static int Find(JsonObject patch, ReadOnlySpan<byte> name)
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

    /// <param name="name">As it stands in JSON.</param>
    public static void Begin(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> name, ref bool first)
    {
        Comma(to, ref first);
        to.Write("\""u8);
        to.Write(name);
        to.Write("\":"u8);
    }

    public static void Begin(ArrayBufferWriter<byte> to, string name, ref bool first)
    {
        Comma(to, ref first);
        JsonPrinter.Write(new JsonString(name), to);
        to.Write(":"u8);
    }

    static void Comma(ArrayBufferWriter<byte> to, ref bool first)
    {
        if (!first) to.Write(","u8);
        first = false;
    }
}
