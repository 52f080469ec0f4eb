namespace Hanbae.Machinery.Cel.Syntax;

enum TokenKind : byte
{
    End, Equal, NotEqual, In, Less, LessEqual, GreaterEqual, Greater, And, Or, LeftBracket, RightBracket, LeftBrace, RightBrace, LeftParen, RightParen,
    Dot, Comma, Minus, Not, Question, Colon, Plus, Star, Slash, Percent, True, False, Null, Float, Int, Uint, String, Bytes, Identifier,
}

/// <summary>A word of the text.</summary>
readonly record struct Token(TokenKind Kind, int At, int Length);
