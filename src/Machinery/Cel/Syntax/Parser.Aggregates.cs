using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Syntax;

// What stands in brackets and braces.
sealed partial class Parser
{
    Expr List()
    {
        var open = Take();
        var items = ImmutableArray.CreateBuilder<Expr>();
        var optional = ImmutableArray.CreateBuilder<bool>();
        while (Peek.Kind != TokenKind.RightBracket)
        {
            if (Peek.Kind == TokenKind.Comma && items.Count == 0) { _next++; break; }
            optional.Add(Taken(TokenKind.Question, out _));
            items.Add(Expression());
            if (!Taken(TokenKind.Comma, out _)) break;
        }
        Expect(TokenKind.RightBracket, "{']', ','}");
        return new ListExpr(open.At, items.ToImmutable(), optional.ToImmutable());
    }

    Expr Map()
    {
        var open = Take();
        var entries = ImmutableArray.CreateBuilder<MapEntry>();
        while (Peek.Kind != TokenKind.RightBrace)
        {
            if (Peek.Kind == TokenKind.Comma && entries.Count == 0) { _next++; break; }
            if (Peek.Kind == TokenKind.End && entries.Count == 0)
            {
                _source.Error(Peek.At, "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
                throw new Stopped();
            }
            bool optional = Taken(TokenKind.Question, out _);
            var key = Expression();
            var colon = Expect(TokenKind.Colon, "':'");
            entries.Add(new(colon.At, key, Expression(), optional));
            if (!Taken(TokenKind.Comma, out _)) break;
        }
        Expect(TokenKind.RightBrace, "{'}', ','}");
        return new MapExpr(open.At, entries.ToImmutable());
    }

    Expr Struct(string type)
    {
        var open = Take();
        var fields = ImmutableArray.CreateBuilder<FieldEntry>();
        while (Peek.Kind != TokenKind.RightBrace)
        {
            if (Peek.Kind == TokenKind.Comma && fields.Count == 0) { _next++; break; }
            bool optional = Taken(TokenKind.Question, out _);
            var name = Expect(TokenKind.Identifier, fields.Count == 0 && !optional ? "{'}', ',', '?', IDENTIFIER}" : "IDENTIFIER");
            var colon = Expect(TokenKind.Colon, "':'");
            fields.Add(new(colon.At, Text(name), Expression(), optional));
            if (!Taken(TokenKind.Comma, out _)) break;
        }
        Expect(TokenKind.RightBrace, "{'}', ','}");
        return new StructExpr(open.At, type, fields.ToImmutable());
    }
}
