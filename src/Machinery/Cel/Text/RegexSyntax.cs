using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace Hanbae.Machinery.Cel.Text;

/// <summary>Reads RE2's regular expressions, as Go's regexp takes them, and has .NET match them in linear time.</summary>
/// <remarks>
/// The two differ in what <c>\d</c>, <c>\w</c>, <c>\s</c> and <c>$</c> mean, in names of classes, and in characters beyond 16 bits, which are
/// two to .NET. Back-references and look-around are errors in RE2, as are repeats of more than 1000.
/// </remarks>
sealed class RegexSyntax
{
    const int MaxKept = 512, MaxRepeat = 1000, MaxDepth = 200;
    static readonly ConcurrentDictionary<string, (Regex? Regex, string? Error)> s_known = new(StringComparer.Ordinal);

    readonly string _pattern;
    readonly StringBuilder _to = new();
    int _at, _depth;
    string? _error;

    RegexSyntax(string pattern) => _pattern = pattern;

    /// <param name="error">Go's words for what is wrong.</param>
    public static bool TryCompile(string pattern, [NotNullWhen(true)] out Regex? regex, out string? error)
    {
        if (!s_known.TryGetValue(pattern, out var known))
        {
            known = Compile(pattern);
            if (s_known.Count >= MaxKept) s_known.Clear();
            s_known[pattern] = known;
        }
        (regex, error) = known;
        return regex is not null;
    }

    static (Regex?, string?) Compile(string pattern)
    {
        var syntax = new RegexSyntax(pattern);
        syntax.Alternatives(new Flags(), 1);
        if (syntax._error is null && syntax._at < pattern.Length) syntax.Fail("unexpected ): `" + pattern + "`");
        if (syntax._error is { } error) return (null, "error parsing regexp: " + error);
        try { return (new Regex(syntax._to.ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), null); }
        catch (Exception e) when (e is ArgumentException or NotSupportedException) { return (null, "error parsing regexp: expression too large: `" + pattern + "`"); }
    }

    record struct Flags(bool IgnoreCase = false, bool Multiline = false, bool DotAll = false, bool Ungreedy = false);

    char Peek => _at < _pattern.Length ? _pattern[_at] : '\0';
    bool More => _at < _pattern.Length && _error is null;
    void Fail(string error) => _error ??= error;

    /// <param name="repeats">How often what encloses this may repeat it: RE2 bounds the product.</param>
    void Alternatives(Flags flags, int repeats)
    {
        if (++_depth > MaxDepth) Fail("expression nests too deeply: `" + _pattern + "`");
        while (More && Peek != ')')
        {
            if (Peek == '|') { _to.Append('|'); _at++; continue; }
            int from = _to.Length, begin = _at;
            bool repeatable = Atom(ref flags, repeats);
            if (_error is null) Repeat(flags, repeats, from, begin, repeatable);
        }
        _depth--;
    }

    void Repeat(Flags flags, int repeats, int from, int begin, bool repeatable)
    {
        int count = 0;
        while (More && (Peek is '*' or '+' or '?' || Peek == '{' && Counted(_at, out _, out _, out _)))
        {
            int op = _at;
            if (!repeatable) { Fail("missing argument to repetition operator: `" + Peek + "`"); return; }
            string text = Peek.ToString();
            if (Peek == '{')
            {
                Counted(_at, out int low, out int high, out int end);
                int most = Math.Max(low, high);
                if (most > MaxRepeat || high >= 0 && low > high || (long)Math.Max(1, most) * repeats > MaxRepeat) { Fail("invalid repeat count: `" + _pattern[_at..end] + "`"); return; }
                text = _pattern[_at..end];
                if (Repeated(begin, op) * Math.Max(1, most) > MaxRepeat) { Fail("invalid repeat count: `" + text + "`"); return; }
                _at = end;
            }
            else _at++;
            bool lazy = Peek == '?';
            if (lazy) _at++;
            if (++count > 1) { Fail("invalid nested repetition operator: `" + _pattern[op.._at] + "`"); return; }
            if (lazy != flags.Ungreedy) text += "?";
            // What is repeated may be several characters to .NET.
            _to.Insert(from, "(?:").Append(')').Append(text);
        }
    }

    /// <summary>The largest product of counts within a part of the pattern.</summary>
    long Repeated(int from, int to)
    {
        long most = 1;
        for (int i = from; i < to; i++)
        {
            if (_pattern[i] == '\\') { i++; continue; }
            if (_pattern[i] == '{' && Counted(i, out int low, out int high, out int end))
            {
                most = Math.Min(MaxRepeat + 1L, most * Math.Max(1, Math.Max(low, high)));
                i = end - 1;
            }
        }
        return most;
    }

    /// <summary><c>{2}</c>, <c>{2,}</c>, <c>{2,5}</c>; anything else in braces is just text.</summary>
    bool Counted(int at, out int low, out int high, out int end)
    {
        (low, high, end) = (0, -1, at + 1);
        if (!Digits(ref end, out low)) return false;
        if (end < _pattern.Length && _pattern[end] == ',')
        {
            end++;
            if (end < _pattern.Length && _pattern[end] != '}' && !Digits(ref end, out high)) return false;
        }
        else high = low;
        return end < _pattern.Length && _pattern[end++] == '}';
    }

