using System.Text.RegularExpressions;

namespace Hanbae.Tidy;

/// <summary>Whoever types what the documentation says gets no usage error.</summary>
public sealed partial class CommandTests
{
    [Fact]
    public void Every_command_of_the_documentation_exists() =>
        Rule.Holds("commands that hanbae does not have", Documents().SelectMany(f => Wrong(Tree.Text(f)).Select(w => $"{f}: {w}")));

    [Theory]
    [InlineData("`hanbae up --detach`", "")]
    [InlineData("    ./hanbae image import a.tar --data-dir x", "")]
    [InlineData("`hanbae fly`", "hanbae fly")]
    [InlineData("`hanbae up --wings 2`", "hanbae up --wings")]
    [InlineData("Nothing that hanbae does not do.", "")]
    public void A_command_is_judged_by_its_verbs_and_options(string text, string wrong) => Assert.Equal(wrong, string.Join(' ', Wrong(text)));

    static IEnumerable<string> Documents() => Tree.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal)).Append("src/Host/Commands/Catalog.cs");

    /// <summary>The verbs and options in <paramref name="text"/> that no command has.</summary>
    static IEnumerable<string> Wrong(string text)
    {
        foreach (Match command in Command().Matches(text))
        {
            string verb = command.Groups[1].Value;
            if (ScriptVerbs.Contains(verb)) continue;
            if (Verbs.FirstOrDefault(v => v.Names.Contains(verb)) is not { File: not null } found) { yield return "hanbae " + verb; continue; }
            foreach (Match option in Option().Matches(command.Groups[2].Value))
                if (!found.Options.Contains(option.Value) && !SharedOptions.Contains(option.Value)) yield return $"hanbae {verb} {option.Value}";
        }
    }

    static (string File, HashSet<string> Names, HashSet<string> Options)[] Verbs { get; } =
        [.. Tree.CSharp("src/Host/Commands").Select(f => (f, Quoted(VerbName(), f), Options(f))).Where(v => v.Item2.Count > 0)];

    /// <summary>A verb's own options, and those of a set of options that it makes for itself.</summary>
    static HashSet<string> Options(string file) =>
        [.. Quoted(OptionName(), file), .. Tree.CSharp("src/Host/Commands").Where(f => Tree.Text(file).Contains($"new {Path.GetFileNameWithoutExtension(f)}(", StringComparison.Ordinal)).SelectMany(f => Quoted(OptionName(), f))];

    static HashSet<string> SharedOptions { get; } = [.. Quoted(OptionName(), "src/Host/Commands/Shared.cs"), .. Tree.CSharp("src/Host/Settings").SelectMany(f => Quoted(FlagName(), f)).Select(n => "--" + n), "--help", "--version"];

    /// <summary>What the script at the root answers by itself.</summary>
    static HashSet<string> ScriptVerbs { get; } = Quoted(ScriptVerb(), "hanbae");

    static HashSet<string> Quoted(Regex pattern, string file) => [.. pattern.Matches(Tree.Text(file)).Select(m => m.Groups[1].Value)];

    /// <summary>A command at the start of a line or of quoted code, up to its end, a comment or a pipe.</summary>
    [GeneratedRegex(@"(?:^\s*(?:\$ |sudo )?\./hanbae|^\s*(?:\$ |sudo )hanbae|`(?:\./)?hanbae|\$\((?:\./)?hanbae) ([a-z][a-z-]*)([^`\n#|)]*)", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"(?<=\s)--?[a-z][a-z-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"new Command\(""([a-z-]+)""")]
    private static partial Regex VerbName();

    [GeneratedRegex(@"""(--?[a-z][a-z-]*)""")]
    private static partial Regex OptionName();

    /// <summary>A row of the API server's flags.</summary>
    [GeneratedRegex(@"^        \(""([a-z-]+)"", """, RegexOptions.Multiline)]
    private static partial Regex FlagName();

    [GeneratedRegex(@"^    ([a-z]+)\) ", RegexOptions.Multiline)]
    private static partial Regex ScriptVerb();
}
