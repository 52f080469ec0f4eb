using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>Prints values as Go's <c>%v</c> prints decoded JSON, for the messages of upstream that do so.</summary>
static class GoFormat
{
    /// <summary><c>map[a:1 b:[x y]]</c>, <c>&lt;nil&gt;</c>, <c>1.5</c>.</summary>
    public static string Value(JsonValue? value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    public static string List(IEnumerable<JsonValue> items) => Value(JsonArray.Of([.. items]));

    /// <summary>The Go type that upstream's decoder would have made.</summary>
    public static string Type(JsonValue? value) => value switch
    {
        JsonObject => "map[string]interface {}",
        JsonArray => "[]interface {}",
        JsonString => "string",
        JsonBool => "bool",
        JsonNumber { IsInteger: true } => "int64",
        JsonNumber => "float64",
        _ => "%!s(<nil>)",
    };

    static void Append(StringBuilder to, JsonValue? value)
    {
        switch (value)
        {
            case JsonString s: to.Append(s.Value); break;
            case JsonBool b: to.Append(b.Value ? "true" : "false"); break;
            case JsonNumber { IsInteger: true } n: to.Append(n.Int64); break;
            case JsonNumber n: to.Append(GoFloat.ToString(n.Double, GoFloat.Style.General)); break;
            case JsonArray a:
                to.Append('[');
                for (int i = 0; i < a.Count; i++)
                {
                    if (i > 0) to.Append(' ');
                    Append(to, a[i]);
                }
                to.Append(']');
                break;
            case JsonObject o:
                to.Append("map[");
                bool first = true;
                foreach (var member in o.Members.OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    if (!first) to.Append(' ');
                    first = false;
                    to.Append(member.Name).Append(':');
                    Append(to, member.Value);
                }
                to.Append(']');
                break;
            default: to.Append("<nil>"); break;
        }
    }
}
