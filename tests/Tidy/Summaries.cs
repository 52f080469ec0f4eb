using System.Text.RegularExpressions;

namespace Hanbae.Tidy;

/// <summary>Finds documentation that only says the name again, in more letters.</summary>
static partial class Summaries
{
    static readonly HashSet<string> Noise =
        ["the", "a", "an", "of", "is", "are", "get", "gets", "set", "sets", "or", "and", "to", "for", "in", "this", "that", "all", "its", "be", "whether", "returns", "return", "s"];

    /// <summary>One-line summaries all whose words are in the name of what stands below.</summary>
    public static IEnumerable<string> Empty(string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (Summary().Match(lines[i]) is not { Success: true } summary) continue;
            int below = i + 1;
            while (below < lines.Length && (lines[below].TrimStart() is ['/', ..] or ['[', ..])) below++;
            if (below == lines.Length) continue;
            string name = Declared(lines[below]);
            var said = Words(Tag().Replace(summary.Groups[1].Value, " reference "));
            if (said.Count > 0 && said.IsSubsetOf(Words(name))) yield return $"{name}: {summary.Groups[1].Value}";
        }
    }

    static string Declared(string line) =>
        TypeName().Match(line) is { Success: true } type ? type.Groups[1].Value : MemberName().Match(line).Groups[1].Value;

    static HashSet<string> Words(string text) =>
        [.. Word().Matches(text).Select(m => m.Value.ToLowerInvariant()).Where(w => !Noise.Contains(w)).Select(w => w.TrimEnd('s'))];

    [GeneratedRegex(@"^\s*/// <summary>(.*)</summary>\s*$")]
    private static partial Regex Summary();

    /// <summary>References and code are information, whatever they are called.</summary>
    [GeneratedRegex(@"<see [^>]*/>|<paramref [^>]*/>|<c>.*?</c>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\b(?:class|record struct|record|struct|interface|enum)\s+(\w+)")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"(\w+)\s*(?:<[^>]*>)?\s*(?:\(|\{|=|;|,|$)")]
    private static partial Regex MemberName();

    [GeneratedRegex(@"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")]
    private static partial Regex Word();
}
