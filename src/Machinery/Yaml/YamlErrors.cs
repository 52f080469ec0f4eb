namespace Hanbae.Machinery.Yaml;

/// <summary>Says a parser's complaint the way go-yaml does, so that users find the message they know.</summary>
static class YamlErrors
{
    const string Tab = "found a tab character that violate";

    public static YamlException Translate(YamlDotNet.Core.YamlException e)
    {
        string problem = Problem(e);
        // go-yaml counts lines from 0 and adds one for the scanner's errors only; a line 0 is not named at all.
        bool tab = e.Message.Contains(Tab, StringComparison.OrdinalIgnoreCase);
        long line = (tab ? e.End.Line : e.Start.Line) - 1;
        if (line > 0 && !IsParsers(problem)) line++;
        return new(line > 0 ? $"yaml: line {line}: {problem}" : $"yaml: {problem}");
    }

    static bool IsParsers(string problem) =>
        problem.StartsWith("did not find expected", StringComparison.Ordinal) && !problem.Contains("digit") && !problem.Contains("whitespace");

    /// <summary>Of "While parsing a block mapping, did not find expected key." the second half.</summary>
    static string Problem(YamlDotNet.Core.YamlException e)
    {
        string text = e.Message;
        int comma = text.StartsWith("While ", StringComparison.Ordinal) ? text.IndexOf(", ", StringComparison.Ordinal) : -1;
        if (comma >= 0) text = text[(comma + 2)..];
        text = text.TrimEnd('.', ' ');
        if (text.Equals("found invalid mapping", StringComparison.OrdinalIgnoreCase)) return "mapping values are not allowed in this context";
        if (text.StartsWith(Tab, StringComparison.OrdinalIgnoreCase)) return "found character that cannot start any token";
        if (text.StartsWith("found ", StringComparison.OrdinalIgnoreCase) || text.StartsWith("did ", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("could ", StringComparison.OrdinalIgnoreCase) || text.StartsWith("mapping ", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("block ", StringComparison.OrdinalIgnoreCase))
            text = char.ToLowerInvariant(text[0]) + text[1..];
        return text.Length == 0 ? "unknown problem parsing YAML content" : text;
    }
}
