using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hanbae.Api.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hanbae.Machinery.Yaml;

/// <summary>Reads YAML into JSON values as upstream does: manifests, request bodies, kubeconfig files.</summary>
/// <remarks>
/// Bounds: nesting by <see cref="JsonParser.MaxDepth"/>; aliases by go-yaml's rule, that in a document of up to 400,000
/// values at most 99% may come from aliases and in one of 4,000,000 at most 10%. An alias shares the value it names, so
/// what is counted is what writing it out would cost.
/// </remarks>
public static class YamlReader
{
    /// <summary>The first document; null when there is none, as for an empty file.</summary>
    /// <param name="duplicates">Receives <c>line 3: key "a" already set in map</c> for each key given again; the last value wins.</param>
    /// <exception cref="YamlException">It is not YAML, or YAML that no JSON can say.</exception>
    public static JsonValue Read(string text, ICollection<string>? duplicates = null)
    {
        var reader = new Reader(text, duplicates);
        return reader.NextDocument() ?? JsonNull.Instance;
    }

    /// <inheritdoc cref="Read(string, ICollection{string})"/>
    public static JsonValue Read(ReadOnlySpan<byte> utf8, ICollection<string>? duplicates = null) => Read(Encoding.UTF8.GetString(utf8), duplicates);

    /// <summary>Every document of a stream; empty documents are <see cref="JsonNull"/>.</summary>
    /// <inheritdoc cref="Read(string, ICollection{string})"/>
    public static ImmutableArray<JsonValue> ReadAll(string text, ICollection<string>? duplicates = null)
    {
        var reader = new Reader(text, duplicates);
        var documents = ImmutableArray.CreateBuilder<JsonValue>();
        while (reader.NextDocument() is { } document) documents.Add(document);
        return documents.ToImmutable();
    }

    /// <summary>The strict error of these duplicates, as one message.</summary>
    public static string DuplicatesMessage(IEnumerable<string> duplicates) => "yaml: unmarshal errors:\n  " + string.Join("\n  ", duplicates);

    sealed class Reader
    {
        readonly Parser _parser;
        readonly ICollection<string>? _duplicates;
        readonly Dictionary<string, Anchored?> _anchors = new(StringComparer.Ordinal);
        int _depth;
        long _values;
        long _aliased;

        /// <param name="Values">How many values writing it out takes.</param>
        sealed record Anchored(JsonValue Value, long Values, int Height);

        public Reader(string text, ICollection<string>? duplicates)
        {
            _parser = new Parser(new StringReader(text));
            _duplicates = duplicates;
            Advance();
            if (_parser.Current is StreamStart) Advance();
        }

        /// <summary>The next event; the parser's own slips (it throws what it should report for some broken texts) are errors of the text too.</summary>
        void Advance()
        {
            try { _parser.MoveNext(); }
            catch (YamlDotNet.Core.YamlException e) { throw YamlErrors.Translate(e); }
            catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException
                or NullReferenceException or OverflowException)
            {
                throw new YamlException("yaml: unknown problem parsing YAML content");
            }
        }

        public JsonValue? NextDocument()
        {
            if (_parser.Current is not DocumentStart) return null;
            Advance();
            _anchors.Clear();
            (_values, _aliased) = (0, 0);
            var value = Value(out _);
            if (value is JsonNumber n && !double.IsFinite(n.Double)) throw Unsupported(n);
            if (_parser.Current is DocumentEnd) Advance();
            return value;
        }

        /// <param name="height">How deep the value itself nests.</param>
        JsonValue Value(out int height)
        {
            height = 0;
            switch (_parser.Current)
            {
                case Scalar scalar:
                {
                    Count();
                    var value = Convert(scalar);
                    Remember(scalar.Anchor, value, 1, 0);
                    Advance();
                    return value;
                }
                case AnchorAlias alias:
                    Advance();
                    return Expand(alias, out height);
                case MappingStart map:
                {
                    long before = _values;
                    Enter(map.Anchor);
                    Advance();
                    var value = Map(out height);
                    _depth--;
                    Remember(map.Anchor, value, _values - before, height);
                    return value;
                }
                case SequenceStart list:
                {
                    long before = _values;
                    Enter(list.Anchor);
                    Advance();
                    var items = ImmutableArray.CreateBuilder<JsonValue>();
                    while (_parser.Current is not SequenceEnd)
                    {
                        items.Add(Sayable(Value(out int inner)));
                        height = Math.Max(height, inner);
                    }
                    Advance();
                    _depth--;
                    height++;
                    var value = items.Count == 0 ? JsonArray.Empty : new JsonArray(items.ToImmutable());
                    Remember(list.Anchor, value, _values - before, height);
                    return value;
                }
                default:
                    throw new YamlException("yaml: unknown problem parsing YAML content");
            }
        }

