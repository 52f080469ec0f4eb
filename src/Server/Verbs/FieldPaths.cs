using System.Text;
using Hanbae.Api.Codec;

namespace Hanbae.Server.Verbs;

/// <summary>Turns places in a document into paths such as <c>spec.containers[0].foo</c>: only asked for when something is wrong.</summary>
static class FieldPaths
{
    /// <param name="offsets">Of values, right behind their colon, ascending.</param>
    public static IEnumerable<string> Of(ReadOnlySpan<byte> json, List<int> offsets)
    {
        if (offsets.Count == 0) return [];
        var found = new SortedDictionary<int, string>();
        var reader = new JsonReader(json);
        Walk(ref reader, "", [.. offsets], found);
        return found.Values;
    }

    static void Walk(ref JsonReader reader, string path, HashSet<int> offsets, SortedDictionary<int, string> found)
    {
        switch (reader.Next)
        {
            case '{':
                if (!reader.Object()) return;
                do
                {
                    string name = Encoding.UTF8.GetString(reader.Name());
                    string child = path.Length == 0 ? name : path + "." + name;
                    if (offsets.Contains(reader.Position)) found[reader.Position] = child;
                    Walk(ref reader, child, offsets, found);
                } while (reader.NextMember());
                break;
            case '[':
                if (!reader.Array(out _)) return;
                int i = 0;
                do Walk(ref reader, $"{path}[{i++}]", offsets, found); while (reader.NextItem());
                break;
            default:
                reader.Skip();
                break;
        }
    }
}

/// <summary>A quick look for names given twice: right when it says no, and rarely wrong when it says maybe.</summary>
static class DuplicateFields
{
    public static bool Suspects(ReadOnlySpan<byte> json)
    {
        var reader = new JsonReader(json);
        Span<uint> seen = stackalloc uint[256];
        return Walk(ref reader, seen);
    }

    /// <param name="free">Room for hashes of names; when it does not last, everything is suspect.</param>
    static bool Walk(ref JsonReader reader, scoped Span<uint> free)
    {
        bool suspect = false;
        switch (reader.Next)
        {
            case '{':
                if (!reader.Object()) break;
                int count = 0;
                do
                {
                    uint hash = Hash(reader.Name());
                    if (count == free.Length || free[..count].Contains(hash)) suspect = true;
                    else free[count++] = hash;
                    suspect |= Walk(ref reader, free[count..]);
                } while (reader.NextMember());
                break;
            case '[':
                if (!reader.Array(out _)) break;
                do suspect |= Walk(ref reader, free); while (reader.NextItem());
                break;
            default:
                reader.Skip();
                break;
        }
        return suspect;
    }

    static uint Hash(ReadOnlySpan<byte> name)
    {
        uint hash = 2166136261;
        foreach (byte b in name) hash = (hash ^ b) * 16777619;
        return hash;
    }
}
