using Hanbae.Api.Json;

namespace Hanbae.Machinery.Cel;

/// <summary>Between JSON and values: JSON is wrapped through its schema as it is read, results are turned back.</summary>
public static class CelJson
{
    /// <summary>The value of any JSON, without a schema.</summary>
    public static CelValue Wrap(JsonValue json) => Wrap(json, CelSchema.Dyn);

    /// <summary>The value that expressions see; JSON that is not what its schema says is an error to whoever touches it.</summary>
    public static CelValue Wrap(JsonValue json, CelSchema schema) => json switch
    {
        JsonNull => schema.Nullable ? CelNull.Instance : new CelError("invalid data, got null for schema with nullable=false"),
        JsonObject o => schema.Kind switch
        {
            CelSchemaKind.Object or CelSchemaKind.Map or CelSchemaKind.Dyn or CelSchemaKind.Hidden => new CelJsonMap(o, schema),
            _ => Unexpected(schema, "map[string]interface {}"),
        },
        JsonArray a => schema.Kind switch
        {
            CelSchemaKind.List => new CelJsonList(a.Items, schema),
            CelSchemaKind.Dyn or CelSchemaKind.Hidden => new CelJsonList(a.Items, s_any),
            _ => Unexpected(schema, "[]interface {}"),
        },
        JsonString s => FromText(s.Value, schema),
        JsonBool b => schema.Kind is CelSchemaKind.Boolean or CelSchemaKind.Dyn or CelSchemaKind.Hidden ? CelBool.Of(b.Value) : Unexpected(schema, "bool"),
        JsonNumber n => FromNumber(n, schema),
        _ => CelNull.Instance,
    };

    static readonly CelSchema s_any = CelSchema.List(CelSchema.Dyn);

    static CelValue FromText(string text, CelSchema schema) => schema.Kind switch
    {
        CelSchemaKind.String or CelSchemaKind.Dyn or CelSchemaKind.Hidden or CelSchemaKind.IntOrString => new CelString(text),
        CelSchemaKind.Bytes => FromBase64(text),
        CelSchemaKind.Date => CelTimestamp.ParseDate(text) is { } day ? day : new CelError($"Invalid date formatted string {text}"),
        CelSchemaKind.DateTime => CelTimestamp.Parse(text) is { } time ? time : new CelError($"Invalid date-time formatted string {text}"),
        CelSchemaKind.Duration => CelDuration.Parse(text) is { } duration ? duration : new CelError($"Invalid duration {text}: unable to parse {text} as duration"),
        _ => Unexpected(schema, "string"),
    };

    static CelValue FromBase64(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) ? new CelBytes(bytes.AsMemory(0, length)) : new CelError($"Invalid byte formatted string {text}");
    }

    static CelValue FromNumber(JsonNumber number, CelSchema schema) => schema.Kind switch
    {
        CelSchemaKind.Number => new CelDouble(number.Double),
        CelSchemaKind.Integer or CelSchemaKind.IntOrString => number.TryGetInt64(out long whole) ? CelInt.Of(whole) : Unexpected(schema, "float64"),
        CelSchemaKind.Dyn or CelSchemaKind.Hidden => number.IsInteger ? CelInt.Of(number.Int64) : new CelDouble(number.Double),
        _ => Unexpected(schema, number.IsInteger ? "int64" : "float64"),
    };

    static CelError Unexpected(CelSchema schema, string got) => schema.Kind switch
    {
        CelSchemaKind.Object or CelSchemaKind.Map => new("invalid data, expected a map for the provided schema with type=object"),
        CelSchemaKind.List => new("invalid data, expected an array for the provided schema with type=array"),
        CelSchemaKind.IntOrString => new("invalid data, expected XIntOrString value to be either a string or integer"),
        CelSchemaKind.Integer => new("invalid data, expected int, got " + got),
        CelSchemaKind.Number => new("invalid data, expected float, got " + got),
        CelSchemaKind.Boolean => new("invalid data, expected bool, got " + got),
        _ => new("invalid data, expected string, got " + got),
    };

    /// <summary>The JSON of a result, or null with the reason when it has none.</summary>
    public static JsonValue? ToJson(CelValue value, out string? error) => ToJson(value, 0, out error);

    static JsonValue? ToJson(CelValue value, int depth, out string? error)
    {
        error = null;
        if (depth > 500) { error = "value is nested too deeply"; return null; }
        switch (value)
        {
            case CelNull: return JsonNull.Instance;
            case CelBool b: return JsonBool.Of(b.Value);
            case CelInt i: return JsonNumber.Of(i.Value);
            case CelUint { Value: <= long.MaxValue } u: return JsonNumber.Of((long)u.Value);
            case CelUint u: return JsonNumber.Of((double)u.Value);
            case CelDouble d when double.IsFinite(d.Value): return JsonNumber.Of(d.Value);
            case CelString s: return new JsonString(s.Value);
            case CelBytes b: return new JsonString(Convert.ToBase64String(b.Value.Span));
            case CelTimestamp t: return new JsonString(t.Text);
            case CelDuration d: return new JsonString(d.Text);
            case CelOptional { Value: { } inner }: return ToJson(inner, depth + 1, out error);
            case CelOptional: return JsonNull.Instance;
            case CelJsonMap map: return map.Json;
            case CelJsonList list: return new JsonArray(list.Items);
            case CelError e: error = e.Message; return null;
            case CelList list:
                var items = new JsonValue[list.Count];
                for (int i = 0; i < items.Length; i++)
                    if (ToJson(list[i], depth + 1, out error) is { } item) items[i] = item;
                    else return null;
                return JsonArray.Of(items);
            case CelMap map:
                var members = new JsonObjectBuilder(map.Count);
                foreach (var key in map.Keys)
                {
                    if (key is not CelString name) { error = $"map key {Text.ValueText.Plain(key)} is of type {key.Type.Name}, not string"; return null; }
                    if (ToJson(map.Find(key)!, depth + 1, out error) is not { } member) return null;
                    members.Set(name.Value, member);
                }
                return members.Build();
            default: error = $"type conversion error from '{value.Type.Name}' to JSON"; return null;
        }
    }
}
