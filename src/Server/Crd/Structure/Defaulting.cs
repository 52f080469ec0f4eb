using System.Collections.Immutable;
using Hanbae.Api.Json;

namespace Hanbae.Server.Crd.Structure;

/// <summary>Fills in a schema's defaults, and takes away nulls where null is no value.</summary>
/// <remarks>As upstream: a null that may not be null is as good as missing, so the default stands in its place, or nothing.</remarks>
static class Defaulting
{
    /// <summary>The same value when there is nothing to do.</summary>
    public static JsonValue Apply(JsonValue value, Structural? schema)
    {
        if (schema is null) return value;
        return value switch
        {
            JsonObject o => Object(o, schema),
            JsonArray a when schema.Items is { } items => Array(a, items),
            _ => value,
        };
    }

    static JsonObject Object(JsonObject value, Structural schema)
    {
        JsonObjectBuilder? changed = null;
        if (schema.HasDefaults)
            foreach (var (name, property) in schema.Properties)
                if (property.Default is { } fallback && (value[name] is not { } there || IsStrayNull(there, property)))
                    (changed ??= new(value)).Set(name, fallback);
        var from = changed?.Build() ?? value;
        foreach (var (name, old) in from)
        {
            var below = schema.Properties.GetValueOrDefault(name) ?? schema.Additional;
            if (below is null) continue;
            if (IsStrayNull(old, below))
            {
                if (below.Default is { } fallback) (changed ??= new(value)).Set(name, Apply(fallback, below));
                else (changed ??= new(value)).Remove(name);
                continue;
            }
            var now = Apply(old, below);
            if (!ReferenceEquals(now, old)) (changed ??= new(value)).Set(name, now);
        }
        return changed?.Build() ?? value;
    }

    static JsonArray Array(JsonArray value, Structural items)
    {
        ImmutableArray<JsonValue>.Builder? changed = null;
        for (int i = 0; i < value.Count; i++)
        {
            var old = value[i];
            var now = Apply(IsStrayNull(old, items) && items.Default is { } fallback ? fallback : old, items);
            if (!ReferenceEquals(now, old)) (changed ??= value.Items.ToBuilder())[i] = now;
        }
        return changed is null ? value : new(changed.DrainToImmutable());
    }

    static bool IsStrayNull(JsonValue value, Structural schema) => value is JsonNull && !schema.Nullable;
}
