using System.Buffers;
using System.Globalization;
using System.Text;

namespace Hanbae.Api.Json;

// Names, strings, numbers and words.
public static partial class JsonParser
{
    static readonly SearchValues<byte> _stringStops =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    ref partial struct Reader
    {
        string ReadName()
        {
            var rest = _s[(_at + 1)..];
            int stop = rest.IndexOfAny(_stringStops);
            if (stop >= 0 && rest[stop] == '"')
            {
                _at += stop + 2;
                return NameCache.Get(rest[..stop]);
            }
            return ReadText();
        }

        string ReadText()
        {
            int start = _at + 1;
            var rest = _s[start..];
            int stop = rest.IndexOfAny(_stringStops);
            if (stop >= 0 && rest[stop] == '"')
            {
                _at = start + stop + 1;
                return Encoding.UTF8.GetString(rest[..stop]);
            }
            return ReadEscaped(start);
        }

        string ReadEscaped(int start)
        {
            var text = new StringBuilder();
            int at = start;
            while (true)
            {
                int stop = _s[at..].IndexOfAny(_stringStops);
                if (stop < 0) { _at = _s.Length; throw End(); }
                if (stop > 0) text.Append(Encoding.UTF8.GetString(_s.Slice(at, stop)));
                at += stop;
                if (_s[at] == '"') { _at = at + 1; break; }
                _at = at;
                if (_s[at] < 0x20) throw Unexpected("in string literal");
                if (++at >= _s.Length) throw End();
                char plain = _s[at] switch
                {
                    (byte)'"' => '"', (byte)'\\' => '\\', (byte)'/' => '/', (byte)'b' => '\b', (byte)'f' => '\f',
                    (byte)'n' => '\n', (byte)'r' => '\r', (byte)'t' => '\t', _ => '\0',
                };
                if (plain != 0) { text.Append(plain); at++; continue; }
                _at = at;
                if (_s[at] != 'u') throw Unexpected("in string escape code");
                char unit = Hex4(at + 1);
                at += 5;
                if (char.IsHighSurrogate(unit) && at + 1 < _s.Length && _s[at] == '\\' && _s[at + 1] == 'u')
                {
                    char low = Hex4(at + 2);
                    if (char.IsLowSurrogate(low)) { text.Append(unit).Append(low); at += 6; continue; }
                }
                text.Append(char.IsSurrogate(unit) ? '\uFFFD' : unit);
            }
            return text.ToString();
        }

        char Hex4(int at)
        {
            int value = 0;
            for (int i = at; i < at + 4; i++)
            {
                _at = i;
                if (i >= _s.Length) throw End();
                int c = _s[i];
                if (!char.IsAsciiHexDigit((char)c)) throw Unexpected("in \\u hexadecimal character escape");
                value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            }
            return (char)value;
        }

        JsonNumber ReadNumber()
        {
            int start = _at;
            var s = _s;
            int at = _at;
            bool negative = s[at] == '-';
            if (negative) at++;
            if (at >= s.Length) { _at = at; throw End(); }
            int digitsFrom = at;
            long value = 0;
            if (s[at] == '0') at++;
            else
            {
                if (s[at] is < (byte)'1' or > (byte)'9') { _at = at; throw Unexpected("in numeric literal"); }
                for (; at < s.Length && (uint)(s[at] - '0') <= 9; at++) value = unchecked(value * 10 + (s[at] - '0'));
            }
            _at = at;
            if (at >= s.Length || (s[at] != '.' && (s[at] | 0x20) != 'e'))
            {
                if (at - digitsFrom <= 18) return JsonNumber.Of(negative ? -value : value);
                if (long.TryParse(s[start..at], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)) return JsonNumber.Of(value);
                return Float(start);
            }
            if (s[_at] == '.')
            {
                _at++;
                Digits("after decimal point in numeric literal");
            }
            if (_at < s.Length && (s[_at] | 0x20) == 'e')
            {
                _at++;
                if (_at < s.Length && s[_at] is (byte)'+' or (byte)'-') _at++;
                Digits("in exponent of numeric literal");
            }
            return Float(start);
        }

        void Digits(string where)
        {
            if (_at >= _s.Length) throw End();
            if ((uint)(_s[_at] - '0') > 9) throw Unexpected(where);
            while (_at < _s.Length && (uint)(_s[_at] - '0') <= 9) _at++;
        }

        readonly JsonNumber Float(int start)
        {
            string raw = Encoding.ASCII.GetString(_s[start.._at]);
            double value = double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture);
            return double.IsFinite(value) ? JsonNumber.Of(value, raw)
                : throw new JsonSyntaxException($"json: cannot unmarshal number {raw} into Go value of type float64", _at);
        }

        void Literal(string word)
        {
            for (int i = 0; i < word.Length; i++, _at++)
            {
                if (_at >= _s.Length) throw End();
                if (_s[_at] != word[i]) throw Unexpected($"in literal {word} (expecting '{word[i]}')");
            }
        }
    }
}
