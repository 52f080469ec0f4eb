using System.Text.Json;
using Hanbae.Api.Codec;

namespace Hanbae.Server.OpenApi;

/// <summary>The version-2 document as gnostic's protobuf message, which is the form that kubectl reads it in.</summary>
/// <remarks>Made from the JSON, member by member. <see cref="ProtoWriter"/> writes backwards: last field first, last item first.</remarks>
static class GnosticDocument
{
    delegate void Write(ref ProtoWriter to, JsonElement value);

    public static byte[] Of(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var to = new ProtoWriter(1 << 20);
        try
        {
            Message(ref to, 9, root, "definitions", static (ref t, all) => Named(ref t, 1, all, Schema));
            Message(ref to, 8, root, "paths", static (ref t, all) => Named(ref t, 2, all, PathItem));
            Message(ref to, 2, root, "info", static (ref t, info) =>
            {
                Text(ref t, 2, info, "version");
                Text(ref t, 1, info, "title");
            });
            Text(ref to, 1, root, "swagger");
            return to.ToArray();
        }
        finally { to.Dispose(); }
    }

    static void PathItem(ref ProtoWriter to, JsonElement item)
    {
        Items(ref to, 9, item, "parameters", Parameter);
        foreach (var (method, field) in (ReadOnlySpan<(string, int)>)[("patch", 8), ("head", 7), ("options", 6), ("delete", 5), ("post", 4), ("put", 3), ("get", 2)])
            Message(ref to, field, item, method, Operation);
    }

    static void Operation(ref ProtoWriter to, JsonElement operation)
    {
        Extensions(ref to, 13, operation);
        if (operation.TryGetProperty("deprecated", out var deprecated) && deprecated.GetBoolean()) to.Bool(11, true);
        Message(ref to, 9, operation, "responses", static (ref t, all) => Named(ref t, 1, all, Answer));
        Items(ref to, 8, operation, "parameters", Parameter);
        Texts(ref to, 7, operation, "consumes");
        Texts(ref to, 6, operation, "produces");
        Text(ref to, 5, operation, "operationId");
        Texts(ref to, 1, operation, "tags");
    }

    /// <summary>ResponseValue, which holds a Response, which may hold a SchemaItem.</summary>
    static void Answer(ref ProtoWriter to, JsonElement answer)
    {
        int start = to.Length;
        Message(ref to, 2, answer, "schema", static (ref t, schema) => Inner(ref t, 1, schema, Schema));
        Text(ref to, 1, answer, "description");
        to.EndMessage(1, start);
    }

    /// <summary>ParametersItem, which holds a Parameter of the body, the path or the query.</summary>
    static void Parameter(ref ProtoWriter to, JsonElement parameter)
    {
        string place = parameter.GetProperty("in").GetString()!;
        int item = to.Length, kind = to.Length;
        if (place == "body")
        {
            Message(ref to, 5, parameter, "schema", Schema);
            Required(ref to, 4, parameter);
            Text(ref to, 3, parameter, "in");
            Text(ref to, 2, parameter, "name");
            to.EndMessage(1, kind);
        }
        else
        {
            // The two differ in that a query parameter may be empty, which takes a field before the type.
            bool query = place == "query";
            Text(ref to, query ? 6 : 5, parameter, "type");
            Text(ref to, 4, parameter, "name");
            Text(ref to, 2, parameter, "in");
            Required(ref to, 1, parameter);
            to.EndMessage(query ? 3 : 4, kind);
            to.EndMessage(2, kind);
        }
        to.EndMessage(1, item);
    }

    static void Required(ref ProtoWriter to, int field, JsonElement parameter)
    {
        if (parameter.TryGetProperty("required", out var required) && required.GetBoolean()) to.Bool(field, true);
    }

    static void Schema(ref ProtoWriter to, JsonElement schema)
    {
        Extensions(ref to, 31, schema);
        Message(ref to, 25, schema, "properties", static (ref t, all) => Named(ref t, 1, all, Schema));
        Items(ref to, 24, schema, "allOf", Schema);
        Message(ref to, 23, schema, "items", static (ref t, items) => Inner(ref t, 1, items, Schema));
        Message(ref to, 22, schema, "type", static (ref t, type) => t.String(1, type.GetString()));
        if (schema.TryGetProperty("additionalProperties", out var more))
        {
            int start = to.Length;
            if (more.ValueKind == JsonValueKind.Object) Inner(ref to, 1, more, Schema);
            else to.Bool(2, more.GetBoolean());
            to.EndMessage(21, start);
        }
        Items(ref to, 20, schema, "enum", Any);
        Texts(ref to, 19, schema, "required");
        if (schema.TryGetProperty("default", out var fallback)) Inner(ref to, 5, fallback, Any);
        Text(ref to, 4, schema, "description");
        Text(ref to, 2, schema, "format");
        Text(ref to, 1, schema, "$ref");
    }

    /// <summary>Any value, as YAML, of which JSON is a part.</summary>
    static void Any(ref ProtoWriter to, JsonElement value) => to.String(2, value.GetRawText());

    static void Extensions(ref ProtoWriter to, int field, JsonElement of)
    {
        foreach (var member in of.EnumerateObject().Reverse())
        {
            if (!member.Name.StartsWith("x-", StringComparison.Ordinal)) continue;
            int start = to.Length;
            Inner(ref to, 2, member.Value, Any);
            to.String(1, member.Name);
            to.EndMessage(field, start);
        }
    }

    /// <summary>A map as gnostic writes it: a list of names and values.</summary>
    static void Named(ref ProtoWriter to, int field, JsonElement all, Write write)
    {
        foreach (var member in all.EnumerateObject().Reverse())
        {
            int start = to.Length;
            Inner(ref to, 2, member.Value, write);
            to.String(1, member.Name);
            to.EndMessage(field, start);
        }
    }

    static void Message(ref ProtoWriter to, int field, JsonElement of, string name, Write write)
    {
        if (of.TryGetProperty(name, out var value)) Inner(ref to, field, value, write);
    }

    static void Items(ref ProtoWriter to, int field, JsonElement of, string name, Write write)
    {
        if (!of.TryGetProperty(name, out var list)) return;
        for (int i = list.GetArrayLength() - 1; i >= 0; i--) Inner(ref to, field, list[i], write);
    }

    static void Inner(ref ProtoWriter to, int field, JsonElement value, Write write)
    {
        int start = to.Length;
        write(ref to, value);
        to.EndMessage(field, start);
    }

    static void Text(ref ProtoWriter to, int field, JsonElement of, string name)
    {
        if (of.TryGetProperty(name, out var text)) to.String(field, text.GetString());
    }

    static void Texts(ref ProtoWriter to, int field, JsonElement of, string name)
    {
        if (!of.TryGetProperty(name, out var list)) return;
        for (int i = list.GetArrayLength() - 1; i >= 0; i--) to.String(field, list[i].GetString());
    }
}
