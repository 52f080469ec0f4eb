using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Hanbae.EndToEnd.Rig;

/// <summary>One cluster of its own, made by the program as a person would make it, and removed with everything it left.</summary>
public sealed class RealCluster : IAsyncDisposable
{
    static int _count;
    readonly string _folder;
    readonly string[] _as;
    Task<RawApi>? _api;
    Task? _servant;

    RealCluster(string folder, string[] runAs) => (_folder, _as) = (folder, runAs);

    public string DataDir => Path.Combine(_folder, "data");
    public string Kubeconfig => Path.Combine(DataDir, "kubeconfig");
    /// <summary>What the tests themselves may write to.</summary>
    public string Scratch => Path.Combine(_folder, "scratch");
    public int Port { get; private init; }

    /// <summary>A cluster that is not up yet.</summary>
    /// <param name="runAs">A program and its arguments that everything is started through, to be somebody else.</param>
    public static RealCluster Plan(params string[] runAs)
    {
        // The process's number in the name tells later runs that this one died before it could tidy up.
        string folder = Path.Combine(Path.GetTempPath(), $"hanbae-e2e-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        Directory.CreateDirectory(Path.Combine(folder, "scratch"));
        if (!OperatingSystem.IsWindows() && runAs.Length > 0)
            foreach (string open in (string[])[folder, Path.Combine(folder, "scratch")])
                File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        return new(folder, runAs) { Port = FreePort() };
    }

    public async Task<string> UpAsync(params string[] options) =>
        (await HanbaeAsync(["up", "--detach", "--port", $"{Port}", "--kubelet-port", "0", .. options])).Ok();

    /// <summary>Its API over HTTPS: one client for all tests.</summary>
    public Task<RawApi> ApiAsync() => _api ??= RawApi.OfAsync(this);

    public Task<Ran> HanbaeAsync(params string[] arguments) => RunAsync(Prerequisites.Hanbae, [.. arguments, "--data-dir", DataDir]);

    /// <summary>The program in the foreground, until it is disposed of.</summary>
    public Background HanbaeInBackground(params string[] arguments) => Program.InBackground(Prerequisites.Hanbae, [.. arguments, "--data-dir", DataDir], Surroundings);

    public async Task ApplyAsync(string yaml) => (await TryKubectlAsync(["apply", "-f", "-"], yaml)).Ok();

    /// <summary>Makes <c>busybox:1</c> known to the cluster, from this machine's own busybox.</summary>
    public async Task ImportBusyboxAsync()
    {
        string root = Path.Combine(_folder, "busybox");
        (await RunAsync(Path.Combine(Hanbae.Kit.Repository.Root, "examples/images/busybox.sh"), [root])).Ok();
        (await HanbaeAsync("image", "from-rootfs", root, "--name", "busybox:1", "--cmd", "sh")).Ok();
    }

    /// <summary>Makes <c>servant:1</c> known to the cluster: busybox, and a Python that runs <c>servant.py</c>.</summary>
    public Task ImportServantAsync() => _servant ??= ImportAsync();

    async Task ImportAsync()
    {
        string root = Path.Combine(_folder, "servant");
        (await RunAsync(Path.Combine(Hanbae.Kit.Repository.Root, "tests/EndToEnd/Rig/servant.sh"), [root])).Ok();
        (await HanbaeAsync("image", "from-rootfs", root, "--name", "servant:1", "--cmd", "sh")).Ok();
        Directory.Delete(root, recursive: true);
    }

    public Task<Ran> TryKubectlAsync(IEnumerable<string> arguments, string? input = null, string? kubectl = null) =>
        Program.RunAsync(kubectl ?? Kubectl.Newest, Ours(arguments), input, Surroundings);

    public Background KubectlInBackground(IEnumerable<string> arguments) => Program.InBackground(Kubectl.Newest, Ours(arguments), Surroundings);

    public async Task<string> KubectlAsync(params string[] arguments) => (await TryKubectlAsync(arguments)).Ok();

    public async Task<JsonElement> GetAsync(params string[] arguments) =>
        JsonDocument.Parse(await KubectlAsync(["get", "-o", "json", .. arguments])).RootElement;

    /// <summary>The hanbae process; null when none runs.</summary>
    public int? Pid() => Leftovers.Process(DataDir, "hanbae.process");

    public async ValueTask DisposeAsync()
    {
        if (!Directory.Exists(_folder)) return;
        if (_api is { IsCompletedSuccessfully: true }) (await _api).Dispose();
        if (Directory.Exists(DataDir)) (await HanbaeAsync("reset")).Ok();
        Directory.Delete(_folder, recursive: true);
        Assert.Empty(await Leftovers.OfAsync(DataDir));
    }

    /// <summary>Removes what test runs left that were killed.</summary>
    public static async Task SweepAsync()
    {
        foreach (string folder in Directory.EnumerateDirectories(Path.GetTempPath(), "hanbae-e2e-*"))
        {
            if (!int.TryParse(Path.GetFileName(folder).Split('-')[2], out int pid) || Directory.Exists($"/proc/{pid}")) continue;
            await Program.RunAsync(Prerequisites.Hanbae, ["reset", "--data-dir", Path.Combine(folder, "data")]);
            if (!Directory.Exists(Path.Combine(folder, "data"))) Directory.Delete(folder, recursive: true);
        }
    }

    Task<Ran> RunAsync(string program, string[] arguments)
    {
        string[] line = [.. _as, program, .. arguments];
        return Program.RunAsync(line[0], line[1..], environment: Surroundings);
    }

    // A cache of its own: discovery of another cluster on the same port would be taken for this one's.
    IEnumerable<string> Ours(IEnumerable<string> arguments) => [$"--cache-dir={_folder}/cache", $"--kubeconfig={Kubeconfig}", .. arguments];

    Dictionary<string, string> Surroundings => new() { ["HOME"] = _folder, ["NO_PROXY"] = "*", ["no_proxy"] = "*", ["HANBAE_DATA_DIR"] = DataDir, ["HANBAE_CONNTRACK"] = "keep" };

    /// <summary>A port that nobody had a moment ago.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Any, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