    bool Digits(ref int at, out int value)
    {
        int from = at;
        value = 0;
        for (; at < _pattern.Length && char.IsAsciiDigit(_pattern[at]); at++) value = Math.Min(1_000_000, value * 10 + (_pattern[at] - '0'));
        return at > from;
    }

    /// <returns>Whether it may be repeated.</returns>
    bool Atom(ref Flags flags, int repeats)
    {
        char c = Peek;
        switch (c)
        {
            case '(': return Group(ref flags, repeats);
            case '[': Emit(RegexClass.Bracket(_pattern, ref _at, out string? wrong), flags, wrong); return true;
            case '.':
                _at++;
                _to.Append(flags.DotAll ? RegexClass.Any : RegexClass.AnyButNewline);
                return true;
            case '^': _at++; _to.Append(flags.Multiline ? "(?m:^)" : "\\A"); return true;
            case '$': _at++; _to.Append(flags.Multiline ? "(?m:$)" : "\\z"); return true;
            case '*' or '+' or '?': return false;
            case '\\': Escape(flags); return true;
            default:
                int length = CodePoints.Length(_pattern, _at);
                Literal(_pattern.Substring(_at, length), flags);
                _at += length;
                return true;
        }
    }

    void Literal(string text, Flags flags)
    {
        string escaped = Regex.Escape(text).Replace("]", "\\]", StringComparison.Ordinal).Replace("}", "\\}", StringComparison.Ordinal);
        _to.Append(flags.IgnoreCase ? $"(?i:{escaped})" : text.Length > 1 ? $"(?:{escaped})" : escaped);
    }

    void Emit(RegexClass? set, Flags flags, string? wrong)
    {
        if (set is null) Fail(wrong!);
        else _to.Append(flags.IgnoreCase ? $"(?i:{set.Text})" : set.Text);
    }

    bool Group(ref Flags flags, int repeats)
    {
        int open = _at++;
        var inner = flags;
        string prefix = "(";
        if (Peek == '?')
        {
            _at++;
            if (Peek is 'P' or '<')
            {
                int name = _at + (Peek == 'P' ? 2 : 1);
                int end = _pattern.IndexOf('>', _at);
                if (_pattern.AsSpan(_at).StartsWith("<=") || _pattern.AsSpan(_at).StartsWith("<!"))
                {
                    Fail("invalid or unsupported Perl syntax: `" + _pattern[open..Math.Min(_pattern.Length, _at + 2)] + "`");
                    return true;
                }
                if (end < name || _pattern[name - 1] != '<' || end == name || !_pattern.AsSpan(name, end - name).ToString().All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                {
                    Fail("invalid named capture: `" + _pattern[open..(end < 0 ? _pattern.Length : end + 1)] + "`");
                    return true;
                }
                _at = end + 1;
            }
            else
            {
                bool on = true;
                for (; More && Peek is not (':' or ')'); _at++)
                    switch (Peek)
                    {
                        case 'i': inner.IgnoreCase = on; break;
                        case 'm': inner.Multiline = on; break;
                        case 's': inner.DotAll = on; break;
                        case 'U': inner.Ungreedy = on; break;
                        case '-' when on: on = false; break;
                        default: Fail("invalid or unsupported Perl syntax: `" + _pattern[open..(_at + 1)] + "`"); return true;
                    }
                if (!More) { Fail("missing closing ): `" + _pattern + "`"); return true; }
                if (_pattern[_at++] == ')')
                {
                    flags = inner;
                    return false;
                }
            }
            prefix = "(?:";
        }
        _to.Append(prefix == "(" ? "(?:" : prefix);
        Alternatives(inner, repeats);
        if (_error is not null) return true;
        if (Peek != ')') { Fail("missing closing ): `" + _pattern + "`"); return true; }
        _at++;
        _to.Append(')');
        return true;
    }

    void Escape(Flags flags)
    {
        if (_at + 1 >= _pattern.Length) { Fail("trailing backslash at end of expression: ``"); return; }
        char c = _pattern[_at + 1];
        switch (c)
        {
            case 'A' or 'z': _at += 2; _to.Append('\\').Append(c); return;
            // Words are of ASCII only.
            case 'b': _at += 2; _to.Append("(?:\\b)"); return;
            case 'B': _at += 2; _to.Append("(?:\\B)"); return;
            case 'Q':
                int end = _pattern.IndexOf("\\E", _at + 2, StringComparison.Ordinal);
                string quoted = end < 0 ? _pattern[(_at + 2)..] : _pattern[(_at + 2)..end];
                _at = end < 0 ? _pattern.Length : end + 2;
                if (quoted.Length > 0) Literal(quoted, flags);
                else _to.Append("(?:)");
                return;
        }
        if (RegexClass.Escaped(_pattern, ref _at, out string? wrong) is { } set) { Emit(set, flags, null); return; }
        if (wrong is not null) { Fail(wrong); return; }
        if (RegexClass.Character(_pattern, ref _at, out wrong) is { } code) Literal(new Rune(code).ToString(), flags);
        else Fail(wrong!);
    }
}
