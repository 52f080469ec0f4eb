using System.Globalization;
using System.Text;

namespace Hanbae.Machinery.Yaml;

/// <summary>Orders keys as go-yaml writes them: letters after other signs, numbers within names by value.</summary>
sealed class YamlKeyOrder : IComparer<string>
{
    public static YamlKeyOrder Instance { get; } = new();

    public int Compare(string? x, string? y) => string.Equals(x, y) ? 0 : Less(x!, y!) ? -1 : 1;

    static bool Less(string x, string y)
    {
        Rune[] a = [.. x.EnumerateRunes()], b = [.. y.EnumerateRunes()];
        for (int i = 0; i < a.Length && i < b.Length; i++)
        {
            if (a[i] == b[i]) continue;
            bool letterA = Rune.IsLetter(a[i]), letterB = Rune.IsLetter(b[i]);
            if (letterA && letterB) return a[i] < b[i];
            if (letterA || letterB) return letterB;

            long numberA = 0, numberB = 0;
            // A zero after other digits does not lead a number.
            if (a[i].Value == '0' || b[i].Value == '0')
                for (int j = i - 1; j >= 0 && IsDigit(a[j]); j--)
                    if (a[j].Value != '0') { numberA = numberB = 1; break; }
            int endA = Number(a, i, ref numberA), endB = Number(b, i, ref numberB);
            if (numberA != numberB) return numberA < numberB;
            if (endA != endB) return endA < endB;
            return a[i] < b[i];
        }
        return a.Length < b.Length;
    }

    static int Number(Rune[] text, int at, ref long number)
    {
        for (; at < text.Length && IsDigit(text[at]); at++) number = unchecked(number * 10 + (text[at].Value - '0'));
        return at;
    }

    static bool IsDigit(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;
}
