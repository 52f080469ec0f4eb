using Hanbae.Api.Json;

namespace Hanbae.Machinery.Patch;

/// <summary>JSON merge patch (RFC 7386): what the patch names is set, what it nulls is removed, all else stays.</summary>
public static partial class MergePatch
{
    public static JsonValue Apply(JsonValue original, JsonValue patch)
    {
        if (patch is not JsonObject changes) return patch;
        if (original is not JsonObject from) return WithoutNulls(changes);
        if (changes.Count == 0) return from;

        var result = new JsonObjectBuilder(from);
        foreach (var (name, value) in changes)
        {
            if (value is JsonNull) result.Remove(name);
            else result.Set(name, result[name] is { } old ? Apply(old, value) : Apply(JsonNull.Instance, value));
        }
        return result.Build();
    }

    /// <summary>What a patch makes of nothing.</summary>
    internal static JsonObject WithoutNulls(JsonObject patch)
    {
        var result = new JsonObjectBuilder(patch.Count);
        foreach (var (name, value) in patch)
            if (value is not JsonNull) result.Set(name, value is JsonObject inner ? WithoutNulls(inner) : value);
        return result.Build();
    }
}
