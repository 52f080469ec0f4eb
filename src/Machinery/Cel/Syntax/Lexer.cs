namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Cuts the text into words; what is no word is an error and skipped.</summary>
static class Lexer
{
    public static List<Token> Read(Source source)
    {
        string text = source.Text;
        var tokens = new List<Token>(text.Length / 3 + 4);
        int at = 0;
        while (true)
        {
            at = SkipBlanks(text, at);
            if (at >= text.Length) break;
            int length = Word(text, at, out var kind);
            if (kind == TokenKind.End) source.Error(at, $"Syntax error: token recognition error at: '{text.Substring(at, length)}'");
            else tokens.Add(new(kind, at, length));
            at += length;
        }
        tokens.Add(new(TokenKind.End, text.Length, 0));
        return tokens;
    }

    static int SkipBlanks(string text, int at)
    {
        while (at < text.Length)
        {
            if (text[at] is ' ' or '\t' or '\r' or '\n' or '\f') at++;
            else if (text[at] == '/' && at + 1 < text.Length && text[at + 1] == '/')
            {
                int end = text.IndexOf('\n', at);
                at = end < 0 ? text.Length : end;
            }
            else break;
        }
        return at;
    }

    /// <returns>The length; <see cref="TokenKind.End"/> means that it is no word.</returns>
    static int Word(string text, int at, out TokenKind kind)
    {
        char c = text[at], next = at + 1 < text.Length ? text[at + 1] : '\0';
        if (char.IsAsciiDigit(c) || c == '.' && char.IsAsciiDigit(next)) return Number(text, at, out kind);
        if (c is '"' or '\'') return Quoted(text, at, at, raw: false, TokenKind.String, out kind);
        if (char.IsAsciiLetter(c) || c == '_')
        {
            int quote = at;
            bool bytes = text[quote] is 'b' or 'B';
            if (bytes) quote++;
            bool raw = quote < text.Length && text[quote] is 'r' or 'R';
            if (raw) quote++;
            if (quote > at && quote < text.Length && text[quote] is '"' or '\'' && quote > at)
                return Quoted(text, at, quote, raw, bytes ? TokenKind.Bytes : TokenKind.String, out kind);
            return Identifier(text, at, out kind);
        }
        (kind, int length) = (c, next) switch
        {
            ('=', '=') => (TokenKind.Equal, 2), ('!', '=') => (TokenKind.NotEqual, 2), ('<', '=') => (TokenKind.LessEqual, 2), ('>', '=') => (TokenKind.GreaterEqual, 2),
            ('&', '&') => (TokenKind.And, 2), ('|', '|') => (TokenKind.Or, 2),
            // The generated lexer has read the character after when it gives up.
            ('=' or '&' or '|', not '\0') => (TokenKind.End, 2),
            ('<', _) => (TokenKind.Less, 1), ('>', _) => (TokenKind.Greater, 1), ('!', _) => (TokenKind.Not, 1),
            ('[', _) => (TokenKind.LeftBracket, 1), (']', _) => (TokenKind.RightBracket, 1), ('{', _) => (TokenKind.LeftBrace, 1), ('}', _) => (TokenKind.RightBrace, 1),
            ('(', _) => (TokenKind.LeftParen, 1), (')', _) => (TokenKind.RightParen, 1), ('.', _) => (TokenKind.Dot, 1), (',', _) => (TokenKind.Comma, 1),
            ('-', _) => (TokenKind.Minus, 1), ('?', _) => (TokenKind.Question, 1), (':', _) => (TokenKind.Colon, 1), ('+', _) => (TokenKind.Plus, 1),
            ('*', _) => (TokenKind.Star, 1), ('/', _) => (TokenKind.Slash, 1), ('%', _) => (TokenKind.Percent, 1),
            _ => (TokenKind.End, Text.CodePoints.Length(text, at)),
        };
        return length;
    }

    static int Identifier(string text, int at, out TokenKind kind)
    {
        int end = at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
        kind = text.AsSpan(at, end - at) switch { "true" => TokenKind.True, "false" => TokenKind.False, "null" => TokenKind.Null, "in" => TokenKind.In, _ => TokenKind.Identifier };
        return end - at;
    }

    static int Number(string text, int at, out TokenKind kind)
    {
        int end = at;
        kind = TokenKind.Int;
        if (text[at] == '0' && at + 2 < text.Length && text[at + 1] == 'x' && char.IsAsciiHexDigit(text[at + 2]))
        {
            end += 2;
            while (end < text.Length && char.IsAsciiHexDigit(text[end])) end++;
        }
        else
        {
            end = Digits(text, end);
            if (end + 1 < text.Length && text[end] == '.' && char.IsAsciiDigit(text[end + 1])) (end, kind) = (Digits(text, end + 1), TokenKind.Float);
            if (end < text.Length && text[end] is 'e' or 'E')
            {
                int digits = end + 1;
                if (digits < text.Length && text[digits] is '+' or '-') digits++;
                if (digits < text.Length && char.IsAsciiDigit(text[digits])) (end, kind) = (Digits(text, digits), TokenKind.Float);
            }
        }
        if (kind == TokenKind.Int && end < text.Length && text[end] is 'u' or 'U') (end, kind) = (end + 1, TokenKind.Uint);
        return end - at;
    }

    static int Digits(string text, int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at;
    }

    static int Quoted(string text, int from, int quote, bool raw, TokenKind what, out TokenKind kind)
    {
        char q = text[quote];
        bool triple = quote + 2 < text.Length && text[quote + 1] == q && text[quote + 2] == q;
        int at = quote + (triple ? 3 : 1);
        for (; at < text.Length; at++)
        {
            if (text[at] == '\\' && !raw) { at++; continue; }
            if (!triple && text[at] is '\n' or '\r') break;
            if (text[at] != q) continue;
            if (triple && !(at + 2 < text.Length && text[at + 1] == q && text[at + 2] == q)) continue;
            kind = what;
            return at + (triple ? 3 : 1) - from;
        }
        // An empty string is one even where three quotes could begin.
        if (triple) { kind = what; return quote + 2 - from; }
        kind = TokenKind.End;
        return Math.Min(at, text.Length) - from;
    }
}
