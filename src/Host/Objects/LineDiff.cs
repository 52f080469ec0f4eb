using System.Text;

namespace Hanbae.Host.Objects;

/// <summary>Shows how one text became another, as <c>diff -u</c> does.</summary>
static class LineDiff
{
    const int Context = 3;

    enum Edit { Keep, Remove, Add }

    public static string Unified(string[] before, string[] after)
    {
        var edits = Edits(before, after);
        var text = new StringBuilder();
        for (int i = 0; i < edits.Count;)
        {
            if (edits[i].Edit == Edit.Keep) { i++; continue; }
            int start = Math.Max(0, i - Context), end = i;
            // Changes with little between them are one hunk.
            for (int quiet = 0; end < edits.Count && quiet <= 2 * Context; end++) quiet = edits[end].Edit == Edit.Keep ? quiet + 1 : 0;
            int last = edits.FindLastIndex(end - 1, end - i, e => e.Edit != Edit.Keep);
            end = Math.Min(edits.Count, last + 1 + Context);
            var hunk = edits[start..end];
            text.Append($"@@ -{Range(hunk, e => e != Edit.Add, edits[..start])} +{Range(hunk, e => e != Edit.Remove, edits[..start])} @@\n");
            foreach (var (edit, line) in hunk) text.Append(edit switch { Edit.Keep => ' ', Edit.Remove => '-', _ => '+' }).Append(line).Append('\n');
            i = end;
        }
        return text.ToString();
    }

    static string Range(List<(Edit Edit, string Line)> hunk, Func<Edit, bool> counts, List<(Edit Edit, string Line)> before)
    {
        int length = hunk.Count(e => counts(e.Edit)), skipped = before.Count(e => counts(e.Edit));
        return length == 1 ? $"{skipped + 1}" : $"{(length == 0 ? skipped : skipped + 1)},{length}";
    }

    /// <summary>By the longest common subsequence: objects have hundreds of lines, not millions.</summary>
    static List<(Edit Edit, string Line)> Edits(string[] a, string[] b)
    {
        var common = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
            for (int j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        var edits = new List<(Edit, string)>();
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j]) { edits.Add((Edit.Keep, a[i])); i++; j++; }
            else if (i < a.Length && (j == b.Length || common[i + 1, j] >= common[i, j + 1])) edits.Add((Edit.Remove, a[i++]));
            else edits.Add((Edit.Add, b[j++]));
        }
        return edits;
    }
}
