using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Server.Crd;

/// <summary>A path into an object as printer columns write it: kubectl's JSONPath, of which upstream lets columns use one expression.</summary>
/// <remarks>Fields (<c>.a.b</c>, <c>['a.b']</c>), items and slices, wildcards, <c>..</c>, unions and filters. What is missing yields nothing.</remarks>
sealed class JsonPath
{
    abstract record Step;
    sealed record Field(string Name) : Step;
    sealed record Wildcard : Step;
    sealed record Recursive : Step;
    sealed record Slice(int? From, int? To, int Step) : Crd.JsonPath.Step;
    sealed record Index(int At) : Step;
    sealed record Union(ImmutableArray<Step> Steps) : Step;
    sealed record Filter(Operand Left, string Operator, Operand? Right) : Step;
    sealed record Operand(JsonPath? Path, bool FromRoot, JsonValue? Value);

    readonly ImmutableArray<Step> _steps;

    JsonPath(ImmutableArray<Step> steps) => _steps = steps;

    /// <summary>Null when the text is none.</summary>
    public static JsonPath? TryParse(string text)
    {
        try
        {
            var parser = new Parser(text);
            var path = parser.Path();
            return parser.AtEnd ? path : null;
        }
        catch (FormatException) { return null; }
    }

    public IReadOnlyList<JsonValue> Find(JsonValue root) => Find(root, root);

    List<JsonValue> Find(JsonValue from, JsonValue root)
    {
        List<JsonValue> found = [from];
        foreach (var step in _steps)
        {
            var next = new List<JsonValue>();
            foreach (var value in found) Take(step, value, root, next);
            found = next;
            if (found.Count == 0) break;
        }
        return found;
    }

    static void Take(Step step, JsonValue value, JsonValue root, List<JsonValue> to)
    {
        switch (step)
        {
            case Field field:
                if (value is JsonObject o && o[field.Name] is { } member) to.Add(member);
                break;
            case Wildcard: to.AddRange(Below(value)); break;
            case Recursive: Descend(value, to); break;
            case Index index:
                if (value is JsonArray a && (index.At < 0 ? a.Count + index.At : index.At) is >= 0 and var at && at < a.Count) to.Add(a[at]);
                break;
            case Slice slice:
                if (value is not JsonArray items) break;
                int start = Math.Clamp(slice.From is < 0 and int f ? items.Count + f : slice.From ?? 0, 0, items.Count);
                int end = Math.Clamp(slice.To is < 0 and int t ? items.Count + t : slice.To ?? items.Count, 0, items.Count);
                for (int i = start; i < end; i += slice.Step) to.Add(items[i]);
                break;
            case Union union:
                foreach (var one in union.Steps) Take(one, value, root, to);
                break;
            case Filter filter:
                foreach (var item in Below(value))
                    if (Holds(filter, item, root)) to.Add(item);
                break;
        }
    }

    static IEnumerable<JsonValue> Below(JsonValue value) => value switch { JsonArray a => a.Items, JsonObject o => o.Members.Select(m => m.Value), _ => [] };

    static void Descend(JsonValue value, List<JsonValue> to)
    {
        to.Add(value);
        foreach (var below in Below(value)) Descend(below, to);
    }

    static bool Holds(Filter filter, JsonValue item, JsonValue root)
    {
        var left = Value(filter.Left, item, root);
        if (filter.Operator.Length == 0) return left is not null;
        var right = filter.Right is { } operand ? Value(operand, item, root) : null;
        if (left is null || right is null) return false;
        if (filter.Operator is "==" or "!=") return (left.Equals(right) || left is JsonNumber a && right is JsonNumber b && a.SameNumber(b)) == (filter.Operator == "==");
        int? order = (left, right) switch
        {
            (JsonNumber x, JsonNumber y) => JsonNumber.Compare(x, y),
            (JsonString x, JsonString y) => string.CompareOrdinal(x.Value, y.Value),
            _ => null,
        };
        return order is { } known && filter.Operator switch { "<" => known < 0, "<=" => known <= 0, ">" => known > 0, _ => known >= 0 };
    }

    static JsonValue? Value(Operand operand, JsonValue item, JsonValue root) =>
        operand.Path is null ? operand.Value : operand.Path.Find(operand.FromRoot ? root : item, root) is [var first, ..] ? first : null;

