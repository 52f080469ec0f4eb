using System.Text;

namespace Hanbae.Server.Crd.Structure;

/// <summary>A path to a field that a schema has, as rules and selectable fields name it: <c>.a.b</c> and <c>['a.b']</c>.</summary>
sealed record SchemaPath(IReadOnlyList<(string Name, bool IsKey)> Steps, Structural Schema)
{
    const string NoField = "does not refer to a valid field", Ended = "unexpected end of JSON path";

    /// <summary>As messages show it: properties by their names, keys of maps in brackets.</summary>
    public string Below(string path)
    {
        var text = new StringBuilder(path);
        foreach (var (name, isKey) in Steps)
            if (isKey) text.Append('[').Append(name).Append(']');
            else (text.Length > 0 ? text.Append('.') : text).Append(name);
        return text.ToString();
    }

    /// <param name="wrong">Why it is none, in upstream's words.</param>
    /// <param name="brackets">Whether <c>['a']</c> is taken.</param>
    public static SchemaPath? Of(string path, Structural schema, out string wrong, bool brackets = true)
    {
        var steps = new List<(string, bool)>();
        var tokens = new Queue<string>(Tokens(path));
        wrong = "";
        while (wrong.Length == 0 && tokens.TryDequeue(out string? token))
            if (token == ".")
                if (tokens.TryDequeue(out string? name)) Step(name, ref wrong);
                else wrong = Ended;
            else if (token != "[") wrong = "expected [ or . but got: " + token;
            else if (!brackets) wrong = "array notation is not allowed";
            else if (!tokens.TryDequeue(out string? quoted)) wrong = Ended;
            else if (quoted is not ['\'', .. var inner, '\'']) wrong = "expected single quoted string but got " + quoted;
            else
            {
                Step(inner.Replace("\\'", "'", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal), ref wrong);
                if (wrong.Length > 0) break;
                if (!tokens.TryDequeue(out string? closing)) wrong = Ended;
                else if (closing != "]") wrong = "expected ] but got " + closing;
            }
        return wrong.Length == 0 ? new(steps, schema) : null;

        void Step(string name, ref string wrong)
        {
            bool isKey = schema.Properties.Count == 0;
            if ((isKey ? schema.Additional : schema.Properties.GetValueOrDefault(name)) is { } next) schema = next;
            else wrong = NoField;
            steps.Add((name, isKey));
        }
    }

    static IEnumerable<string> Tokens(string path)
    {
        for (int at = 0; at < path.Length;)
        {
            int end = at + 1;
            if (path[at] == '\'')
            {
                while (end < path.Length && !(path[end] == '\'' && path[end - 1] != '\\')) end++;
                end = Math.Min(end + 1, path.Length);
            }
            else if (path[at] is not ('.' or '[' or ']'))
                while (end < path.Length && path[end] is not ('.' or '[' or ']')) end++;
            yield return path[at..end];
            at = end;
        }
    }
}
