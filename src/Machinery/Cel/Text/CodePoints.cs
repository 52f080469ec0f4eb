namespace Hanbae.Machinery.Cel.Text;

/// <summary>Counts and cuts strings by code point, as CEL does.</summary>
static class CodePoints
{
    public static int Count(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        for (int i = text.IndexOfAnyInRange('\uD800', '\uDBFF'); i >= 0 && i + 1 < text.Length;)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1])) { count--; i++; }
            i++;
            int next = text[i..].IndexOfAnyInRange('\uD800', '\uDBFF');
            i = next < 0 ? -1 : i + next;
        }
        return count;
    }

    /// <summary>Where the code point of that index begins; the end for the count itself.</summary>
    public static int IndexOf(string text, int codePoint)
    {
        int at = 0;
        for (; codePoint > 0; codePoint--) at += Length(text, at);
        return at;
    }

    /// <summary>How many chars the code point at <paramref name="at"/> takes.</summary>
    public static int Length(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
}
