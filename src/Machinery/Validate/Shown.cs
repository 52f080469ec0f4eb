using Hanbae.Api;
using Hanbae.Api.Codec;

namespace Hanbae.Machinery.Validate;

/// <summary>Values as upstream's messages show them: JSON, for all that is not plain text or a number.</summary>
public static class Shown
{
    public static string List(Seq<string> items) => items.IsNil ? "null" : "[" + string.Join(",", items.Select(Json)) + "]";

    public static string Map(Map<string> map) => map.IsNil ? "null" : "{" + string.Join(",", map.Select(p => Json(p.Key) + ":" + Json(p.Value))) + "}";

    public static string Quantities(Map<Quantity> amounts) => amounts.IsNil ? "null" : "{" + string.Join(",", amounts.Select(p => Json(p.Key) + ":" + Json(p.Value.ToString()))) + "}";

    public static string Bool(bool value) => value ? "true" : "false";

    public static string Message(IMessage value)
    {
        var writer = new JsonWriter(256);
        try
        {
            value.WriteJson(ref writer);
            return System.Text.Encoding.UTF8.GetString(writer.Written);
        }
        finally { writer.Dispose(); }
    }

    public static string Messages<T>(Seq<T> items) where T : class, IMessage => "[" + string.Join(",", items.Select(Message)) + "]";

    public static string Number(long? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null";

    public static string Json(string text) => ((Api.Json.JsonValue)text).ToString();
}
