using System.Globalization;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>Holds a value against a schema and says what is wrong in upstream's words, which are those of its OpenAPI validator.</summary>
/// <remarks>KEP-4008 (ratcheting): what was wrong before and has not changed is no reason to refuse an update.</remarks>
static class SchemaValidator
{
    /// <param name="old">What is stored; null on create.</param>
    public static IReadOnlyList<FieldError> Check(JsonValue value, Structural schema, JsonValue? old = null) => Node(value, schema, "", old).Errors;

    /// <summary>What a node came to.</summary>
    sealed class Outcome
    {
        public List<FieldError> Errors { get; } = [];
        /// <summary>How much was right: the alternative with the most is the one that was meant.</summary>
        public int Matches { get; set; }
        public bool IsValid => Errors.Count == 0;

        public void Merge(Outcome other)
        {
            Errors.AddRange(other.Errors);
            Matches += other.Matches;
        }
    }

    static Outcome Node(JsonValue value, Structural schema, string path, JsonValue? old)
    {
        var result = new Outcome();
        if (value is JsonNull)
        {
            // As upstream: null is looked at by its type and nothing else.
            if (Types(schema) is { Length: > 0 } wanted && !schema.Nullable) TypeError(result, path, wanted, "null");
            else result.Matches++;
            return Ratcheted(result, value, old);
        }
        Type(value, schema, path, result);
        if (result.IsValid)
        {
            Logic(value, schema, path, old, result);
            if (value is JsonString text) Text(text.Value, schema, path, result);
            if (value is JsonNumber number) Number(number, schema, path, result);
            if (value is JsonArray array) Array(array, schema, path, old as JsonArray, result);
            Enum(value, schema, path, result);
            if (value is JsonObject o) Object(o, schema, path, old as JsonObject, result);
        }
        result.Matches++;
        return Ratcheted(result, value, old);
    }

    static Outcome Ratcheted(Outcome result, JsonValue value, JsonValue? old)
    {
        if (!result.IsValid && old is not null && value.Equals(old)) result.Errors.Clear();
        return result;
    }

    static string Types(Structural schema) => schema.IntOrString ? "integer,string" : schema.Type;

    static string NameOf(JsonValue value) => value switch
    {
        JsonObject => "object", JsonArray => "array", JsonString => "string", JsonBool => "boolean", JsonNumber { IsInteger: true } => "integer", JsonNumber => "number", _ => "null",
    };

    static void Type(JsonValue value, Structural schema, string path, Outcome result)
    {
        string wanted = Types(schema), format = schema.Props.Format;
        if (wanted.Length == 0) return;
        string given = NameOf(value);
        bool fits = wanted switch
        {
            "integer,string" => given == "string" || value is JsonNumber number && Numbers.IsWhole(number),
            "integer" => value is JsonNumber number && Numbers.IsWhole(number),
            "number" => value is JsonNumber,
            _ => given == wanted,
        };
        // As upstream: text of a format is the format's business.
        if (!fits && Formats.IsKnown(wanted, format) && value is JsonString or JsonArray && wanted is not ("integer" or "number" or "integer,string")) fits = true;
        if (fits) result.Matches++;
        else TypeError(result, path, wanted, given);
    }

    /// <summary>As Go's JSON reader calls what it cannot take.</summary>
    internal static string NameInGo(JsonValue value) => value switch { JsonBool => "bool", JsonNumber => "number", _ => NameOf(value) };

    static void TypeError(Outcome result, string path, string wanted, string given) =>
        result.Errors.Add(new(FieldErrorType.TypeInvalid, At(path), FieldError.Quoted(given), $"{path} in body must be of type {wanted}: {FieldError.Quoted(given)}"));

    static string At(string path) => path.TrimStart('.') is { Length: > 0 } at ? at : "<nil>";

    static void Logic(JsonValue value, Structural schema, string path, JsonValue? old, Outcome result)
    {
        if (!schema.AnyOf.IsEmpty)
        {
            var (passed, first, best) = Try(schema.AnyOf, value, path, old, all: false);
            if (passed == 0) Composite(result, $"\"{path}\" must validate at least one schema (anyOf)");
            if ((best ?? first) is { } told) result.Merge(told);
        }
        if (!schema.OneOf.IsEmpty)
        {
            var (passed, first, best) = Try(schema.OneOf, value, path, old, all: true);
            if (passed != 1)
            {
                Composite(result, $"\"{path}\" must validate one and only one schema (oneOf). {(passed == 0 ? "Found none valid" : $"Found {passed} valid alternatives")}");
                if (best is not null) result.Merge(best);
            }
            else if (first is not null) result.Merge(first);
        }
        if (!schema.AllOf.IsEmpty)
        {
            int passed = 0;
            foreach (var part in schema.AllOf)
            {
                var one = Node(value, part, path, old);
                if (one.IsValid) passed++;
                result.Merge(one);
            }
            if (passed != schema.AllOf.Length) Composite(result, $"\"{path}\" must validate all the schemas (allOf){(passed == 0 ? ". None validated" : "")}");
        }
        if (schema.Not is { } not && Node(value, not, path, null).IsValid) Composite(result, $"\"{path}\" must not validate the schema (not)");
        result.Matches++;
    }

