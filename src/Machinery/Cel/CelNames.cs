using System.Collections.Frozen;
using System.Text;

namespace Hanbae.Machinery.Cel;

/// <summary>Makes identifiers of property names, as Kubernetes escapes them: <c>x-ref</c> is <c>x__dash__ref</c>, <c>namespace</c> is <c>__namespace__</c>.</summary>
public static class CelNames
{
    internal static readonly FrozenSet<string> Reserved = new[]
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
        "package", "namespace", "return", "var", "void", "while",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <returns>The identifier, or null when the name has characters that cannot be escaped.</returns>
    public static string? Escape(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) return null;
        if (Reserved.Contains(name)) return "__" + name + "__";
        StringBuilder? escaped = null;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            string? replacement = c switch { '.' => "__dot__", '-' => "__dash__", '/' => "__slash__", _ => null };
            if (c == '_' && i + 1 < name.Length && name[i + 1] == '_') (replacement, i) = ("__underscores__", i + 1);
            else if (replacement is null && !char.IsAsciiLetterOrDigit(c) && c != '_') return null;
            if (replacement is not null) (escaped ??= new StringBuilder(name, 0, i - (c == '_' ? 1 : 0), name.Length + 16)).Append(replacement);
            else escaped?.Append(c);
        }
        return escaped?.ToString() ?? name;
    }
}
