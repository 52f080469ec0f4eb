using System.Globalization;
using System.Text;

namespace Hanbae.Api.Json;

/// <summary>Quotes text the way Go's <c>%q</c> does, for messages that clients compare.</summary>
public static class GoQuote
{
    /// <summary><c>"text"</c>.</summary>
    public static string Text(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var rune in text.EnumerateRunes()) Append(quoted, rune, '"');
        return quoted.Append('"').ToString();
    }

    /// <summary>A byte as encoding/json names an unexpected one: <c>'x'</c>, <c>'\n'</c>, <c>'\''</c>, <c>'"'</c>.</summary>
    public static string Char(byte c)
    {
        var quoted = new StringBuilder(8).Append('\'');
        Append(quoted, new Rune(c), '\'');
        return quoted.Append('\'').ToString();
    }

    static void Append(StringBuilder to, Rune rune, char quote)
    {
        int c = rune.Value;
        switch (c)
        {
            case '\a': to.Append("\\a"); return;
            case '\b': to.Append("\\b"); return;
            case '\f': to.Append("\\f"); return;
            case '\n': to.Append("\\n"); return;
            case '\r': to.Append("\\r"); return;
            case '\t': to.Append("\\t"); return;
            case '\v': to.Append("\\v"); return;
            case '\\': to.Append("\\\\"); return;
        }
        if (c == quote) to.Append('\\').Append(quote);
        else if (c < ' ' || c == 0x7f) to.Append("\\x").Append(c.ToString("x2"));
        else if (c >= 0x80 && !IsPrintable(rune)) to.Append(c < 0x10000 ? "\\u" : "\\U").Append(c.ToString(c < 0x10000 ? "x4" : "x8"));
        else to.Append(rune.ToString());
    }

    /// <summary>As Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and of what is blank only the plain space.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
