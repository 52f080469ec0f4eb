using System.Collections.Immutable;
using System.Globalization;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Reads the grammar of CEL, macros expanded, by recursive descent; errors are worded as those of cel-go's generated parser.</summary>
/// <remarks>Stops at the first error it cannot step over. Like upstream, each kind of nesting may be 250 deep, chains of operators included.</remarks>
sealed partial class Parser
{
    const string Starts = "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";

    readonly Source _source;
    readonly List<Token> _tokens;
    readonly Macros _macros;
    int _next;
    int _exprs, _relations, _calcs, _unaries, _members;

    sealed class Stopped : Exception;

    Parser(Source source, CelLibraries libraries) => (_source, _tokens, _macros) = (source, Lexer.Read(source), new Macros(source, libraries));

    /// <returns>The expression, or null when the source has errors.</returns>
    public static Expr? Parse(Source source, CelLibraries libraries)
    {
        int size = Cel.Text.CodePoints.Count(source.Text);
        if (size > CelLimits.MaxCodePoints)
        {
            source.Error($"expression code point size exceeds limit: size: {size}, limit {CelLimits.MaxCodePoints}");
            return null;
        }
        var parser = new Parser(source, libraries);
        try
        {
            var whole = parser.Expression();
            if (parser.Peek.Kind != TokenKind.End) parser.Unexpected("<EOF>", TokenKind.End);
            return source.HasErrors ? null : whole;
        }
        catch (Stopped) { return null; }
    }

    Token Peek => _tokens[_next];
    Token After => _tokens[Math.Min(_next + 1, _tokens.Count - 1)];
    /// <summary>Whether a number follows right behind a minus: the sign is a part of it.</summary>
    bool IsSign => Peek.Kind == TokenKind.Minus && (After.Kind is TokenKind.Int or TokenKind.Float);
    Token Take() => _tokens[_next++];

    bool Taken(TokenKind kind, out Token token)
    {
        token = Peek;
        if (token.Kind != kind) return false;
        _next++;
        return true;
    }

    string Text(Token token) => token.Kind == TokenKind.End ? "<EOF>" : _source.Text.Substring(token.At, token.Length);

    Token Expect(TokenKind kind, string expected)
    {
        if (Taken(kind, out var token)) return token;
        Unexpected(expected, kind);
        return Taken(kind, out token) ? token : throw new Stopped();
    }

    /// <summary>Steps over one word when what follows is what was wanted, else gives up.</summary>
    void Unexpected(string expected, TokenKind wanted)
    {
        bool extra = Peek.Kind != TokenKind.End && After.Kind == wanted;
        _source.Error(Peek.At, $"Syntax error: {(extra ? "extraneous" : "mismatched")} input '{Text(Peek)}' expecting {expected}");
        if (!extra) throw new Stopped();
        _next++;
    }

    void Deepen(ref int depth)
    {
        if (++depth <= CelLimits.MaxDepth) return;
        _source.Error($"expression recursion limit exceeded: {CelLimits.MaxDepth}");
        throw new Stopped();
    }

    Expr Expression()
    {
        Deepen(ref _exprs);
        var value = Or();
        if (Taken(TokenKind.Question, out var op))
        {
            var yes = Or();
            Expect(TokenKind.Colon, "':'");
            var no = Expression();
            value = new Call(op.At, Operators.Conditional, null, [value, yes, no]);
        }
        _exprs--;
        return value;
    }

    Expr Or() => Logical(TokenKind.Or, Operators.Or, And);
    Expr And() => Logical(TokenKind.And, Operators.And, Relation);

    /// <summary>Long chains become balanced trees, as upstream, so that depth is logarithmic.</summary>
    Expr Logical(TokenKind kind, string function, Func<Expr> operand)
    {
        var first = operand();
        if (Peek.Kind != kind) return first;
        var (terms, ops) = (new List<Expr> { first }, new List<int>());
        while (Taken(kind, out var op))
        {
            ops.Add(op.At);
            terms.Add(operand());
        }
        return Balanced(0, ops.Count - 1);

        Expr Balanced(int low, int high)
        {
            int mid = (low + high + 1) / 2;
            var left = mid == low ? terms[mid] : Balanced(low, mid - 1);
            var right = mid == high ? terms[mid + 1] : Balanced(mid + 1, high);
            return new Call(ops[mid], function, null, [left, right]);
        }
    }