        JsonObject Map(out int height)
        {
            height = 0;
            var map = new JsonObjectBuilder();
            while (_parser.Current is not MappingEnd)
            {
                if (_parser.Current is Scalar { Value: "<<" } merge
                    && (merge.Tag.IsEmpty ? merge.IsPlainImplicit : merge.Tag.Value == "tag:yaml.org,2002:merge"))
                {
                    Advance();
                    Merge(map, Value(out int merged));
                    height = Math.Max(height, merged - 1);
                    continue;
                }
                var start = _parser.Current!.Start;
                string key = Key(Value(out _), start);
                var valueStart = _parser.Current!.Start;
                var value = Sayable(Value(out int inner));
                height = Math.Max(height, inner);
                if (map[key] is not null) _duplicates?.Add($"line {valueStart.Line}: key {GoQuote.Text(key)} already set in map");
                map.Set(key, value);
            }
            Advance();
            height++;
            return map.Build();
        }

        /// <summary><c>&lt;&lt;</c>: what is merged takes the place of what came before it, and what comes after takes its place.</summary>
        static void Merge(JsonObjectBuilder into, JsonValue value)
        {
            var maps = value switch { JsonObject one => [one], JsonArray many => many.Items, _ => default };
            if (maps.IsDefault || maps.Any(m => m is not JsonObject)) throw new YamlException("yaml: map merge requires map or sequence of maps as the value");
            for (int i = maps.Length - 1; i >= 0; i--)
                foreach (var (name, inner) in (JsonObject)maps[i]) into.Set(name, inner);
        }

        static string Key(JsonValue key, Mark at) => key switch
        {
            JsonString s => s.Value,
            JsonBool b => b.Value ? "true" : "false",
            JsonNumber { IsInteger: true } n => n.Int64.ToString(CultureInfo.InvariantCulture),
            JsonNumber n when double.IsNaN(n.Double) => ".nan",
            JsonNumber n when double.IsInfinity(n.Double) => n.Double > 0 ? ".inf" : "-.inf",
            // Upstream prints float keys in single precision.
            JsonNumber n => GoFloat.ToString(
                double.Parse(((float)n.Double).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), GoFloat.Style.General),
            JsonNull => throw new YamlException("Unsupported map key of type: %!s(<nil>), key: <nil>"),
            _ => throw new YamlException($"yaml: invalid map key at line {at.Line}"),
        };

        JsonValue Expand(AnchorAlias alias, out int height)
        {
            string name = alias.Value.Value;
            if (!_anchors.TryGetValue(name, out var anchored)) throw new YamlException($"yaml: unknown anchor '{name}' referenced");
            if (anchored is null) throw new YamlException($"yaml: anchor '{name}' value contains itself");
            if (_depth + anchored.Height > JsonParser.MaxDepth) throw TooDeep();
            height = anchored.Height;
            _values += anchored.Values + 1;
            _aliased += anchored.Values;
            if (_aliased > 100 && _values > 1000 && _aliased > AllowedShare(_values) * _values)
                throw new YamlException("yaml: document contains excessive aliasing");
            return anchored.Value;
        }

        static double AllowedShare(long values) =>
            values <= 400_000 ? 0.99 : values >= 4_000_000 ? 0.10 : 0.99 - 0.89 * ((values - 400_000) / 3_600_000.0);

        void Count() => _values++;

        void Enter(AnchorName anchor)
        {
            Count();
            if (++_depth > JsonParser.MaxDepth) throw TooDeep();
            // Until it is complete an alias to it would contain itself.
            if (!anchor.IsEmpty) _anchors[anchor.Value] = null;
        }

        void Remember(AnchorName anchor, JsonValue value, long values, int height)
        {
            if (!anchor.IsEmpty) _anchors[anchor.Value] = new(value, values, height);
        }

        static YamlException TooDeep() => new($"yaml: exceeded max depth of {JsonParser.MaxDepth}");

        static JsonValue Sayable(JsonValue value) =>
            value is JsonNumber { IsInteger: false } n && !double.IsFinite(n.Double) ? throw Unsupported(n) : value;

        static YamlException Unsupported(JsonNumber n) => new("json: unsupported value: " + GoFloat.ToString(n.Double, GoFloat.Style.Json));

        static JsonValue Convert(Scalar scalar)
        {
            string tag = scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific ? "" : scalar.Tag.Value;
            if (tag.Length == 0)
                return scalar.Style == ScalarStyle.Plain && !scalar.Tag.IsNonSpecific && YamlScalars.Resolve(scalar.Value) is { } plain
                    ? plain : new JsonString(scalar.Value);
            const string Prefix = "tag:yaml.org,2002:";
            if (!tag.StartsWith(Prefix, StringComparison.Ordinal)) return new JsonString(scalar.Value);
            string kind = tag[Prefix.Length..];
            switch (kind)
            {
                case "binary":
                    try { return new JsonString(Encoding.UTF8.GetString(System.Convert.FromBase64String(scalar.Value))); }
                    catch (FormatException) { throw new YamlException("yaml: !!binary value contains invalid base64 data"); }
                case "bool" or "int" or "float" or "null":
                    var value = YamlScalars.Resolve(scalar.Value) ?? new JsonString(scalar.Value);
                    string actual = value switch
                    {
                        JsonNull => "null", JsonBool => "bool", JsonNumber { IsInteger: true } => "int", JsonNumber => "float", _ => "str",
                    };
                    return actual == kind || (kind == "float" && actual == "int") ? value
                        : throw new YamlException($"yaml: cannot decode !!{actual} `{scalar.Value}` as a !!{kind}");
                default:
                    return new JsonString(scalar.Value);
            }
        }
    }
}
