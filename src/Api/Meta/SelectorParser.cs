using System.Collections.Immutable;

namespace Hanbae.Api;

/// <summary>Reads the grammar of <c>labelSelector</c> parameters, failing where and how upstream fails.</summary>
sealed class SelectorParser
{
    enum Token { End, Close, Comma, Not, DoubleEqual, Equal, Greater, Identifier, In, Less, NotEqual, NotIn, Open }

    readonly List<(Token Token, string Text)> _tokens = [];
    int _at;

    public SelectorParser(string text)
    {
        int at = 0;
        while (true)
        {
            var token = Scan(text, ref at);
            _tokens.Add(token);
            if (token.Token == Token.End) break;
        }
    }

    public Selector Parse()
    {
        var requirements = new List<LabelRequirement>();
        while (true)
        {
            var (token, text) = Peek();
            if (token == Token.End) return Selector.Of([.. requirements]);
            if (token is not (Token.Identifier or Token.Not)) throw Wrong($"found '{text}', expected: !, identifier, or 'end of string'");
            try { requirements.Add(Requirement()); }
            catch (SelectorFormatException e) { throw Wrong("unable to parse requirement: " + e.Message); }

            (token, text) = Next();
            if (token == Token.End) return Selector.Of([.. requirements]);
            if (token != Token.Comma) throw Wrong($"found '{text}', expected: ',' or 'end of string'");
            (token, text) = Peek();
            if (token is not (Token.Identifier or Token.Not)) throw Wrong($"found '{text}', expected: identifier after ','");
        }
    }

    LabelRequirement Requirement()
    {
        var (token, key) = Next();
        bool not = token == Token.Not;
        if (not) (token, key) = Next();
        if (token != Token.Identifier) throw Wrong($"found '{key}', expected: identifier");
        if (LabelSyntax.KeyErrors(key) is { Count: > 0 } errors) throw Wrong(LabelRequirement.Invalid("<nil>", key, errors));
        if (Peek().Token is Token.End or Token.Comma) return new(key, not ? LabelOperator.DoesNotExist : LabelOperator.Exists);
        if (not) return new(key, LabelOperator.DoesNotExist);

        // Here, and only here, in and notin are operators rather than identifiers.
        var (op, text) = _tokens[_at];
        _at += op == Token.End ? 0 : 1;
        return op switch
        {
            Token.In => new(key, LabelOperator.In, Values()),
            Token.NotIn => new(key, LabelOperator.NotIn, Values()),
            Token.Equal => new(key, LabelOperator.Equal, Exact()),
            Token.DoubleEqual => new(key, LabelOperator.DoubleEqual, Exact()),
            Token.NotEqual => new(key, LabelOperator.NotEqual, Exact()),
            Token.Greater => new(key, LabelOperator.GreaterThan, Exact()),
            Token.Less => new(key, LabelOperator.LessThan, Exact()),
            _ => throw Wrong($"found '{text}', expected: in, notin, =, ==, !=, gt, lt"),
        };
    }

    string Exact()
    {
        var (token, text) = Peek();
        if (token is Token.End or Token.Comma) return "";
        Next();
        return token == Token.Identifier ? text : throw Wrong($"found '{text}', expected: identifier");
    }

    ImmutableArray<string> Values()
    {
        var (token, text) = Next();
        if (token != Token.Open) throw Wrong($"found '{text}' expected: '('");
        (token, text) = Peek();
        if (token == Token.Close) { Next(); return [""]; }
        if (token is not (Token.Identifier or Token.Comma)) throw Wrong($"found '{text}', expected: ',', ')' or identifier");
        var values = List();
        if (Next().Token != Token.Close) throw Wrong($"found '{text}', expected: ')'");
        return [.. values];
    }

    /// <summary>Identifiers between commas, any of them missing: <c>(,a,,b)</c> contains the empty value.</summary>
    SortedSet<string> List()
    {
        var values = new SortedSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var (token, text) = Next();
            var (after, afterText) = Peek();
            switch (token)
            {
                case Token.Identifier:
                    values.Add(text);
                    if (after == Token.Comma) continue;
                    if (after == Token.Close) return values;
                    throw Wrong($"found '{afterText}', expected: ',' or ')'");
                case Token.Comma:
                    if (values.Count == 0) values.Add("");
                    if (after == Token.Close) { values.Add(""); return values; }
                    if (after == Token.Comma) values.Add("");
                    continue;
                default:
                    throw Wrong($"found '{text}', expected: ',', or identifier");
            }
        }
    }

    (Token Token, string Text) Peek()
    {
        var (token, text) = _tokens[Math.Min(_at, _tokens.Count - 1)];
        return (token is Token.In or Token.NotIn ? Token.Identifier : token, text);
    }

    (Token Token, string Text) Next()
    {
        var next = Peek();
        if (_at < _tokens.Count) _at++;
        return next;
    }

    static SelectorFormatException Wrong(string message) => new(message);

    static (Token Token, string Text) Scan(string s, ref int at)
    {
        while (at < s.Length && s[at] is ' ' or '\t' or '\r' or '\n') at++;
        if (at >= s.Length || s[at] == '\0') return (Token.End, "");
        int start = at;
        if (!IsSpecial(s[at]))
        {
            while (at < s.Length && !IsSpecial(s[at]) && s[at] is not (' ' or '\t' or '\r' or '\n' or '\0')) at++;
            string word = s[start..at];
            return (word switch { "in" => Token.In, "notin" => Token.NotIn, _ => Token.Identifier }, word);
        }
        at++;
        bool equal = at < s.Length && s[at] == '=';
        switch (s[start])
        {
            case '(': return (Token.Open, "(");
            case ')': return (Token.Close, ")");
            case ',': return (Token.Comma, ",");
            case '>': return (Token.Greater, ">");
            case '<': return (Token.Less, "<");
            case '=' when equal: at++; return (Token.DoubleEqual, "==");
            case '=': return (Token.Equal, "=");
            case '!' when equal: at++; return (Token.NotEqual, "!=");
            default: return (Token.Not, "!");
        }
    }

    static bool IsSpecial(char c) => c is '=' or '!' or '(' or ')' or ',' or '>' or '<';
}
