using System.Text;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Crd.Structure;

/// <summary>Reads a custom resource's JSON and leaves out what its schema does not name, noting it for strict field validation: upstream's pruning, in the same pass as decoding.</summary>
static class PrunedReader
{
    /// <param name="schema">Null where nothing is known of the value: fields are dropped then.</param>
    /// <param name="keep">Below x-kubernetes-preserve-unknown-fields, where no schema says otherwise, and for the items of a list that has it.</param>
    public static JsonValue Read(ref JsonReader reader, Structural? schema, bool keep = false)
    {
        switch (reader.Next)
        {
            case '{': return Object(ref reader, schema, keep);
            case '[': return Array(ref reader, schema, keep);
            case '"': return reader.Pointer() is { Length: > 0 } text ? new JsonString(text) : JsonString.Empty;
            case 't' or 'f': return JsonBool.Of(reader.Bool());
            case 'n' when reader.TryNull(): return JsonNull.Instance;
            default: return JsonParser.Parse(reader.Raw().Span);
        }
    }

    static JsonObject Object(ref JsonReader reader, Structural? schema, bool keep)
    {
        if (!reader.Object()) return JsonObject.Empty;
        keep |= schema is { Preserves: true };
        var members = new JsonObjectBuilder();
        do
        {
            var span = reader.Name();
            string name = Encoding.UTF8.GetString(span);
            if (schema is { Embedded: true } && name is "apiVersion" or "kind") members.Set(name, Read(ref reader, null));
            else if (schema is { Embedded: true } && name == "metadata" && reader.Next == '{') members.Set(name, Metadata(ref reader));
            else if (schema is not null && schema.Properties.TryGetValue(name, out var property)) members.Set(name, Read(ref reader, property));
            else if (schema is { HasAdditional: true }) members.Set(name, Read(ref reader, schema.Additional));
            else if (keep) members.Set(name, Read(ref reader, null, keep: true));
            else reader.Unknown(span);
        } while (reader.NextMember());
        return members.Build();
    }

    static JsonArray Array(ref JsonReader reader, Structural? schema, bool keep)
    {
        if (!reader.Array(out _)) return JsonArray.Empty;
        keep |= schema is { Preserves: true };
        var items = System.Collections.Immutable.ImmutableArray.CreateBuilder<JsonValue>();
        do items.Add(Read(ref reader, schema?.Items, keep)); while (reader.NextItem());
        return new(items.DrainToImmutable());
    }

    /// <summary>An embedded object's metadata is like any object's.</summary>
    static JsonValue Metadata(ref JsonReader reader)
    {
        var meta = ObjectMeta.ReadJson(ref reader);
        var writer = new JsonWriter(256);
        try
        {
            meta.WriteJson(ref writer);
            return JsonParser.Parse(writer.Written);
        }
        finally { writer.Dispose(); }
    }
}
