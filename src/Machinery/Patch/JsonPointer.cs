using System.Globalization;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>A path into a document (RFC 6901), split into the way to a container and the key in it.</summary>
/// <remarks>As upstream's library: what stands before the first slash is ignored, and a path without one leads nowhere.</remarks>
readonly struct JsonPointer
{
    readonly string[] _way;

    JsonPointer(string[] way, string key) => (_way, Key) = (way, key);

    /// <summary>The last step.</summary>
    public string Key { get; }

    public static JsonPointer Parse(string path)
    {
        string[] steps = path.Split('/');
        if (steps.Length < 2) return new(null!, "");
        for (int i = 1; i < steps.Length; i++)
            if (steps[i].Contains('~')) steps[i] = steps[i].Replace("~1", "/").Replace("~0", "~");
        return new(steps[1..^1], steps[^1]);
    }

    /// <summary>The object or array that the key is looked up in, or null when the way leads nowhere.</summary>
    public JsonValue? Container(JsonValue document)
    {
        if (_way is null) return null;
        JsonValue? at = document;
        foreach (string step in _way)
            if ((at = Step(at!, step)) is null) return null;
        return at is JsonObject or JsonArray ? at : null;
    }

    /// <summary>The document with the container changed, or null when the way leads nowhere.</summary>
    public JsonValue? Change(JsonValue document, Func<JsonValue, string, JsonValue?> change) =>
        _way is null ? null : Change(document, 0, change);

    JsonValue? Change(JsonValue at, int depth, Func<JsonValue, string, JsonValue?> change)
    {
        if (depth == _way.Length) return change(at, Key);
        string step = _way[depth];
        if (Step(at, step) is not { } next || Change(next, depth + 1, change) is not { } changed) return null;
        return at is JsonObject o ? o.With(step, changed)
            : at is JsonArray a ? a.SetItem(Resolve(step, a.Count)!.Value, changed)
            : null;
    }

    static JsonValue? Step(JsonValue at, string step) => at switch
    {
        JsonObject o => o[step],
        JsonArray a => Resolve(step, a.Count) is { } index ? a[index] : null,
        _ => null,
    };

    static int? Resolve(string step, int count) =>
        Atoi(step) is { } index && index < count && index >= -count ? index < 0 ? index + count : index : null;

    /// <summary>An index as Go's <c>strconv.Atoi</c> takes it: a sign and leading zeros are fine.</summary>
    public static int? Atoi(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null;
}