    ref struct Parser(string text)
    {
        readonly string _text = text;
        int _at;

        public readonly bool AtEnd => _at == _text.Length;

        readonly char Next => _at < _text.Length ? _text[_at] : '\0';

        public JsonPath Path()
        {
            var steps = ImmutableArray.CreateBuilder<Step>();
            if (Next is '$' or '@') _at++;
            while (true)
                switch (Next)
                {
                    case '.' when _at + 1 < _text.Length && _text[_at + 1] == '.':
                        _at += 2;
                        steps.Add(new Recursive());
                        if (Next is not '[') steps.Add(Named());
                        break;
                    case '.':
                        _at++;
                        if (AtEnd || Next == '[') break;
                        steps.Add(Named());
                        break;
                    case '[':
                        _at++;
                        steps.Add(Bracket());
                        break;
                    default: return new(steps.ToImmutable());
                }
        }

        Step Named()
        {
            if (Next == '*') { _at++; return new Wildcard(); }
            var name = new StringBuilder();
            while (!AtEnd && Next is not ('.' or '[' or ' ' or ')' or '=' or '!' or '<' or '>' or ']' or ',' or '{' or '}' or '@'))
            {
                if (Next == '\\') _at++;
                if (AtEnd) throw new FormatException("unterminated escape");
                name.Append(_text[_at++]);
            }
            return name.Length == 0 ? throw new FormatException("a field has no name") : new Field(name.ToString());
        }

        Step Bracket()
        {
            Blanks();
            if (Next == '?')
            {
                _at++;
                Expect('(');
                var filter = Condition();
                Expect(')');
                Expect(']');
                return filter;
            }
            var steps = ImmutableArray.CreateBuilder<Step>();
            do
            {
                Blanks();
                steps.Add(Next switch { '*' => Star(), '\'' or '"' => new Field(Quoted()), _ => Range() });
                Blanks();
            } while (Skip(','));
            Expect(']');
            return steps.Count == 1 ? steps[0] : new Union(steps.ToImmutable());
        }

        Wildcard Star() { _at++; return new(); }

        Step Range()
        {
            int? from = Number(), to = null;
            if (!Skip(':')) return from is { } at ? new Index(at) : throw new FormatException("an index is missing");
            to = Number();
            int step = Skip(':') ? Number() ?? 1 : 1;
            return step > 0 ? new Slice(from, to, step) : throw new FormatException("step must be > 0");
        }

        int? Number()
        {
            int start = _at;
            if (Next == '-') _at++;
            while (char.IsAsciiDigit(Next)) _at++;
            return start == _at ? null : int.Parse(_text.AsSpan(start, _at - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        }

        Filter Condition()
        {
            var left = Operand();
            Blanks();
            string found = "";
            foreach (string known in (ReadOnlySpan<string>)["==", "!=", "<=", ">=", "<", ">"])
                if (_text.AsSpan(_at).StartsWith(known, StringComparison.Ordinal)) { found = known; break; }
            if (found.Length == 0) return new(left, "", null);
            _at += found.Length;
            return new(left, found, Operand());
        }

        Operand Operand()
        {
            Blanks();
            switch (Next)
            {
                case '@': return new(Path(), false, null);
                case '$': return new(Path(), true, null);
                case '\'' or '"': return new(null, false, new JsonString(Quoted()));
                default:
                    int start = _at;
                    while (!AtEnd && Next is not (' ' or ')' or '=' or '!' or '<' or '>')) _at++;
                    string word = _text[start.._at];
                    try { return new(null, false, JsonValue.Parse(word)); }
                    catch (JsonSyntaxException e) { throw new FormatException(e.Message, e); }
            }
        }

        string Quoted()
        {
            char quote = Next;
            var value = new StringBuilder();
            for (_at++; !AtEnd && Next != quote; _at++)
            {
                if (Next == '\\' && _at + 1 < _text.Length) _at++;
                value.Append(_text[_at]);
            }
            if (AtEnd) throw new FormatException("unterminated quoted string");
            _at++;
            return value.ToString();
        }

        void Blanks() { while (Next == ' ') _at++; }

        bool Skip(char c)
        {
            Blanks();
            if (Next != c) return false;
            _at++;
            return true;
        }

        void Expect(char c)
        {
            if (!Skip(c)) throw new FormatException($"expected {c}");
        }
    }
}
