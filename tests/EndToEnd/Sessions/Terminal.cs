using System.Diagnostics;
using System.Globalization;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Sessions;

/// <summary>A person's shell with one kubectl, a namespace and an empty folder to work in.</summary>
sealed class Terminal : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("HANBAE_UPDATE") is { Length: > 0 } ? 4 : 120), s_glance = TimeSpan.FromMilliseconds(200);
    readonly RealCluster _cluster;
    readonly string _folder;
    readonly Dictionary<string, string> _surroundings;

    Terminal(RealCluster cluster, string kubectl, string ns, string folder)
    {
        (_cluster, Namespace, _folder) = (cluster, ns, folder);
        string programs = Path.Combine(folder, ".bin");
        Directory.CreateDirectory(programs);
        File.CreateSymbolicLink(Path.Combine(programs, "kubectl"), kubectl);
        File.Copy(cluster.Kubeconfig, Path.Combine(folder, ".config"));
        _surroundings = new()
        {
            ["HOME"] = folder, ["NS"] = ns, ["KUBECONFIG"] = Path.Combine(folder, ".config"), ["PATH"] = programs + ":/usr/local/bin:/usr/bin:/bin", ["TZ"] = "UTC", ["KUBE_EDITOR"] = "cat", ["LANG"] = "C.UTF-8",
            ["SERVER"] = $"https://127.0.0.1:{cluster.Port.ToString(CultureInfo.InvariantCulture)}", ["NO_PROXY"] = "*", ["no_proxy"] = "*",
        };
    }

    public string Namespace { get; }

    public static async Task<Terminal> OpenAsync(RealCluster cluster, string kubectl, string ns)
    {
        string folder = Path.Combine(cluster.Scratch, ns);
        Directory.CreateDirectory(folder);
        var terminal = new Terminal(cluster, kubectl, ns, folder);
        (await terminal.ShellAsync("kubectl create namespace $NS && kubectl config set-context --current --namespace=$NS")).Ok();
        // A Pod is refused until its account is there, and both accounts and the root certificate are in what is listed.
        await Until.TrueAsync("what every namespace has", async () => (await terminal.ShellAsync("kubectl get serviceaccount/default configmap/kube-root-ca.crt")).Code == 0);
        return terminal;
    }

    public async Task<Ran> RunAsync(Step step)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            var ran = await ShellAsync(step.Command);
            if (!step.Until || (ran.Code == step.Code && Expectation.Holds(step.Expected, ran.Out, Namespace)) || Stopwatch.GetElapsedTime(began) > s_patience) return ran;
            await Task.Delay(s_glance);
        }
    }

    /// <summary>Both outputs as one, as a terminal shows them.</summary>
    Task<Ran> ShellAsync(string command) => Program.RunAsync("/bin/sh", ["-c", $"cd {_folder}; exec 2>&1\n{command}"], environment: _surroundings);

    public async ValueTask DisposeAsync()
    {
        // What went on in the background has told its number.
        foreach (string file in Directory.GetFiles(_folder, "*.pid")) await ShellAsync($"kill $(cat {Path.GetFileName(file)}) || true");
        await _cluster.TryKubectlAsync(["delete", "namespace", Namespace, "--wait=false"]);
    }
}