    /// <returns>How many alternatives fit, the first that does, and of those that do not the one that came closest (only when none does).</returns>
    static (int Passed, Outcome? First, Outcome? Best) Try(System.Collections.Immutable.ImmutableArray<Structural> alternatives, JsonValue value, string path, JsonValue? old, bool all)
    {
        int passed = 0;
        Outcome? first = null, best = null;
        foreach (var alternative in alternatives)
        {
            var one = Node(value, alternative, path, old);
            if (one.IsValid)
            {
                passed++;
                first ??= one;
                best = null;
                if (!all) break;
            }
            else if (passed == 0 && (best is null || one.Matches > best.Matches)) best = one;
        }
        return (passed, first, best);
    }

    static void Composite(Outcome result, string message) => result.Errors.Add(FieldError.Invalid("<nil>", "", message));

    static void Invalid(Outcome result, string path, JsonValue value, string what) =>
        result.Errors.Add(FieldError.InvalidAs(At(path), value is JsonString s ? FieldError.Quoted(s.Value) : Shown(value), $"{path} in body {what}"));

    internal static string Shown(JsonValue value) => value is JsonNumber { IsInteger: false } n ? Go(n.Double) : System.Text.Encoding.UTF8.GetString(value.ToUtf8(JsonStyle.SortKeys | JsonStyle.GoNumbers));

    static string Go(double value) => GoFloat.ToString(value, GoFloat.Style.General);

    static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    static void Text(string text, Structural schema, string path, Outcome result)
    {
        var props = schema.Props;
        int count = result.Errors.Count;
        if (props.MaxLength is not null || props.MinLength is not null)
        {
            int runes = 0;
            foreach (var _ in text.EnumerateRunes()) runes++;
            if (props.MaxLength is { } max && runes > max) result.Errors.Add(FieldError.TooLong(At(path), (int)Math.Min(max, int.MaxValue)));
            else if (props.MinLength is { } min && runes < min) Invalid(result, path, new JsonString(text), $"should be at least {min} chars long");
        }
        // As upstream: the first that fails is told.
        if (result.Errors.Count == count && props.Pattern.Length > 0 && schema.Pattern is { } pattern && !pattern.IsMatch(text))
            Invalid(result, path, new JsonString(text), $"should match '{props.Pattern}'");
        if (props.Format.Length > 0 && props.Type is "string" or "" && Formats.IsKnown(props.Type, props.Format) && !Formats.Fits(props.Format, text))
            result.Errors.Add(new(FieldErrorType.TypeInvalid, At(path), FieldError.Quoted(text), $"{path} in body must be of type {props.Format}: {FieldError.Quoted(text)}"));
        result.Matches++;
    }

    static void Number(JsonNumber number, Structural schema, string path, Outcome result)
    {
        Numbers.Check(number, schema, path, result.Errors, what => Invalid(result, path, number, what));
        result.Matches++;
    }

    static void Array(JsonArray array, Structural schema, string path, JsonArray? old, Outcome result)
    {
        if (schema.Items is { } items)
        {
            var earlier = old is not null && schema.Props.XKubernetesListType == "map" ? ListKeys.Index(old, schema) : null;
            for (int i = 0; i < array.Count; i++)
            {
                var before = earlier is not null && ListKeys.Of(array[i], schema) is { } key ? earlier.GetValueOrDefault(key) : null;
                result.Merge(Node(array[i], items, $"{path}[{Text(i)}]", before));
            }
        }
        var props = schema.Props;
        if (props.MinItems is { } min && array.Count < min) Invalid(result, path, array.Count, $"should have at least {min} items");
        if (props.MaxItems is { } max && array.Count > max) result.Errors.Add(FieldError.TooMany(At(path), array.Count, (int)Math.Min(max, int.MaxValue)));
        if (props.UniqueItems && array.Items.Distinct().Count() != array.Count) result.Errors.Add(FieldError.Invalid(At(path), "", $"{path} in body shouldn't contain duplicates"));
        result.Matches++;
    }

    static void Enum(JsonValue value, Structural schema, string path, Outcome result)
    {
        if (schema.Enum.IsEmpty) return;
        foreach (var allowed in schema.Enum)
            if (allowed.Equals(value) || allowed is JsonNumber a && value is JsonNumber b && a.SameNumber(b)) { result.Matches++; return; }
        var words = schema.Enum.Select(e => e is JsonString s ? s.Value : Shown(e));
        result.Errors.Add(new(FieldErrorType.NotSupported, At(path), value is JsonString text ? FieldError.Quoted(text.Value) : Shown(value),
            "supported values: " + string.Join(", ", words.Select(FieldError.Quoted))));
    }

    static void Object(JsonObject value, Structural schema, string path, JsonObject? old, Outcome result)
    {
        var props = schema.Props;
        if (props.MinProperties is { } min && value.Count < min)
        {
            Invalid(result, path, min, $"should have at least {min} properties");
            return;
        }
        if (props.MaxProperties is { } max && value.Count > max)
        {
            result.Errors.Add(FieldError.TooMany(At(path), value.Count, (int)Math.Min(max, int.MaxValue)));
            return;
        }
        foreach (var (name, member) in value)
        {
            string below = path.Length == 0 ? name : path + "." + name;
            if (schema.Properties.TryGetValue(name, out var property)) result.Merge(Node(member, property, below, old?[name]));
            else if (schema.Additional is { } more) result.Merge(Node(member, more, path + "." + name, old?[name]));
            else if (props.AdditionalProperties is { Allows: false, One: null }) Invalid(result, path, new JsonString(name), $"is a forbidden property");
        }
        foreach (string name in props.Required)
            if (!value.Contains(name)) result.Errors.Add(FieldError.Required(At(path + "." + name)));
        result.Matches++;
    }
}
