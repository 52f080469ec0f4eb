using Hanbae.Api.Codec;

namespace Hanbae.Server.Verbs;

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
