using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Machinery.Validate;

namespace Hanbae.Host.Commands;

/// <summary><c>up</c>: brings a cluster up, in the foreground or, with <c>--detach</c>, behind it.</summary>
static class Up
{
    public const string LogFile = "hanbae.log";

    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var detach = new Option<bool>("--detach", "-d") { Description = "Return when the cluster is ready; it runs on until `hanbae down`." };
        var port = Number("--port", "Port of the API server (6443).");
        var kubeletPort = Number("--kubelet-port", "Port of the kubelet (10250; a free one when that is taken).");
        var bind = new Option<string?>("--bind") { Description = "Address that the API server listens on (0.0.0.0)." };
        var node = new Option<string?>("--node-name") { Description = "Name of this node (the host's name)." };
        var pods = new Option<string?>("--pod-cidr") { Description = "Addresses of Pods (a free 10.244.0.0/16 or the like)." };
        var services = new Option<string?>("--service-cidr") { Description = "Addresses of Services (a free 10.96.0.0/16 or the like)." };
        var domain = new Option<string?>("--cluster-domain") { Description = "Domain of the cluster's names (cluster.local)." };
        var runtime = new Option<string?>("--runtime-endpoint") { Description = "CRI socket of a runtime that is there already; Hanbae then starts none. Empty for Hanbae's own again." };
        var control = new Option<bool>("--control-plane-only") { Description = "No node on this machine: API server, controllers and scheduler. Needs no root." };
        var simulated = Number("--simulated-nodes", "Add N nodes whose Pods run nowhere but pass through all states.");
        var legacy = new Option<bool>("--legacy-apis") { Description = "Take manifests of versions that Kubernetes has given up, such as extensions/v1beta1 (the default; --legacy-apis=false for none)." };
        var scheduler = new Option<string?>("--scheduler-config") { Description = "A KubeSchedulerConfiguration file: profiles, plugins and their arguments. Empty for the defaults again." };
        var kubelet = new Option<string?>("--kubelet-config") { Description = "A KubeletConfiguration file: eviction, reservations, CPU and memory policies, shutdown. Empty for the defaults again." };
        var kubeletDir = new Option<string?>("--kubelet-dir") { Description = "Where the kubelet keeps volumes and drivers' sockets (/var/lib/kubelet where nobody has it, for the machine's own node; otherwise kubelet in the data folder)." };
        var healthz = new Option<string?>("--healthz-bind-address") { Description = "Where the node's proxy tells its health (0.0.0.0:10256). Empty for nowhere." };
        var metrics = new Option<string?>("--metrics-bind-address") { Description = "Where the node's proxy tells its mode and figures (127.0.0.1:10249). Empty for nowhere." };
        var flags = ServerFlags.All.Select(f => (f.Name, Option: new Option<string?>("--" + f.Name) { Description = f.Meaning })).ToArray();
        var log = new Option<string?>("--log-level") { Description = "trace, debug, information, warning (the default) or error." };
        var command = new Command("up", "Bring up a cluster on this machine. Options are kept: the next `up` needs none of them.")
        {
            detach, port, bind, kubeletPort, node, pods, services, domain, runtime, control, simulated, legacy, scheduler, kubelet, kubeletDir, healthz, metrics, log, dataDir,
        };
        foreach (var (_, option) in flags) command.Add(option);
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            string folder = Path.GetFullPath(parsed.GetValue(dataDir)!);
            var paths = NodePaths.Of(folder);
            var asked = new Asked(
                parsed.GetValue(port), parsed.GetValue(bind), parsed.GetValue(kubeletPort), parsed.GetValue(node), parsed.GetValue(pods), parsed.GetValue(services),
                parsed.GetValue(domain), parsed.GetValue(runtime), parsed.GetResult(control) is { Implicit: false } ? parsed.GetValue(control) : null, parsed.GetValue(simulated),
                parsed.GetResult(legacy) is { Implicit: false } ? parsed.GetValue(legacy) : null, parsed.GetValue(scheduler),
                flags.Where(f => parsed.GetValue(f.Option) is not null).ToDictionary(f => f.Name, f => ServerFlags.Kept(f.Name, parsed.GetValue(f.Option)!)) is { Count: > 0 } given ? given : null,
                parsed.GetValue(kubelet), parsed.GetValue(healthz), parsed.GetValue(metrics), parsed.GetValue(kubeletDir));
            if (ProcessIdentity.Read(paths.HanbaeProcess) is { IsAlive: true } running && running.Pid != Environment.ProcessId) return AlreadyUp(paths, running, asked);
            if (parsed.GetValue(detach) && !Detached.IsChild) return await Detached.StartAsync(folder, ct);
            ClusterSettings settings;
            using (await OtherClusters.AloneAsync(ct))
            {
                var before = ClusterSettings.Load(folder);
                settings = Settled(before, asked, paths);
                // What cannot change is noted at once: another cluster that starts at this moment has to see which ranges are taken.
                // The rest is kept when it has worked.
                if (before is null)
                {
                    DataFolder.Claim(paths);
                    OtherClusters.Register(paths);
                    settings.Lasting.Save(folder);
                }
                if ((asked.KubeletDir ?? (settings.ControlPlaneOnly ? null : KubeletFolder.Usual(paths))) is { } placed) KubeletFolder.Place(paths, placed);
            }
            return await Roles.Cluster.RunAsync(settings, paths, parsed.GetValue(log) ?? "warning", ct);
        }));
        return command;
    }

    static Option<int?> Number(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens.Single().Value, out int number)) return number;
            result.AddError($"{name} {result.Tokens.Single().Value} is no number");
            return null;
        },
    };

    /// <summary>`up` of what is up is no error, as long as it would not have to become something else.</summary>
    static int AlreadyUp(NodePaths paths, ProcessIdentity running, Asked asked)
    {
        if (asked != Asked.Nothing)
            throw new SettingsException($"a cluster already runs in {paths.Data} (process {running.Pid}): stop it with `{Shared.Again("down", paths.Data)}` for other options to take effect, or choose another folder with --data-dir");
        Console.WriteLine($"already up in {paths.Data} (process {running.Pid})");
        Console.WriteLine($"  export KUBECONFIG={KubeconfigPath.Of(paths.Data)}");
        return Shared.Ok;
    }

    /// <summary>What was asked for this time; null leaves what was asked before, or the default.</summary>
    internal sealed record Asked(int? Port, string? Bind, int? KubeletPort, string? NodeName, string? PodCidr, string? ServiceCidr, string? Domain, string? Runtime, bool? ControlPlaneOnly, int? SimulatedNodes, bool? LegacyApis = null, string? SchedulerConfig = null, IReadOnlyDictionary<string, string>? Flags = null, string? KubeletConfig = null, string? ProxyHealthz = null, string? ProxyMetrics = null, string? KubeletDir = null)
    {
        public static Asked Nothing { get; } = new(null, null, null, null, null, null, null, null, null, null);
    }

    /// <exception cref="SettingsException">An option cannot be, or would change what cannot change any more.</exception>
    internal static ClusterSettings Settled(ClusterSettings? before, Asked asked, NodePaths paths)
    {
        foreach (var (option, cidr) in new[] { ("--pod-cidr", asked.PodCidr), ("--service-cidr", asked.ServiceCidr) })
            if (cidr is not null && !IPNetwork.TryParse(cidr, out _)) throw new SettingsException($"{option} {cidr} is no network; write it like 10.244.0.0/16");
        foreach (var (option, port) in new[] { ("--port", asked.Port), ("--kubelet-port", asked.KubeletPort) })
            if (port is < 0 or > 65535) throw new SettingsException($"{option} {port} is no port; ports are 1 to 65535, and 0 takes a free one");
        if (asked.Bind is not null && !IPAddress.TryParse(asked.Bind, out _)) throw new SettingsException($"--bind {asked.Bind} is no address; write one of this machine's, such as 127.0.0.1, or 0.0.0.0 for all of them");
        if (asked.SimulatedNodes is < 0) throw new SettingsException("--simulated-nodes must not be negative");
        if (asked.NodeName is { } node && Names.Subdomain(node) is [var wrong, ..]) throw new SettingsException($"--node-name {node}: {wrong}");
        if (asked.Domain is { } domain && Names.Subdomain(domain) is [var unfit, ..]) throw new SettingsException($"--cluster-domain {domain}: {unfit}");
        Fixed("--pod-cidr", before?.PodCidr, asked.PodCidr);
        Fixed("--service-cidr", before?.ServiceCidr, asked.ServiceCidr);
        Fixed("--node-name", before?.NodeName, asked.NodeName);
        // The issuer of every token that was given out carries it.
        Fixed("--cluster-domain", before?.ClusterDomain, asked.Domain);
        var settings = before ?? New(asked, paths);
        settings = settings with
        {
            ApiPort = asked.Port ?? settings.ApiPort, BindAddress = asked.Bind ?? settings.BindAddress, KubeletPort = asked.KubeletPort ?? settings.KubeletPort,
            RuntimeEndpoint = (asked.Runtime ?? settings.RuntimeEndpoint) is { Length: > 0 } endpoint ? endpoint : null,
            ControlPlaneOnly = asked.ControlPlaneOnly ?? settings.ControlPlaneOnly, SimulatedNodes = asked.SimulatedNodes ?? settings.SimulatedNodes,
            LegacyApis = asked.LegacyApis ?? settings.LegacyApis,
            ServerFlags = ServerFlags.Merge(settings.ServerFlags, asked.Flags),
            SchedulerConfig = (asked.SchedulerConfig ?? settings.SchedulerConfig) is { Length: > 0 } file ? Path.GetFullPath(file) : null,
            KubeletConfig = (asked.KubeletConfig ?? settings.KubeletConfig) is { Length: > 0 } kubelet ? Path.GetFullPath(kubelet) : null,
            ProxyHealthz = asked.ProxyHealthz ?? settings.ProxyHealthz, ProxyMetrics = asked.ProxyMetrics ?? settings.ProxyMetrics,
        };
        // Said now rather than when half of the cluster is up.
        _ = settings.Scheduling();
        _ = (settings.ProxyHealthzAt, settings.ProxyMetricsAt);
        _ = ClusterSettings.Configured(Roles.NodeAgent.Options(settings.NodeName, paths, 0), settings.KubeletConfig);
        _ = (settings.Flags.FlowControl(), settings.Flags.Audit(paths.Data, TimeProvider.System), settings.Flags.Admission(), settings.Flags.Access(new()), settings.Flags.MoreServed(), settings.Flags.Controllers());
        if (!settings.ControlPlaneOnly && !Environment.IsPrivilegedProcess)
            throw new SettingsException("a node needs root, since containers do: type the same again with sudo in front, or add --control-plane-only");
        return settings;
    }

    static void Fixed(string option, string? before, string? asked)
    {
        if (before is not null && asked is not null && before != asked)
            throw new SettingsException($"{option} is {before} since the cluster was made and cannot change; `hanbae reset` removes the cluster, then {asked} can be asked for");
    }

    static ClusterSettings New(Asked asked, NodePaths paths)
    {
        string pods = asked.PodCidr ?? "", services = asked.ServiceCidr ?? "";
        var taken = AddressPlan.Taken(OtherClusters.DataFolders(paths));
        if (asked.ControlPlaneOnly != true) AddressPlan.Check(asked.PodCidr, asked.ServiceCidr, taken);
        if (pods.Length == 0 || services.Length == 0)
        {
            var chosen = AddressPlan.Choose([.. taken, .. new[] { pods, services }.Where(r => r.Length > 0).Select(IPNetwork.Parse)]);
            if (pods.Length == 0) pods = chosen.Pods;
            if (services.Length == 0) services = chosen.Services;
        }
        return new() { NodeName = asked.NodeName ?? System.Net.Dns.GetHostName().ToLowerInvariant(), PodCidr = pods, ServiceCidr = services, ClusterDomain = asked.Domain ?? "cluster.local" };
    }
}
