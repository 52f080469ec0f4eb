using System.Text;
using Hanbae.Machinery.Cel.Text;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>cel-go's extension of strings. Offsets count code points.</summary>
static class StringFunctions
{
    public static void Add(FunctionList f)
    {
        var (text, whole, texts) = (CelType.String, CelType.Int, CelType.List(CelType.String));
        f.Member("charAt", "string_char_at_int", [text, whole], text, (x, _) => CharAt(S(x[0]), I(x[1])));
        f.Member("indexOf", "string_index_of_string", [text, text], whole, (x, _) => IndexOf(S(x[0]), S(x[1]), 0));
        f.Member("indexOf", "string_index_of_string_int", [text, text, whole], whole, (x, _) => IndexOf(S(x[0]), S(x[1]), I(x[2])));
        f.Member("lastIndexOf", "string_last_index_of_string", [text, text], whole, (x, _) => LastIndexOf(S(x[0]), S(x[1]), null));
        f.Member("lastIndexOf", "string_last_index_of_string_int", [text, text, whole], whole, (x, _) => LastIndexOf(S(x[0]), S(x[1]), I(x[2])));
        f.Member("lowerAscii", "string_lower_ascii", [text], text, (x, _) => Cased(S(x[0]), lower: true));
        f.Member("upperAscii", "string_upper_ascii", [text], text, (x, _) => Cased(S(x[0]), lower: false));
        f.Member("replace", "string_replace_string_string", [text, text, text], text, (x, _) => Replace(S(x[0]), S(x[1]), S(x[2]), -1));
        f.Member("replace", "string_replace_string_string_int", [text, text, text, whole], text, (x, _) => Replace(S(x[0]), S(x[1]), S(x[2]), I(x[3])));
        f.Member("split", "string_split_string", [text, text], texts, (x, _) => Split(S(x[0]), S(x[1]), -1));
        f.Member("split", "string_split_string_int", [text, text, whole], texts, (x, _) => Split(S(x[0]), S(x[1]), I(x[2])));
        f.Member("substring", "string_substring_int", [text, whole], text, (x, _) => Substring(S(x[0]), I(x[1]), null));
        f.Member("substring", "string_substring_int_int", [text, whole, whole], text, (x, _) => Substring(S(x[0]), I(x[1]), I(x[2])));
        f.Member("trim", "string_trim", [text], text, (x, _) => S(x[0]).Trim());
        f.Member("join", "list_join", [texts], text, (x, _) => Join((CelList)x[0], ""));
        f.Member("join", "list_join_string", [texts, text], text, (x, _) => Join((CelList)x[0], S(x[1])));
        f.Global("strings.quote", "strings_quote", [text], text, (x, _) => Quote(S(x[0])));
        f.Member("format", "string_format", [text, CelType.AnyList], text, (x, _) => Formatting.Format(S(x[0]), (CelList)x[1]));
    }

    static string S(CelValue value) => ((CelString)value).Value;
    static long I(CelValue value) => ((CelInt)value).Value;
    static CelError OutOfRange(long index) => new($"index out of range: {index}");

