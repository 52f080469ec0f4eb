using System.Text.RegularExpressions;
using Hanbae.Kit;

namespace Hanbae.Tidy;

/// <summary>The house rules that a file shows by itself.</summary>
public sealed partial class SourceTests
{
    const int MostLines = 500, MostColumns = 220;

    /// <summary>Folders whose files are one flat surface to their users: the namespace stops at the project.</summary>
    static readonly string[] Flat = ["src/Api/Collections", "src/Api/Meta", "src/Client", "tests/Kubelet.Tests/Kit"];

    [Fact]
    public void The_namespace_is_the_folder() =>
        Rule.Holds("namespaces that are not their folder", Tree.CSharp("src", "tests").SelectMany(file =>
        {
            string? name = Tree.Lines(file).Select(l => Namespace().Match(l)).FirstOrDefault(m => m.Success)?.Groups[1].Value;
            // Program.cs and files of usings have none.
            if (name is null) return Tree.Text(file).Contains(" class ", StringComparison.Ordinal) ? [$"{file}: none"] : [];
            string folder = Path.GetDirectoryName(file)!;
            if (Flat.Any(f => folder == f || folder.StartsWith(f + "/", StringComparison.Ordinal))) folder = string.Join('/', folder.Split('/').Take(2));
            string wanted = "Hanbae." + folder[(folder.IndexOf('/') + 1)..].Replace('/', '.');
            return name == wanted ? Array.Empty<string>() : [$"{file}: {name}, not {wanted}"];
        }));

    [Fact]
    public void A_file_is_one_concept_not_a_book() =>
        Rule.Holds($"files of more than {MostLines} lines", Tree.CSharp("src").Where(f => Tree.Lines(f).Length > MostLines));

    [Fact]
    public void A_line_can_be_read_without_turning_the_head() =>
        Rule.Holds($"lines of more than {MostColumns} columns", Tree.CSharp("src").SelectMany(f =>
            Tree.Lines(f).Index().Where(l => l.Item.Length > MostColumns).Select(l => $"{f}: {l.Item.Trim()[..40]}")),
            // A line of a table of words, where the end of the line ends the rule.
            "src/Server/Bootstrap/Policy/ClusterRoles.cs: R extensions daemonsets,daemonsets/statu");

    [Fact]
    public void Figures_have_one_writer() =>
        Rule.Holds("metrics written by hand", Tree.CSharp("src").Where(f => Tree.Text(f).Contains("# TYPE ", StringComparison.Ordinal)), "src/Machinery/Figures/PrometheusText.cs");

    [Fact]
    public void No_type_is_named_after_nothing() =>
        Rule.Holds("types called Manager, Helper or Util", Matches(Tree.CSharp("src", "tests", "tools", "bench"), VagueType()));

    [Fact]
    public void Nothing_is_folded_away_and_nothing_only_pretends() =>
        Rule.Holds("regions and code that is not there", Matches(Tree.CSharp("src", "tests", "tools", "bench"), Pretence()));

    [Fact]
    public void Every_event_of_the_log_is_listed()
    {
        var listed = EventRow().Matches(Tree.Text("docs/log-events.md")).SelectMany(m => m.Groups[1].Value.Split(", ")).ToHashSet();
        Rule.Holds("log events that docs/log-events.md lacks", Tree.CSharp("src").SelectMany(f => EventId().Matches(Tree.Text(f)).Select(m => m.Groups[1].Value).Where(id => !listed.Contains(id)).Select(id => $"{f}: {id}")));
    }

    [GeneratedRegex(@"LoggerMessage\((?:EventId = )?(\d+),")]
    private static partial Regex EventId();

    [GeneratedRegex(@"^\| ([\d, ]+) \|", RegexOptions.Multiline)]
    private static partial Regex EventRow();

    [Fact]
    public void Tests_wait_for_events_not_for_time() =>
        // Waiting for ever, until cancelled, is no sleep.
        Rule.Holds("sleeps in tests", Matches(Tree.CSharp("tests"), Sleep()),
            // Real processes tell nobody when they are done: these look again every few milliseconds, with a limit.
            "tests/Controllers.Tests/Faults/FaultyCluster.cs: Task.Delay(s_glance,",
            "tests/Cri.Tests/ContainerdTests.cs: Task.Delay(20)",
            "tests/Cri.Tests/FakeCriTests.cs: Task.Delay(1)",
            "tests/Kubelet.Tests/Volumes/Remote/RemoteTest.cs: Task.Delay(20)",
            "tests/EndToEnd/Rig/Until.cs: Task.Delay(Glance)",
            "tests/EndToEnd/Sessions/Terminal.cs: Task.Delay(s_glance)",
            "tests/Host.Tests/Images/ImageStoreTests.cs: Task.Delay(20,",
            "tests/Host.Tests/Images/PauseImageTests.cs: Task.Delay(5,",
            "tests/Host.Tests/Runtime/RealNode.cs: Task.Delay(5,",
            "tests/Kubelet.Tests/Real/RealKubeletTest.cs: Task.Delay(50)",
            // Lateness is what it is for, and off unless it is asked for.
            "tests/Kit/FakeApi.cs: Task.Delay(Random.Shared.Next(s_lag)");

    [Fact]
    public void No_file_knows_the_machine_it_was_written_on()
    {
        string[] texts = [".cs", ".md", ".api", ".csproj", ".props", ".slnx", ".yaml", ".yml", ".json", ".sh", ".proto", ".txt", ""];
        Rule.Holds("paths of somebody's machine", Matches(Tree.Files.Where(f => texts.Contains(Path.GetExtension(f))), new Regex(Regex.Escape(Repository.Root) + @"\b")));
    }

    [Fact]
    public void A_summary_says_more_than_the_name() =>
        Rule.Holds("summaries that repeat the member's name", Tree.CSharp("src", "tests", "tools", "bench").SelectMany(f => Summaries.Empty(Tree.Lines(f)).Select(s => $"{f}: {s}")));

    [Theory]
    [InlineData("/// <summary>The pod's name.</summary>", "public string PodName { get; }", true)]
    [InlineData("/// <summary>Gets or sets the name of the pod</summary>", "string _podNames = \"\";", true)]
    [InlineData("/// <summary>A scale plan.</summary>", "sealed record ScalePlan(int Create)", true)]
    [InlineData("/// <summary>What has to change for the Pods to be as many as asked.</summary>", "sealed record ScalePlan(int Create)", false)]
    [InlineData("/// <summary>The name in <see cref=\"Pod\"/>.</summary>", "public string Name { get; }", false)]
    public void Summaries_are_judged_by_their_words(string summary, string declaration, bool empty) =>
        Assert.Equal(empty, Summaries.Empty([summary, declaration]).Any());

    static IEnumerable<string> Matches(IEnumerable<string> files, Regex pattern) =>
        files.Where(f => !f.EndsWith("Tidy/SourceTests.cs", StringComparison.Ordinal)).SelectMany(f => pattern.Matches(Tree.Text(f)).Select(m => $"{f}: {m.Value.Trim()}"));

    [GeneratedRegex(@"^namespace ([A-Za-z0-9_.]+);")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum|delegate \S+) +\w*(?:Manager|Helper|Util)\w*")]
    private static partial Regex VagueType();

    [GeneratedRegex(@"^\s*#region.*|\bNotImplementedException\b", RegexOptions.Multiline)]
    private static partial Regex Pretence();

    [GeneratedRegex(@"\bThread\.Sleep\(|\bTask\.Delay\((?!Timeout\.Infinite)[^,)]*[,)]")]
    private static partial Regex Sleep();
}
