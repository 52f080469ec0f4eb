namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Visits expressions.</summary>
static class Walk
{
    /// <summary>Every node, children first, each once.</summary>
    public static void All(Expr root, Action<Expr> visit)
    {
        var seen = new HashSet<Expr>(ReferenceEqualityComparer.Instance);
        Visit(root);

        void Visit(Expr e)
        {
            if (!seen.Add(e)) return;
            switch (e)
            {
                case Select { Named: null } s: Visit(s.Operand); break;
                case Call c:
                    if (c.Receiver is not null) Visit(c.Receiver);
                    foreach (var arg in c.Args) Visit(arg);
                    break;
                case ListExpr l:
                    foreach (var item in l.Items) Visit(item);
                    break;
                case MapExpr m:
                    foreach (var entry in m.Entries)
                    {
                        Visit(entry.Key);
                        Visit(entry.Value);
                    }
                    break;
                case StructExpr s:
                    foreach (var field in s.Fields) Visit(field.Value);
                    break;
                case Comprehension f:
                    foreach (var part in (ReadOnlySpan<Expr>)[f.Range, f.Init, f.Condition, f.Step, f.Result]) Visit(part);
                    break;
            }
            visit(e);
        }
    }
}
