using System.Collections.Immutable;
using System.Text.Json;

namespace Hanbae.Server.OpenApi;

/// <summary>Writes paths: bodies and answers are schemas among parameters in version 2, and have content types of their own in version 3.</summary>
sealed class OperationWriter(Utf8JsonWriter json, SchemaWriter schemas, bool v3)
{
    public void Write(ApiPath path)
    {
        json.WriteStartObject(path.Path);
        foreach (var operation in path.Operations) Write(operation);
        Parameters(path.Shared, null, true);
        json.WriteEndObject();
    }

    void Write(ApiOperation operation)
    {
        json.WriteStartObject(operation.Method);
        json.WriteStartArray("tags");
        json.WriteStringValue(operation.Tag);
        json.WriteEndArray();
        json.WriteString("operationId", operation.Id);
        if (v3)
        {
            Parameters(operation.Parameters, null, true);
            if (operation.Body is { } body)
            {
                json.WriteStartObject("requestBody");
                Content(operation.Consumes, body);
                if (operation.BodyRequired) json.WriteBoolean("required", true);
                json.WriteEndObject();
            }
        }
        else
        {
            Texts("consumes", operation.Consumes);
            Texts("produces", operation.Produces);
            Parameters(operation.Parameters, operation.Body, operation.BodyRequired);
        }
        json.WriteStartObject("responses");
        foreach (var (code, definition) in operation.Answers)
        {
            json.WriteStartObject(code.ToString(System.Globalization.CultureInfo.InvariantCulture));
            json.WriteString("description", code switch { 201 => "Created", 202 => "Accepted", _ => "OK" });
            if (v3) Content(operation.Produces, definition);
            else
            {
                json.WritePropertyName("schema");
                Schema(definition);
            }
            json.WriteEndObject();
        }
        json.WriteStartObject("401");
        json.WriteString("description", "Unauthorized");
        json.WriteEndObject();
        json.WriteEndObject();
        if (operation.Deprecated) json.WriteBoolean("deprecated", true);
        json.WriteString("x-kubernetes-action", operation.Action);
        json.WritePropertyName("x-kubernetes-group-version-kind");
        schemas.GroupVersionKind(operation.Kind);
        json.WriteEndObject();
    }

    void Content(ImmutableArray<string> types, string? definition)
    {
        json.WriteStartObject("content");
        foreach (string type in types)
        {
            json.WriteStartObject(type);
            json.WritePropertyName("schema");
            Schema(definition);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    void Schema(string? definition)
    {
        json.WriteStartObject();
        if (definition is null) json.WriteString("type", "string");
        else schemas.Ref(definition);
        json.WriteEndObject();
    }

    void Texts(string name, ImmutableArray<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    void Parameters(ImmutableArray<ApiParameter> parameters, string? body, bool bodyRequired)
    {
        if (parameters.IsEmpty && body is null) return;
        json.WriteStartArray("parameters");
        if (body is not null)
        {
            json.WriteStartObject();
            json.WriteString("name", "body");
            json.WriteString("in", "body");
            if (bodyRequired) json.WriteBoolean("required", true);
            json.WritePropertyName("schema");
            Schema(body);
            json.WriteEndObject();
        }
        foreach (var parameter in parameters)
        {
            json.WriteStartObject();
            json.WriteString("name", parameter.Name);
            json.WriteString("in", parameter.In);
            if (parameter.Required) json.WriteBoolean("required", true);
            if (v3) json.WriteStartObject("schema");
            json.WriteString("type", parameter.Type);
            json.WriteBoolean("uniqueItems", true);
            if (v3) json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
