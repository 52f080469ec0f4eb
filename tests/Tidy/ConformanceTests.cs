using System.Text.RegularExpressions;
using Hanbae.Kit;

namespace Hanbae.Tidy;

/// <summary>Keeps docs/conformance.md true: which of upstream's conformance titles has a test here.</summary>
public sealed partial class ConformanceTests
{
    const string File = "docs/conformance.md";

    [GeneratedRegex("""\[Trait\("Conformance",\s*"(?<title>(?:[^"\\]|\\.)*)"\)\]|\bclass (?<class>\w+)|^\s*(?:public|internal) (?:async )?(?:Task|void|ValueTask) (?<method>\w+)\(""", RegexOptions.Multiline)]
    private static partial Regex Marks { get; }

    [GeneratedRegex(@"^- \[[ x]\] (?<title>\[sig-[^\n]*?)(?:: `[^\n]*)?$", RegexOptions.Multiline)]
    private static partial Regex Entries { get; }

    [Fact]
    public void The_list_of_covered_titles_is_what_the_tests_say()
    {
        string listed = Tree.Text(File);
        var tests = Tests();
        var known = Entries.Matches(listed).Select(m => m.Groups["title"].Value).ToHashSet();
        Rule.Holds("titles that upstream's suite does not have", tests.Where(t => !known.Contains(t.Key)).Select(t => $"{t.Key} ({t.First()})"));

        string written = Entries.Replace(listed, m => Entry(m.Groups["title"].Value, tests[m.Groups["title"].Value]));
        written = Count.Replace(written, $"{known.Count(t => tests[t].Any())} of {known.Count} titles");
        if (Environment.GetEnvironmentVariable("HANBAE_UPDATE") is { Length: > 0 }) System.IO.File.WriteAllText(Path.Combine(Repository.Root, File), written);
        else Assert.True(written == listed, $"{File} is not what the tests say; HANBAE_UPDATE=1 ./hanbae test Tidy writes it anew");
    }

    [GeneratedRegex(@"\d+ of \d+ titles")]
    private static partial Regex Count { get; }

    static string Entry(string title, IEnumerable<string> tests)
    {
        string[] covering = [.. tests.Distinct().Order(StringComparer.Ordinal)];
        return covering.Length == 0 ? "- [ ] " + title : $"- [x] {title}: {string.Join(", ", covering.Select(t => $"`{t}`"))}";
    }

    /// <summary>By title the tests that carry it, as <c>Server.Tests: WatchTests.A_name</c>.</summary>
    static ILookup<string, string> Tests() => Tree.CSharp("tests").SelectMany(file =>
    {
        string project = file.Split('/')[1], @class = "";
        var waiting = new List<string>();
        var found = new List<(string Title, string Test)>();
        foreach (Match mark in Marks.Matches(Tree.Text(file)))
            if (mark.Groups["title"] is { Success: true } title) waiting.Add(Regex.Unescape(title.Value));
            else if (mark.Groups["class"] is { Success: true } name) @class = name.Value;
            else
            {
                found.AddRange(waiting.Select(t => (t, $"{project}: {@class}.{mark.Groups["method"].Value}")));
                waiting.Clear();
            }
        return found;
    }).ToLookup(t => t.Title, t => t.Test);
}
