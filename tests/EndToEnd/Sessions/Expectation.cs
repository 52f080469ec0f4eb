using System.Text;
using System.Text.RegularExpressions;

namespace Hanbae.EndToEnd.Sessions;

/// <summary>Compares what was said with what a session expects, where names in angle brackets stand for what no two runs have in common.</summary>
public static partial class Expectation
{
    static readonly Dictionary<string, string> s_words = new()
    {
        ["<age>"] = @"(\d+[dhms]){1,2}|\d+y(\d+d)?",
        ["<time>"] = @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        ["<date>"] = @"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000",
        ["<uid>"] = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["<ip>"] = @"\d+\.\d+\.\d+\.\d+",
        ["<n>"] = @"\d+",
        ["<id>"] = "[a-z0-9]+",
        ["<any>"] = ".*",
    };

    public static bool Holds(IReadOnlyList<string> expected, string said, string ns) => Pattern(expected, ns).IsMatch(Normal(said));

    /// <summary>Without the spaces at line ends, which no editor keeps.</summary>
    public static string Normal(string said)
    {
        string text = string.Join('\n', said.Split('\n').Select(l => l.TrimEnd()));
        return text.TrimEnd('\n') is { Length: > 0 } some ? some + "\n" : "";
    }

    /// <summary>What was said in the form of an expectation, to be looked at and taken over.</summary>
    public static string Proposal(string said, string ns)
    {
        string text = Normal(said).Replace(ns, "$NS", StringComparison.Ordinal);
        foreach (string word in (string[])["<uid>", "<time>", "<date>", "<ip>"]) text = Regex.Replace(text, s_words[word], word);
        text = Regex.Replace(text, "resourceVersion: \"\\d+\"", "resourceVersion: \"<n>\"");
        return Ages().Replace(text, "<age>");
    }

    static Regex Pattern(IReadOnlyList<string> expected, string ns)
    {
        var pattern = new StringBuilder("^");
        foreach (string line in expected)
        {
            if (line == "...")
            {
                pattern.Append("(.*\n)*?");
                continue;
            }
            string text = line.Replace("$NS", ns, StringComparison.Ordinal);
            int indent = text.Length - text.TrimStart(' ').Length;
            pattern.Append(' ', indent);
            foreach (string part in Parts().Split(text[indent..]))
                pattern.Append(s_words.TryGetValue(part, out string? word) ? $"({word}|{Regex.Escape(part)})"
                    // kubectl fits its columns to what is in them.
                    : part.Length > 1 && part.All(c => c == ' ') ? "( {2,}|\t)" : Regex.Escape(part));
            pattern.Append('\n');
        }
        return new(pattern.Append("$").ToString(), RegexOptions.ExplicitCapture);
    }

    [GeneratedRegex(@"( {2,}|<[a-z]+>)")]
    private static partial Regex Parts();

    [GeneratedRegex(@"(?<= {2}|^)(\d+[dhms]){1,2}(?=\n|  )")]
    private static partial Regex Ages();
}