    static string Cased(string text, bool lower) => string.Create(text.Length, (text, lower), static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++)
        {
            char c = from.text[i];
            to[i] = c >= 0x80 ? c : from.lower ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c);
        }
    });

    static CelValue CharAt(string text, long index)
    {
        int count = CodePoints.Count(text);
        if (index < 0 || index > count) return OutOfRange(index);
        int at = CodePoints.IndexOf(text, (int)index);
        return at == text.Length ? CelString.Empty : new CelString(text.Substring(at, CodePoints.Length(text, at)));
    }

    static CelValue IndexOf(string text, string part, long offset)
    {
        if (part.Length == 0) return offset;
        // Upstream finds nothing in an empty text, wherever it is asked to begin.
        if (offset < 0 || offset >= CodePoints.Count(text)) return text.Length == 0 && offset == 0 ? CelInt.Of(-1) : OutOfRange(offset);
        int found = text.IndexOf(part, CodePoints.IndexOf(text, (int)offset), StringComparison.Ordinal);
        return found < 0 ? -1 : (long)CodePoints.Count(text.AsSpan(0, found));
    }

    static CelValue LastIndexOf(string text, string part, long? offset)
    {
        int count = CodePoints.Count(text);
        if (part.Length == 0) return offset ?? count;
        if (offset is null && count == 0) return -1;
        long from = offset ?? count - 1;
        if (from < 0 || from >= count) return OutOfRange(from);
        int last = Math.Min(text.Length, CodePoints.IndexOf(text, (int)from) + part.Length);
        int found = text.AsSpan(0, last).LastIndexOf(part, StringComparison.Ordinal);
        return found < 0 ? -1 : (long)CodePoints.Count(text.AsSpan(0, found));
    }

    static CelValue Replace(string text, string old, string replacement, long limit)
    {
        if (limit == 0 || old == replacement) return text;
        long left = limit < 0 ? long.MaxValue : limit;
        var to = new StringBuilder();
        int at = 0;
        if (old.Length == 0)
        {
            // Between all characters, at both ends.
            for (; left > 0 && at <= text.Length; left--)
            {
                to.Append(replacement);
                if (to.Length > CelLimits.MaxProduct) return CelError.TooLarge;
                if (at == text.Length) { at++; break; }
                int length = CodePoints.Length(text, at);
                to.Append(text, at, length);
                at += length;
            }
            return to.Append(text, Math.Min(at, text.Length), text.Length - Math.Min(at, text.Length)).ToString();
        }
        for (; left > 0; left--)
        {
            int found = text.IndexOf(old, at, StringComparison.Ordinal);
            if (found < 0) break;
            to.Append(text, at, found - at).Append(replacement);
            if (to.Length > CelLimits.MaxProduct) return CelError.TooLarge;
            at = found + old.Length;
        }
        return to.Append(text, at, text.Length - at).ToString();
    }

    static CelValue Split(string text, string separator, long limit)
    {
        if (limit == 0) return CelList.Empty;
        if (separator.Length > 0) return CelList.Of(text.Split(separator, limit is < 0 or > int.MaxValue ? int.MaxValue : (int)limit));
        var parts = new List<string>();
        for (int at = 0; at < text.Length;)
        {
            int length = limit > 0 && parts.Count == limit - 1 ? text.Length - at : CodePoints.Length(text, at);
            parts.Add(text.Substring(at, length));
            at += length;
        }
        return CelList.Of(parts);
    }

    static CelValue Substring(string text, long start, long? end)
    {
        if (start > end) return new CelError($"invalid substring range. start: {start}, end: {end}");
        int count = CodePoints.Count(text);
        if (start < 0 || start > count) return OutOfRange(start);
        if (end < 0 || end > count) return OutOfRange(end.Value);
        int from = CodePoints.IndexOf(text, (int)start);
        return end is null ? text[from..] : text[from..CodePoints.IndexOf(text, (int)end.Value)];
    }

    static CelValue Join(CelList list, string separator)
    {
        var to = new StringBuilder();
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] is not CelString s) return list[i] as CelError ?? CelError.NoSuchOverload;
            if (i > 0) to.Append(separator);
            to.Append(s.Value);
            if (to.Length > CelLimits.MaxProduct) return CelError.TooLarge;
        }
        return to.ToString();
    }

    static CelValue Quote(string text)
    {
        var to = new StringBuilder(text.Length + 2).Append('"');
        foreach (char c in text)
            to.Append(c switch
            {
                '\a' => "\\a", '\b' => "\\b", '\f' => "\\f", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\v' => "\\v", '\\' => "\\\\", '"' => "\\\"",
                _ => null,
            } ?? c.ToString());
        return to.Append('"').ToString();
    }
}
