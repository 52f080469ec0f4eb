using Hanbae.Api;

namespace Hanbae.Machinery.Validate;

/// <summary>Values as upstream's messages show them: JSON, for all that is not plain text or a number.</summary>
public static class Shown
{
    public static string List(Seq<string> items) => items.IsNil ? "null" : "[" + string.Join(",", items.Select(Json)) + "]";

    public static string Map(Map<string> map) => map.IsNil ? "null" : "{" + string.Join(",", map.Select(p => Json(p.Key) + ":" + Json(p.Value))) + "}";

    public static string Bool(bool value) => value ? "true" : "false";

    public static string Json(string text) => ((Api.Json.JsonValue)text).ToString();
}
