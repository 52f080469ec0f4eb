using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hanbae.EndToEnd.Rig;
using Hanbae.Kit;

namespace Hanbae.EndToEnd.Sessions;

/// <summary>Every command of kubectl against a control plane without nodes, each session by several versions side by side.</summary>
/// <remarks>HANBAE_UPDATE=1 writes what the newest kubectl is told into the files, to be read before it is believed; HANBAE_KUBECTL=1.27,1.33 runs those versions, HANBAE_KUBECTL=all each there is; without it, the oldest, one between and the newest run.</remarks>
[Collection(OwnClusters.Name)]
public sealed class KubectlSessionTests(ControlPlane shared) : IClassFixture<ControlPlane>
{
    static readonly string s_folder = Path.Combine(Repository.Root, "tests/EndToEnd/Sessions");
    static readonly bool s_update = Environment.GetEnvironmentVariable("HANBAE_UPDATE") is { Length: > 0 };
    /// <summary>How many kubectls at a time: they wait for the server more than they work.</summary>
    const int Beside = 4;

    public static TheoryData<string> Sessions() => [.. Directory.GetFiles(s_folder, "*.txt").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [ControlPlaneTheory, MemberData(nameof(Sessions))]
    public async Task Kubectl_says_what_it_says_anywhere(string session)
    {
        string file = Path.Combine(s_folder, session + ".txt");
        string[] lines = await File.ReadAllLinesAsync(file);
        IEnumerable<string> versions = s_update ? [Kubectl.Newest]
            : Environment.GetEnvironmentVariable("HANBAE_KUBECTL") is { Length: > 0 } only ? Kubectl.Each.Where(k => only == "all" || only.Split(',').Any(v => k.EndsWith(v, StringComparison.Ordinal))) : Kubectl.All;
        var wrong = new ConcurrentDictionary<int, string>();
        await Parallel.ForEachAsync(versions, new ParallelOptions { MaxDegreeOfParallelism = Beside }, async (kubectl, _) =>
        {
            int minor = await Kubectl.MinorAsync(kubectl);
            await using var terminal = await Terminal.OpenAsync(shared.Cluster, kubectl, $"{session}-{minor.ToString(CultureInfo.InvariantCulture)}");
            var proposals = new Dictionary<int, string>();
            var report = new StringBuilder();
            foreach (var step in Session.Read(lines, minor))
            {
                var ran = await terminal.RunAsync(step);
                if (ran.Code == step.Code && Expectation.Holds(step.Expected, ran.Out, terminal.Namespace)) continue;
                proposals[step.Line] = Expectation.Proposal(ran.Out, terminal.Namespace) + (ran.Code == 0 ? "" : $"[{ran.Code}]\n");
                report.Append(CultureInfo.InvariantCulture, $"kubectl 1.{minor}, {session}.txt:{step.Line}: {step.Command}\nexpected [{step.Code}]:\n{string.Join('\n', step.Expected)}\nsaid [{ran.Code}]:\n{proposals[step.Line]}\n");
            }
            if (s_update) await File.WriteAllLinesAsync(file, Updated(lines, proposals, minor), CancellationToken.None);
            else if (report.Length > 0) wrong[minor] = report.ToString();
        });
        if (!wrong.IsEmpty) Assert.Fail(string.Join("\n", wrong.OrderByDescending(w => w.Key).Select(w => w.Value)));
    }

    /// <summary>The file with other expectations for some of its steps; their version marks are gone then.</summary>
    static List<string> Updated(string[] lines, Dictionary<int, string> proposals, int minor)
    {
        var updated = new List<string>();
        bool replaced = false;
        for (int i = 0; i < lines.Length; i++)
        {
            Session.Concerns(lines[i], minor, out string line);
            bool command = line.StartsWith("$ ", StringComparison.Ordinal) || line.StartsWith("~ ", StringComparison.Ordinal), goesOn = line == ">" || line.StartsWith("> ", StringComparison.Ordinal);
            if (command) replaced = proposals.ContainsKey(i + 1);
            if (command || goesOn || !replaced || line.StartsWith("## ", StringComparison.Ordinal) || line.Length == 0) updated.Add(lines[i]);
            if (!replaced || !(command || goesOn) || (i + 1 < lines.Length && lines[i + 1].StartsWith('>'))) continue;
            int at = i;
            while (!proposals.ContainsKey(at + 1)) at--;
            updated.AddRange(proposals[at + 1].Split('\n')[..^1]);
        }
        return updated;
    }
}

/// <summary>A control plane that all sessions share; nobody runs Pods there.</summary>
public sealed class ControlPlane : IAsyncLifetime
{
    public RealCluster Cluster { get; } = RealCluster.Plan();

    public async Task InitializeAsync()
    {
        if (Prerequisites.MissingForControlPlane is not null) return;
        await Cluster.UpAsync("--control-plane-only");
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

/// <summary>A test that needs the program and a kubectl.</summary>
public sealed class ControlPlaneTheoryAttribute : TheoryAttribute
{
    public ControlPlaneTheoryAttribute() => Skip = Prerequisites.MissingForControlPlane;
}
