using System.Text;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Writes an expression back as text, macros as they were written: what is parsed from it prints the same.</summary>
static class Printer
{
    public static string Print(Expr e)
    {
        var to = new StringBuilder();
        Write(to, e);
        return to.ToString();
    }

    static void Write(StringBuilder to, Expr e)
    {
        switch (e.Macro ?? e)
        {
            case Literal { Value: CelDouble or CelInt } literal: to.Append(literal.Value); break;
            case Literal literal: to.Append(literal.Value); break;
            case Ident ident: to.Append(ident.Name); break;
            case Select { Test: true } select:
                to.Append("has(");
                Operand(to, select.Operand);
                to.Append('.').Append(select.Field).Append(')');
                break;
            case Select select:
                Operand(to, select.Operand);
                to.Append('.').Append(select.Field);
                break;
            case Call call: Write(to, call); break;
            case ListExpr list:
                to.Append('[');
                for (int i = 0; i < list.Items.Length; i++)
                {
                    to.Append(i > 0 ? ", " : "").Append(list.Optional[i] ? "?" : "");
                    Write(to, list.Items[i]);
                }
                to.Append(']');
                break;
            case MapExpr map:
                to.Append('{');
                for (int i = 0; i < map.Entries.Length; i++)
                {
                    to.Append(i > 0 ? ", " : "").Append(map.Entries[i].Optional ? "?" : "");
                    Write(to, map.Entries[i].Key);
                    to.Append(": ");
                    Write(to, map.Entries[i].Value);
                }
                to.Append('}');
                break;
            case StructExpr s:
                to.Append(s.Name).Append('{');
                for (int i = 0; i < s.Fields.Length; i++)
                {
                    to.Append(i > 0 ? ", " : "").Append(s.Fields[i].Optional ? "?" : "").Append(s.Fields[i].Name).Append(": ");
                    Write(to, s.Fields[i].Value);
                }
                to.Append('}');
                break;
        }
    }

    static void Write(StringBuilder to, Call call)
    {
        switch (call.Function)
        {
            case Operators.Conditional:
                Term(to, call.Args[0]);
                to.Append(" ? ");
                Term(to, call.Args[1]);
                to.Append(" : ");
                Term(to, call.Args[2]);
                return;
            case Operators.Not or Operators.Negate:
                to.Append(call.Function == Operators.Not ? '!' : '-');
                Operand(to, call.Args[0]);
                return;
            case Operators.Index or Operators.OptionalIndex:
                Operand(to, call.Args[0]);
                to.Append(call.Function == Operators.Index ? "[" : "[?");
                Write(to, call.Args[1]);
                to.Append(']');
                return;
            case Operators.OptionalSelect when call.Args[1] is Literal { Value: CelString name }:
                Operand(to, call.Args[0]);
                to.Append(".?").Append(name.Value);
                return;
            case Operators.And or Operators.Or:
                for (int i = 0; i < 2; i++)
                {
                    if (i > 0) to.Append(call.Function == Operators.And ? " && " : " || ");
                    // However the terms were balanced, they are one chain.
                    if (call.Args[i] is Call { Macro: null } same && same.Function == call.Function) Write(to, same);
                    else Term(to, call.Args[i]);
                }
                return;
        }
        if (Symbol(call.Function) is { } symbol)
        {
            Term(to, call.Args[0]);
            to.Append(' ').Append(symbol).Append(' ');
            Term(to, call.Args[1]);
            return;
        }
        if (call.Target is { } target)
        {
            Operand(to, target);
            to.Append('.');
        }
        to.Append(call.Function).Append('(');
        for (int i = 0; i < call.Args.Length; i++)
        {
            if (i > 0) to.Append(", ");
            Write(to, call.Args[i]);
        }
        to.Append(')');
    }

    static string? Symbol(string function) => function switch
    {
        Operators.In => "in",
        Operators.Add or Operators.Subtract or Operators.Multiply or Operators.Divide or Operators.Modulo or Operators.Equal or Operators.NotEqual
            or Operators.Less or Operators.LessEqual or Operators.Greater or Operators.GreaterEqual => function[1..^1],
        _ => null,
    };

    static bool IsOperator(Expr e) => (e.Macro ?? e) is Call { Target: null } call
        && (call.Function is Operators.Conditional or Operators.Not or Operators.Negate or Operators.And or Operators.Or || Symbol(call.Function) is not null);

    /// <summary>Something beside an operator of two sides.</summary>
    static void Term(StringBuilder to, Expr e) => Enclose(to, e, IsOperator(e));

    /// <summary>Something before a dot or behind a sign; a number in parentheses keeps its sign and its point apart.</summary>
    static void Operand(StringBuilder to, Expr e) => Enclose(to, e, IsOperator(e) || e is Literal { Value: CelInt or CelUint or CelDouble });

    static void Enclose(StringBuilder to, Expr e, bool enclosed)
    {
        if (enclosed) to.Append('(');
        Write(to, e);
        if (enclosed) to.Append(')');
    }
}
