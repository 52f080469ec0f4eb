using System.Text;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>The text of an expression and what is wrong with it, told with line, column and a caret as cel-go does.</summary>
sealed class Source(string text)
{
    readonly List<(int Line, int Column, string Message)> _errors = [];
    int _count;

    public string Text { get; } = text;
    public bool HasErrors => _count > 0;

    /// <summary>An error at an index of the text.</summary>
    public void Error(int at, string message)
    {
        if (++_count > CelLimits.MaxErrors) return;
        var before = Text.AsSpan(0, Math.Clamp(at, 0, Text.Length));
        int line = before.Count('\n') + 1;
        _errors.Add((line, Cel.Text.CodePoints.Count(before[(before.LastIndexOf('\n') + 1)..]), message));
    }

    /// <summary>An error of the text as a whole, which cel-go reports at no place.</summary>
    public void Error(string message)
    {
        _count++;
        _errors.Add((-1, -1, message));
    }

    /// <summary>All errors by place, each with its line and a caret below.</summary>
    public string Errors()
    {
        var to = new StringBuilder();
        string[] lines = Text.Split('\n');
        foreach (var (line, column, message) in _errors.OrderBy(e => e.Line).ThenBy(e => e.Column))
        {
            if (to.Length > 0) to.Append('\n');
            to.Append("ERROR: <input>:").Append(line).Append(':').Append(column + 1).Append(": ").Append(message);
            if (line < 1 || line > lines.Length) continue;
            string shown = lines[line - 1].Replace('\t', ' ');
            to.Append("\n | ").Append(shown).Append("\n | ");
            // Wide dots under whatever is not ASCII keep the caret below its place.
            int left = column;
            var rest = shown.AsSpan();
            for (; left > 0 && !rest.IsEmpty; left--)
            {
                to.Append(rest[0] < 0x80 ? '.' : '．');
                rest = rest[(rest.Length > 1 && char.IsSurrogatePair(rest[0], rest[1]) ? 2 : 1)..];
            }
            to.Append(rest.IsEmpty || rest[0] < 0x80 ? '^' : '＾');
        }
        if (_count > _errors.Count) to.Append('\n').Append(_count - _errors.Count).Append(" more errors were truncated");
        return to.ToString();
    }
}
