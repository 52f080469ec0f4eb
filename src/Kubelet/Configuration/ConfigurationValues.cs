using System.Globalization;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;

namespace Hanbae.Kubelet.Configuration;

/// <summary>Single values of a configuration file, each with an error that says where it stands.</summary>
static class ConfigurationValues
{
    public static string Text(JsonValue? value, string name) => value switch { null or JsonNull => "", JsonString s => s.Value, _ => throw new FormatException($"{name}: must be a string") };

    public static bool Bool(JsonValue value, string name) => value is JsonBool b ? b.Value : throw new FormatException($"{name}: must be true or false");

    public static long Number(JsonValue value, string name) =>
        value is JsonNumber n && long.TryParse(n.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw new FormatException($"{name}: must be an integer");

    public static double Real(JsonValue value, string name) =>
        value is JsonNumber n && double.TryParse(n.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw new FormatException($"{name}: must be a number");

    public static TimeSpan Time(JsonValue value, string name) => Duration.TryParse(Text(value, name), out var time) ? time.ToTimeSpan()
        : throw new FormatException($"{name}: time: invalid duration \"{Text(value, name)}\"");

    public static Quantity Amount(JsonValue value, string name)
    {
        try { return Quantity.Parse(value is JsonString s ? s.Value : value.ToString()); }
        catch (FormatException e) { throw new FormatException($"{name}: {e.Message}", e); }
    }

    public static Seq<string> Texts(JsonValue value, string name) => value is JsonArray list ? list.Items.Select(i => Text(i, name)).ToSeq() : throw new FormatException($"{name}: must be a list");

    public static IEnumerable<JsonObject> Items(JsonValue value, string name) =>
        value is JsonArray list ? list.Items.Select(i => i as JsonObject ?? throw new FormatException($"{name}: must be a list of objects")) : throw new FormatException($"{name}: must be a list");

    public static Map<string> Map(JsonValue value, string name)
    {
        var map = new List<KeyValuePair<string, string>>();
        foreach (var (key, item) in value as JsonObject ?? throw new FormatException($"{name}: must be an object")) map.Add(new(key, Text(item, $"{name}.{key}")));
        return map.ToMap();
    }

    public static Map<Quantity> Amounts(JsonValue value, string name)
    {
        var map = new List<KeyValuePair<string, Quantity>>();
        foreach (var (key, item) in value as JsonObject ?? throw new FormatException($"{name}: must be an object")) map.Add(new(key, Amount(item, $"{name}.{key}")));
        return map.ToMap();
    }

    /// <summary>A part of the API's own vocabulary inside the file.</summary>
    public static T Message<T>(JsonValue value) where T : class, IMessage<T>
    {
        var reader = new JsonReader(value.ToUtf8());
        return T.ReadJson(ref reader);
    }
}