    Expr Relation()
    {
        int before = _relations;
        Deepen(ref _relations);
        var left = Sum();
        while (Peek.Kind is TokenKind.Less or TokenKind.LessEqual or TokenKind.Greater or TokenKind.GreaterEqual or TokenKind.Equal or TokenKind.NotEqual or TokenKind.In)
        {
            Deepen(ref _relations);
            var op = Take();
            left = new Call(op.At, Operators.Binary(op.Kind)!, null, [left, Sum()]);
        }
        _relations = before;
        return left;
    }

    Expr Sum()
    {
        int before = _calcs;
        Deepen(ref _calcs);
        var left = Product();
        while (Peek.Kind is TokenKind.Plus or TokenKind.Minus)
        {
            Deepen(ref _calcs);
            var op = Take();
            left = new Call(op.At, Operators.Binary(op.Kind)!, null, [left, Product()]);
        }
        _calcs = before;
        return left;
    }

    Expr Product()
    {
        var left = Unary();
        int before = _calcs;
        while (Peek.Kind is TokenKind.Star or TokenKind.Slash or TokenKind.Percent)
        {
            Deepen(ref _calcs);
            var op = Take();
            left = new Call(op.At, Operators.Binary(op.Kind)!, null, [left, Unary()]);
        }
        _calcs = before;
        return left;
    }

    Expr Unary()
    {
        var op = Peek;
        if (op.Kind is not (TokenKind.Not or TokenKind.Minus) || IsSign) return Member();
        Deepen(ref _unaries);
        int count = 0;
        while (Peek.Kind == op.Kind) { count++; _next++; }
        if (op.Kind == TokenKind.Minus && Peek.Kind == TokenKind.End) _source.Error(Peek.At, "Syntax error: no viable alternative at input '-'");
        var operand = Member();
        _unaries--;
        // Two of a kind undo each other.
        return count % 2 == 0 ? operand : new Call(op.At, op.Kind == TokenKind.Not ? Operators.Not : Operators.Negate, null, [operand]);
    }

    Expr Member()
    {
        int before = _members;
        var value = Primary();
        while (true)
        {
            if (Taken(TokenKind.Dot, out var dot))
            {
                Deepen(ref _members);
                bool optional = Taken(TokenKind.Question, out _);
                var name = Expect(TokenKind.Identifier, optional ? "IDENTIFIER" : "{'?', IDENTIFIER}");
                if (optional) value = new Call(dot.At, Operators.OptionalSelect, null, [value, new Literal(name.At, new CelString(Text(name)))]);
                else if (Taken(TokenKind.LeftParen, out var open)) value = _macros.Expand(new Call(open.At, Text(name), value, Arguments()));
                else value = new Select(dot.At, value, Text(name));
            }
            else if (Taken(TokenKind.LeftBracket, out var bracket))
            {
                Deepen(ref _members);
                bool optional = Taken(TokenKind.Question, out _);
                var index = Expression();
                Expect(TokenKind.RightBracket, "']'");
                value = new Call(bracket.At, optional ? Operators.OptionalIndex : Operators.Index, null, [value, index]);
            }
            else if (Peek.Kind == TokenKind.LeftBrace && Path(value) is { } type) value = Struct(type);
            else break;
        }
        _members = before;
        return value;
    }

    /// <summary><c>a.b.C</c>, when the expression is nothing else.</summary>
    internal static string? Path(Expr e) => e switch
    {
        Ident ident => ident.Name,
        Select { Test: false, Macro: null } select when Path(select.Operand) is { } prefix => prefix + "." + select.Field,
        _ => null,
    };

