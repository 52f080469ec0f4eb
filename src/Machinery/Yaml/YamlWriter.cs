using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Yaml;

/// <summary>Writes JSON values as the YAML that <c>kubectl -o yaml</c> and the server write: sorted keys, lists not indented.</summary>
/// <remarks>Matches go-yaml v2's emitter: two spaces, lines folded at the first space after column 80, <c>|</c> for text with line breaks.</remarks>
public static class YamlWriter
{
    /// <summary>One document, ending in a line break.</summary>
    public static string Write(JsonValue value)
    {
        var emitter = new Emitter();
        emitter.Root(value);
        return emitter.ToString();
    }

    sealed class Emitter
    {
        const int Step = 2, LongestSimpleKey = 128;
        readonly YamlText _text = new();

        public override string ToString() => _text.ToString();

        public void Root(JsonValue value)
        {
            switch (value)
            {
                case JsonObject { Count: > 0 } map: Map(map, 0); break;
                case JsonArray { Count: > 0 } list: List(list, 0); break;
                default: Leaf(value, Step); break;
            }
            _text.BreakUnlessAtStart();
        }

        /// <summary>The first member goes where the text stands (the start, or after <c>- </c>), the others on lines of their own.</summary>
        void Map(JsonObject map, int indent)
        {
            foreach (var (name, value) in map.Members.OrderBy(m => m.Name, YamlKeyOrder.Instance))
            {
                _text.Indent(indent);
                bool simple = !name.Contains('\n') && Encoding.UTF8.GetByteCount(name) <= LongestSimpleKey && !YamlText.HasBreak(name);
                if (!simple)
                {
                    _text.Indicator("?");
                    _text.Scalar(name, indent + Step, key: false);
                    _text.Indent(indent, always: true);
                    _text.Indicator(":");
                    if (value is JsonObject { Count: > 0 } innerMap) Map(innerMap, indent + Step);
                    else if (value is JsonArray { Count: > 0 } innerList) List(innerList, indent + Step);
                    else Leaf(value, indent + Step);
                    continue;
                }
                _text.Scalar(name, indent, key: true);
                _text.Raw(":");
                switch (value)
                {
                    case JsonObject { Count: > 0 } inner: _text.Break(); Map(inner, indent + Step); break;
                    case JsonArray { Count: > 0 } list: _text.Break(); List(list, indent); break;
                    default: _text.Space(); Leaf(value, indent + Step); break;
                }
            }
        }

        void List(JsonArray list, int indent)
        {
            foreach (var item in list)
            {
                _text.Indent(indent);
                _text.Indicator("-");
                switch (item)
                {
                    case JsonObject { Count: > 0 } map: Map(map, indent + Step); break;
                    case JsonArray { Count: > 0 } inner: List(inner, indent + Step); break;
                    default: Leaf(item, indent + Step); break;
                }
            }
        }

        void Leaf(JsonValue value, int indent)
        {
            switch (value)
            {
                case JsonString s: _text.Scalar(s.Value, indent, key: false); break;
                case JsonBool b: _text.Raw(b.Value ? "true" : "false"); break;
                case JsonNumber { IsInteger: true } n: _text.Raw(n.Int64.ToString(System.Globalization.CultureInfo.InvariantCulture)); break;
                case JsonNumber n: _text.Raw(Float(n)); break;
                case JsonObject: _text.Raw("{}"); break;
                case JsonArray: _text.Raw("[]"); break;
                default: _text.Raw("null"); break;
            }
        }

        /// <summary>As JSON prints it and YAML reads it back: an integer where the digits are one.</summary>
        static string Float(JsonNumber n)
        {
            string json = GoFloat.ToString(n.Double, GoFloat.Style.Json);
            bool integer = json.AsSpan().IndexOfAny('.', 'e') < 0;
            // Beyond the integers YAML can read the digits would come back as a float anyhow.
            if (integer && n.Double is < 18446744073709551616.0 and > -9223372036854775809.0)
                return n.Raw is { } raw && raw.AsSpan().IndexOfAny('.', 'e', 'E') < 0 ? raw : json;
            return GoFloat.ToString(n.Double, GoFloat.Style.General);
        }
    }
}
