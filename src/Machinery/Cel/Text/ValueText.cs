using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel.Text;

/// <summary>Writes values: as CEL literals, and as <c>string()</c> makes of them.</summary>
static class ValueText
{
    const int Longest = 10_000, Deepest = 100;

    /// <summary>As an expression would write it.</summary>
    public static string Literal(CelValue value)
    {
        var text = new StringBuilder();
        Append(text, value, 0);
        return text.ToString();
    }

    /// <summary>Without quotes around strings.</summary>
    public static string Plain(CelValue value) => value is CelString s ? s.Value : Literal(value);

    public static string Double(double value) => GoFloat.ToString(value, GoFloat.Style.General);

    static void Append(StringBuilder to, CelValue value, int depth)
    {
        if (to.Length > Longest || depth > Deepest) { to.Append('…'); return; }
        switch (value)
        {
            case CelNull: to.Append("null"); break;
            case CelBool b: to.Append(b.Value ? "true" : "false"); break;
            case CelInt i: to.Append(i.Value.ToString(CultureInfo.InvariantCulture)); break;
            case CelUint u: to.Append(u.Value.ToString(CultureInfo.InvariantCulture)).Append('u'); break;
            case CelDouble d: to.Append(DoubleLiteral(d.Value)); break;
            case CelString s: Quote(to, s.Value); break;
            case CelBytes b: QuoteBytes(to, b.Value.Span); break;
            case CelTimestamp t: to.Append("timestamp(\"").Append(t.Text).Append("\")"); break;
            case CelDuration d: to.Append("duration(\"").Append(d.Text).Append("\")"); break;
            case CelTypeValue t: to.Append(t.Value.Name); break;
            case CelOptional { Value: { } inner }:
                to.Append("optional.of(");
                Append(to, inner, depth + 1);
                to.Append(')');
                break;
            case CelOptional: to.Append("optional.none()"); break;
            case CelList list:
                to.Append('[');
                for (int i = 0; i < list.Count; i++)
                {
                    if (i > 0) to.Append(", ");
                    Append(to, list[i], depth + 1);
                }
                to.Append(']');
                break;
            case CelMap map:
                if (map.Kind == CelKind.Object) to.Append(map.Type.Name);
                to.Append('{');
                bool first = true;
                foreach (var key in map.Keys)
                {
                    if (!first) to.Append(", ");
                    first = false;
                    if (map.Kind == CelKind.Object) to.Append(Plain(key));
                    else Append(to, key, depth + 1);
                    to.Append(": ");
                    Append(to, map.Find(key)!, depth + 1);
                }
                to.Append('}');
                break;
            case CelError e: to.Append("error: ").Append(e.Message); break;
            default: to.Append(value.Type.Name); break;
        }
    }

    public static string DoubleLiteral(double value)
    {
        string text = Double(value);
        return text.AsSpan().IndexOfAny(".eNI") < 0 ? text + ".0" : text;
    }

    /// <summary>As a CEL string literal.</summary>
    public static void Quote(StringBuilder to, string text)
    {
        to.Append('"');
        foreach (char c in text)
            switch (c)
            {
                case '"': to.Append("\\\""); break;
                case '\\': to.Append("\\\\"); break;
                case '\a': to.Append("\\a"); break;
                case '\b': to.Append("\\b"); break;
                case '\f': to.Append("\\f"); break;
                case '\n': to.Append("\\n"); break;
                case '\r': to.Append("\\r"); break;
                case '\t': to.Append("\\t"); break;
                case '\v': to.Append("\\v"); break;
                case < ' ' or '\u007f': to.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
                default: to.Append(c); break;
            }
        to.Append('"');
    }

    static void QuoteBytes(StringBuilder to, ReadOnlySpan<byte> bytes)
    {
        to.Append("b\"");
        foreach (byte b in bytes)
            if (b is >= 0x20 and < 0x7f and not (byte)'"' and not (byte)'\\') to.Append((char)b);
            else to.Append("\\x").Append(b.ToString("x2", CultureInfo.InvariantCulture));
        to.Append('"');
    }
}
