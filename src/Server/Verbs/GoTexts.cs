using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Server.Verbs;

/// <summary>Shows a JSON document as Go's <c>%+v</c> shows it decoded: <c>map[spec:map[replicas:2]]</c>.</summary>
static class GoTexts
{
    public static string Of(JsonValue value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    static void Write(JsonValue? value, StringBuilder to)
    {
        switch (value)
        {
            case JsonObject map:
                to.Append("map[");
                foreach (var (i, member) in map.OrderBy(m => m.Name, StringComparer.Ordinal).Index())
                {
                    if (i > 0) to.Append(' ');
                    Write(member.Value, to.Append(member.Name).Append(':'));
                }
                to.Append(']');
                break;
            case JsonArray list:
                to.Append('[');
                for (int i = 0; i < list.Count; i++) Write(list[i], i > 0 ? to.Append(' ') : to);
                to.Append(']');
                break;
            case JsonString text: to.Append(text.Value); break;
            case JsonNumber { IsInteger: true } whole: to.Append(whole.Int64.ToString(CultureInfo.InvariantCulture)); break;
            case JsonNumber number: to.Append(number.Double.ToString("R", CultureInfo.InvariantCulture)); break;
            case null or { Kind: JsonKind.Null }: to.Append("<nil>"); break;
            default: to.Append(value); break;
        }
    }
}
