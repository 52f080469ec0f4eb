using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Hanbae.Api.Json;

/// <summary>Reads UTF-8 JSON into <see cref="JsonValue"/>, strictly and with Go's error messages.</summary>
/// <remarks>
/// Nesting is bounded by <see cref="MaxDepth"/> (Go's bound is 10,000; this one lets everything after the parser recurse
/// safely). Invalid UTF-8 and lone surrogates become U+FFFD, as in Go. Of a name given twice the last value wins.
/// </remarks>
public static partial class JsonParser
{
    /// <summary>How deep objects and arrays may nest.</summary>
    public const int MaxDepth = 512;

    /// <param name="duplicates">Receives the path of every member that was given again, such as <c>spec.containers[0].name</c>, once each.</param>
    /// <exception cref="JsonSyntaxException">The text is not one JSON value.</exception>
    public static JsonValue Parse(ReadOnlySpan<byte> utf8, ICollection<string>? duplicates = null)
    {
        var scratch = Scratch.Take();
        var reader = new Reader(utf8, duplicates, scratch);
        try
        {
            var value = reader.ReadDocument();
            scratch.Return();
            return value;
        }
        catch (JsonSyntaxException)
        {
            scratch.Clear();
            scratch.Return();
            throw;
        }
    }

    /// <summary>Stacks for members and items still being read; one per thread, kept while small.</summary>
    sealed class Scratch
    {
        const int LargestKept = 4096;
        [ThreadStatic] static Scratch? _free;

        public JsonMember[] Members = new JsonMember[64];
        public JsonValue[] Items = new JsonValue[64];
        public (string? Name, int Index)[] Path = new (string?, int)[16];

        public static Scratch Take()
        {
            var scratch = _free ?? new Scratch();
            _free = null;
            return scratch;
        }

        public void Return()
        {
            if (Members.Length <= LargestKept && Items.Length <= LargestKept) _free = this;
        }

        public void Clear()
        {
            Array.Clear(Members);
            Array.Clear(Items);
        }
    }

    ref partial struct Reader(ReadOnlySpan<byte> s, ICollection<string>? duplicates, Scratch scratch)
    {
        readonly ReadOnlySpan<byte> _s = s;
        int _at;
        int _depth;
        int _members;
        int _items;

        public JsonValue ReadDocument()
        {
            SkipSpace();
            var value = ReadValue();
            SkipSpace();
            return _at == _s.Length ? value : throw Unexpected("after top-level value");
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void SkipSpace()
        {
            // Compact documents have none: keep the test for it inline.
            if ((uint)_at < (uint)_s.Length && _s[_at] > ' ') return;
            SkipMoreSpace();
        }

        void SkipMoreSpace()
        {
            var s = _s;
            int at = _at;
            while ((uint)at < (uint)s.Length && s[at] <= ' ' && s[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') at++;
            _at = at;
        }

        JsonValue ReadValue()
        {
            if (_at >= _s.Length) throw End();
            switch (_s[_at])
            {
                case (byte)'{': return ReadObject();
                case (byte)'[': return ReadArray();
                case (byte)'"': return ReadText() is { Length: > 0 } text ? new JsonString(text) : JsonString.Empty;
                case (byte)'t': Literal("true"); return JsonBool.True;
                case (byte)'f': Literal("false"); return JsonBool.False;
                case (byte)'n': Literal("null"); return JsonNull.Instance;
                case (byte)'-' or (>= (byte)'0' and <= (byte)'9'): return ReadNumber();
                default: throw Unexpected("looking for beginning of value");
            }
        }

        JsonObject ReadObject()
        {
            Enter();
            _at++;
            SkipSpace();
            if (_at < _s.Length && _s[_at] == '}') { Leave(); return JsonObject.Empty; }

            int start = _members;
            HashSet<string>? names = null;
            while (true)
            {
                if (_at >= _s.Length) throw End();
                if (_s[_at] != '"') throw Unexpected("looking for beginning of object key string");
                string name = ReadName();
                SkipSpace();
                if (_at >= _s.Length) throw End();
                if (_s[_at] != ':') throw Unexpected("after object key");
                _at++;
                SkipSpace();

                int slot = Slot(name, start, ref names);
                scratch.Path[_depth].Name = name;
                var value = ReadValue();
                scratch.Members[slot] = new(scratch.Members[slot].Name, value);

                SkipSpace();
                if (_at >= _s.Length) throw End();
                if (_s[_at] == '}') break;
                if (_s[_at] != ',') throw Unexpected("after object key:value pair");
                _at++;
                SkipSpace();
            }
            Leave();
            var read = scratch.Members.AsSpan(start, _members - start);
            var result = new JsonObject(read.ToArray());
            read.Clear();
            _members = start;
            return result;
        }

        /// <summary>Where the member goes: a new place, or the place of the member it repeats.</summary>
        int Slot(string name, int start, ref HashSet<string>? names)
        {
            var known = scratch.Members.AsSpan(start, _members - start);
            bool repeated = false;
            if (known.Length < 16)
            {
                for (int i = 0; i < known.Length; i++)
                    if (ReferenceEquals(known[i].Name, name) || string.Equals(known[i].Name, name)) { repeated = true; break; }
            }
            else
            {
                if (names is null)
                {
                    names = new(64, StringComparer.Ordinal);
                    foreach (var member in known) names.Add(member.Name);
                }
                repeated = !names.Add(name);
            }
            if (repeated)
            {
                Report(name);
                for (int i = 0; i < known.Length; i++)
                    if (string.Equals(known[i].Name, name)) return start + i;
            }
            if (_members == scratch.Members.Length) Array.Resize(ref scratch.Members, _members * 2);
            scratch.Members[_members] = new(name, JsonNull.Instance);
            return _members++;
        }

        JsonArray ReadArray()
        {
            Enter();
            _at++;
            SkipSpace();
            if (_at < _s.Length && _s[_at] == ']') { Leave(); return JsonArray.Empty; }

            int start = _items;
            while (true)
            {
                scratch.Path[_depth] = (null, _items - start);
                var value = ReadValue();
                if (_items == scratch.Items.Length) Array.Resize(ref scratch.Items, _items * 2);
                scratch.Items[_items++] = value;

                SkipSpace();
                if (_at >= _s.Length) throw End();
                if (_s[_at] == ']') break;
                if (_s[_at] != ',') throw Unexpected("after array element");
                _at++;
                SkipSpace();
            }
            Leave();
            var read = scratch.Items.AsSpan(start, _items - start);
            var result = new JsonArray(ImmutableCollectionsMarshal.AsImmutableArray(read.ToArray()));
            read.Clear();
            _items = start;
            return result;
        }

        void Enter()
        {
            if (++_depth > MaxDepth) throw new JsonSyntaxException("exceeded max depth", _at);
            if (_depth == scratch.Path.Length) Array.Resize(ref scratch.Path, _depth * 2);
        }

        void Leave() { _at++; _depth--; }

        readonly void Report(string name)
        {
            if (duplicates is null) return;
            var path = new StringBuilder();
            for (int i = 1; i < _depth; i++)
                if (scratch.Path[i].Name is { } parent) path.Append(path.Length > 0 ? "." : "").Append(parent);
                else path.Append('[').Append(scratch.Path[i].Index).Append(']');
            string full = path.Append(path.Length > 0 ? "." : "").Append(name).ToString();
            if (!duplicates.Contains(full)) duplicates.Add(full);
        }

        readonly JsonSyntaxException End() => new("unexpected end of JSON input", _at);

        readonly JsonSyntaxException Unexpected(string where) => new($"invalid character {GoQuote.Char(_s[_at])} {where}", _at);
    }
}
