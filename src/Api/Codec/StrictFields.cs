using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Says which fields a document has that its kind has not, and which it has twice, in the order in which upstream's decoders come upon them.</summary>
/// <remarks>Only asked when something is wrong.</remarks>
public static class StrictFields
{
    /// <summary>As upstream's decoder: what is wrong beyond this is not told, and costs nothing.</summary>
    public const int Most = 100;

    /// <summary>As the document is read; what is below an unknown field nobody looks at.</summary>
    /// <param name="unknown">Offsets of values, right behind their colon.</param>
    public static List<string> AsRead(ReadOnlySpan<byte> json, List<int> unknown, string before = "")
    {
        var found = new List<string>();
        var reader = new JsonReader(json);
        Read(ref reader, "", [.. unknown], before, found);
        return found;
    }

    /// <returns>False when enough is found.</returns>
    static bool Read(ref JsonReader reader, string path, HashSet<int> unknown, string before, List<string> found)
    {
        switch (reader.Next)
        {
            case '{':
                if (!reader.Object()) return true;
                var seen = new HashSet<string>();
                do
                {
                    string name = Encoding.UTF8.GetString(reader.Name()), child = Child(path, name);
                    bool isUnknown = unknown.Contains(reader.Position);
                    if (isUnknown || !seen.Add(name))
                    {
                        string text = $"{before}{(isUnknown ? "unknown" : "duplicate")} field \"{child}\"";
                        if (!found.Contains(text)) found.Add(text);
                        if (found.Count == Most) return false;
                    }
                    if (isUnknown) reader.Skip();
                    else if (!Read(ref reader, child, unknown, before, found)) return false;
                } while (reader.NextMember());
                return true;
            case '[':
                if (!reader.Array(out _)) return true;
                int i = 0;
                do
                    if (!Read(ref reader, $"{path}[{i++}]", unknown, before, found)) return false;
                while (reader.NextItem());
                return true;
            default:
                reader.Skip();
                return true;
        }
    }

    /// <summary>The unknown ones of a document that upstream made anew, from YAML or by a patch: names are in order there.</summary>
    public static IEnumerable<string> Unknown(ReadOnlySpan<byte> json, List<int> unknown) => Find(json, unknown).Order(Comparer<string[]>.Create(InOrder)).Select(Path);

    /// <summary>The unknown ones of a custom object: of its metadata first, then what its schema has not, then of the metadata of objects within.</summary>
    public static IEnumerable<string> UnknownOfCustom(ReadOnlySpan<byte> json, List<int> unknown)
    {
        var found = Find(json, unknown);
        static int Turn(string[] steps) => steps[0] == "metadata" ? 0 : steps is [.., "metadata", _] ? 2 : 1;
        return found.OrderBy(Turn).ThenBy(Path, StringComparer.Ordinal).Select(Path);
    }

    static string Path(string[] steps) => steps.Aggregate("", Child);

    /// <summary>Items stand in brackets already.</summary>
    static string Child(string path, string step) => path.Length == 0 || step[..Math.Min(1, step.Length)] == "[" ? path + step : path + "." + step;

    static int InOrder(string[] a, string[] b)
    {
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            // Items follow each other by number, so the shorter one is earlier.
            int order = a[i].StartsWith('[') && b[i].StartsWith('[') && a[i].Length != b[i].Length ? a[i].Length.CompareTo(b[i].Length) : string.CompareOrdinal(a[i], b[i]);
            if (order != 0) return order;
        }
        return a.Length.CompareTo(b.Length);
    }

    static List<string[]> Find(ReadOnlySpan<byte> json, List<int> unknown)
    {
        var found = new List<string[]>();
        if (unknown.Count == 0) return found;
        var reader = new JsonReader(json);
        Find(ref reader, [], [.. unknown.Take(Most)], found);
        return found;
    }

    static void Find(ref JsonReader reader, string[] steps, HashSet<int> unknown, List<string[]> found)
    {
        switch (reader.Next)
        {
            case '{':
                if (!reader.Object()) return;
                do
                {
                    string[] child = [.. steps, Encoding.UTF8.GetString(reader.Name())];
                    if (unknown.Contains(reader.Position))
                    {
                        found.Add(child);
                        reader.Skip();
                    }
                    else Find(ref reader, child, unknown, found);
                } while (reader.NextMember());
                break;
            case '[':
                if (!reader.Array(out _)) return;
                int i = 0;
                do Find(ref reader, [.. steps, $"[{i++}]"], unknown, found); while (reader.NextItem());
                break;
            default:
                reader.Skip();
                break;
        }
    }
}
