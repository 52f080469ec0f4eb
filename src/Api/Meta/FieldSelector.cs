using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hanbae.Api;

/// <summary>One condition of a <see cref="FieldSelector"/>: a field is, or is not, a value.</summary>
public readonly record struct FieldTerm(string Field, bool Equal, string Value)
{
    public override string ToString() => Field + (Equal ? "=" : "!=") + FieldSelector.Escape(Value);
}

/// <summary>Chooses objects by a few of their fields: every term must hold. A field that an object lacks is empty.</summary>
public sealed class FieldSelector
{
    FieldSelector(ImmutableArray<FieldTerm> terms) => Terms = terms;

    /// <summary>Matches everything.</summary>
    public static FieldSelector Everything { get; } = new([]);

    public ImmutableArray<FieldTerm> Terms { get; }

    /// <summary>Whether it matches everything.</summary>
    public bool IsEmpty => Terms.IsEmpty;

    public static FieldSelector Of(params ImmutableArray<FieldTerm> terms) => terms.IsEmpty ? Everything : new(terms);

    /// <summary>Reads a <c>fieldSelector</c> parameter: <c>metadata.name=a,status.phase!=Running</c>, with <c>\,</c> <c>\=</c> <c>\\</c> in values.</summary>
    /// <exception cref="SelectorFormatException">The text is no selector.</exception>
    public static FieldSelector Parse(string text)
    {
        var terms = new List<FieldTerm>();
        // Sorted, as upstream does, so that the same terms print the same whatever their order.
        foreach (string part in Split(text).Order(StringComparer.Ordinal))
        {
            if (part.Length == 0) continue;
            int at = part.AsSpan().IndexOf('=');
            if (at < 0) throw new SelectorFormatException($"invalid selector: '{text}'; can't understand '{part}'");
            bool not = at > 0 && part[at - 1] == '!';
            bool twice = !not && at + 1 < part.Length && part[at + 1] == '=';
            terms.Add(new(part[..(not ? at - 1 : at)], !not, Unescape(part[(at + (twice ? 2 : 1))..])));
        }
        return Of([.. terms]);
    }

    /// <param name="field">The value of a field by name; null is empty.</param>
    public bool Matches(Func<string, string?> field)
    {
        foreach (var term in Terms)
            if (string.Equals(field(term.Field) ?? "", term.Value) != term.Equal) return false;
        return true;
    }

    /// <summary>The one value the field must have, if the selector says so: what an index can be asked for.</summary>
    public bool RequiresExactly(string field, [NotNullWhen(true)] out string? value)
    {
        foreach (var term in Terms)
            if (term.Equal && term.Field == field) { value = term.Value; return true; }
        value = null;
        return false;
    }

    /// <summary>The selector with each term renamed, or refused by an exception of <paramref name="change"/>.</summary>
    public FieldSelector Transform(Func<FieldTerm, FieldTerm> change) => Of([.. Terms.Select(change)]);

    public override string ToString() => string.Join(",", Terms);

    /// <summary>Guards the characters that mean something in a selector.</summary>
    public static string Escape(string value) =>
        value.AsSpan().IndexOfAny('\\', ',', '=') < 0 ? value : value.Replace("\\", "\\\\").Replace(",", "\\,").Replace("=", "\\=");

    static string Unescape(string value)
    {
        if (value.AsSpan().IndexOfAny('\\', ',', '=') < 0) return value;
        var plain = new StringBuilder(value.Length);
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (c is ',' or '=') throw new SelectorFormatException($"invalid field selector: unescaped character in value: {(int)c}");
            if (c == '\\')
            {
                if (++i == value.Length) throw new SelectorFormatException("invalid field selector: invalid escape sequence: \\");
                c = value[i];
                if (c is not ('\\' or ',' or '=')) throw new SelectorFormatException($"invalid field selector: invalid escape sequence: \\{c}");
            }
            plain.Append(c);
        }
        return plain.ToString();
    }

    static List<string> Split(string text)
    {
        var parts = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == ',') { parts.Add(text[start..i]); start = i + 1; }
        }
        parts.Add(text[start..]);
        return parts;
    }
}