    ImmutableArray<Expr> Arguments()
    {
        var args = ImmutableArray.CreateBuilder<Expr>();
        if (Taken(TokenKind.RightParen, out _)) return [];
        do args.Add(Expression());
        while (Taken(TokenKind.Comma, out _));
        Expect(TokenKind.RightParen, "')'");
        return args.ToImmutable();
    }

    Expr Primary()
    {
        var token = Peek;
        switch (token.Kind)
        {
            case TokenKind.LeftParen:
                _next++;
                var inner = Expression();
                Expect(TokenKind.RightParen, "')'");
                return inner;
            case TokenKind.LeftBracket: return List();
            case TokenKind.LeftBrace: return Map();
            case TokenKind.Dot when After.Kind == TokenKind.Identifier: _next++; return Name(".");
            case TokenKind.Identifier: return Name("");
            case TokenKind.True or TokenKind.False: _next++; return new Literal(token.At, CelBool.Of(token.Kind == TokenKind.True));
            case TokenKind.Null: _next++; return new Literal(token.At, CelNull.Instance);
            case TokenKind.Int or TokenKind.Uint or TokenKind.Float: return Number();
            case TokenKind.Minus when IsSign: return Number();
            case TokenKind.String or TokenKind.Bytes: return Quoted();
        }
        bool extra = token.Kind != TokenKind.End && Begins(After.Kind);
        _source.Error(token.At, $"Syntax error: {(extra ? "extraneous" : "mismatched")} input '{Text(token)}' expecting {{{Starts}}}");
        if (!extra)
        {
            if (token.Kind != TokenKind.End && After.Kind == TokenKind.End) _source.Error(After.At, $"Syntax error: mismatched input '<EOF>' expecting {{{Starts}}}");
            throw new Stopped();
        }
        _next++;
        return Primary();
    }

    static bool Begins(TokenKind kind) => kind is TokenKind.LeftBracket or TokenKind.LeftBrace or TokenKind.LeftParen or TokenKind.Dot or TokenKind.Minus or TokenKind.Not
        or TokenKind.True or TokenKind.False or TokenKind.Null or TokenKind.Float or TokenKind.Int or TokenKind.Uint or TokenKind.String or TokenKind.Bytes or TokenKind.Identifier;

    Expr Name(string prefix)
    {
        var token = Take();
        string name = Text(token);
        if (CelNames.Reserved.Contains(name)) _source.Error(token.At, "reserved identifier: " + name);
        return Taken(TokenKind.LeftParen, out var open)
            ? _macros.Expand(new Call(open.At, prefix + name, null, Arguments()))
            : new Ident(token.At, prefix + name);
    }

    Expr Number()
    {
        int at = Peek.At;
        bool negative = Taken(TokenKind.Minus, out _);
        var token = Take();
        string text = (negative ? "-" : "") + Text(token);
        switch (token.Kind)
        {
            case TokenKind.Float:
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double d) && double.IsFinite(d)) return new Literal(at, new CelDouble(d));
                break;
            case TokenKind.Int:
                if (Whole(Text(token), out ulong size) && size <= (ulong)long.MaxValue + (negative ? 1u : 0u)) return new Literal(at, CelInt.Of(negative ? (long)(0 - size) : (long)size));
                break;
            case TokenKind.Uint:
                if (Whole(Text(token)[..^1], out ulong u)) return new Literal(at, new CelUint(u));
                break;
        }
        _source.Error(at, $"invalid {(token.Kind switch { TokenKind.Float => "double", TokenKind.Int => "int", _ => "uint" })} literal");
        return new Literal(at, CelNull.Instance);
    }

    static bool Whole(string digits, out ulong value) => digits.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    Expr Quoted()
    {
        var token = Take();
        var literal = _source.Text.AsSpan(token.At, token.Length);
        string? error;
        CelValue? value = token.Kind == TokenKind.Bytes
            ? Unescape.Bytes(literal, out error) is { } bytes ? new CelBytes(bytes) : null
            : Unescape.Text(literal, out error) is { } text ? new CelString(text) : null;
        if (value is null) _source.Error(token.At, error!);
        return new Literal(token.At, value ?? CelString.Empty);
    }
}
