using System.Net;
using Hanbae.Grpc;
using Hanbae.Host.Runtime;
using Hanbae.Machinery.Validate;

namespace Hanbae.Host.Settings;

/// <summary>What `up` is asked for this time; null leaves what was asked before, or the default.</summary>
sealed record Asked
{
    public int? Port { get; init; }
    public string? Bind { get; init; }
    public int? KubeletPort { get; init; }
    public string? NodeName { get; init; }
    public string? PodCidr { get; init; }
    public string? ServiceCidr { get; init; }
    public string? Domain { get; init; }
    public string? Runtime { get; init; }
    public bool? ControlPlaneOnly { get; init; }
    public int? SimulatedNodes { get; init; }
    public bool? LegacyApis { get; init; }
    public string? SchedulerConfig { get; init; }
    public string? KubeletConfig { get; init; }
    /// <summary>Kept by where it is, not by the settings.</summary>
    public string? KubeletDir { get; init; }
    public string? CredentialConfig { get; init; }
    public string? CredentialPrograms { get; init; }
    public string? ProxyHealthz { get; init; }
    public string? ProxyMetrics { get; init; }
    /// <summary>Of the API server, by name.</summary>
    public IReadOnlyDictionary<string, string>? Flags { get; init; }

    public static Asked Nothing { get; } = new();

    /// <summary>What the cluster is to be from now on.</summary>
    /// <param name="before">Null when there is none yet.</param>
    /// <exception cref="SettingsException">An option cannot be, or would change what cannot change any more.</exception>
    public ClusterSettings Settle(ClusterSettings? before, NodePaths paths)
    {
        Check();
        Fixed("--pod-cidr", before?.PodCidr, PodCidr);
        Fixed("--service-cidr", before?.ServiceCidr, ServiceCidr);
        Fixed("--node-name", before?.NodeName, NodeName);
        // The issuer of every token that was given out carries it.
        Fixed("--cluster-domain", before?.ClusterDomain, Domain);
        var settings = Over(before ?? New(paths));
        // Said now rather than when half of the cluster is up.
        _ = settings.Scheduling();
        _ = (settings.ProxyHealthzAt, settings.ProxyMetricsAt);
        _ = ClusterSettings.Configured(Roles.NodeAgent.Options(settings.NodeName, paths, 0), settings.KubeletConfig);
        CredentialFiles.Check(settings.CredentialConfig, settings.CredentialPrograms);
        _ = (settings.Flags.FlowControl(), settings.Flags.Audit(paths.Data, TimeProvider.System), settings.Flags.Admission());
        _ = (settings.Flags.Access(new()), settings.Flags.MoreServed(), settings.Flags.Controllers());
        if (settings.ControlPlaneOnly) return settings;
        CheckPorts(settings);
        if (!Environment.IsPrivilegedProcess)
            throw new SettingsException("a node needs root, since containers do: type the same again with sudo in front, or add --control-plane-only");
        return settings;
    }

    void Check()
    {
        foreach (var (option, cidr) in new[] { ("--pod-cidr", PodCidr), ("--service-cidr", ServiceCidr) })
            if (cidr is not null && !IPNetwork.TryParse(cidr, out _))
                throw new SettingsException($"{option} {cidr} is no network; write it like 10.244.0.0/16");
        foreach (var (option, port) in new[] { ("--port", Port), ("--kubelet-port", KubeletPort) })
            if (port is < 0 or > 65535)
                throw new SettingsException($"{option} {port} is no port; ports are 1 to 65535, and 0 takes a free one");
        if (Bind is not null && !IPAddress.TryParse(Bind, out _))
            throw new SettingsException($"--bind {Bind} is no address; write one of this machine's, such as 127.0.0.1, or 0.0.0.0 for all of them");
        if (SimulatedNodes is < 0) throw new SettingsException("--simulated-nodes must not be negative");
        if (NodeName is { } node && Names.Subdomain(node) is [var wrong, ..]) throw new SettingsException($"--node-name {node}: {wrong}");
        if (Domain is { } domain && Names.Subdomain(domain) is [var unfit, ..]) throw new SettingsException($"--cluster-domain {domain}: {unfit}");
        if (Runtime is { Length: > 0 } runtime)
            try { _ = GrpcAddress.Parse(runtime); }
            catch (FormatException e)
            {
                const string mend = "write it like unix:///run/containerd/containerd.sock, or leave it out and Hanbae starts its own";
                throw new SettingsException($"--runtime-endpoint {runtime} is no socket; {mend}", e);
            }
    }

    /// <summary>Ports that somebody chose are not replaced by others; those nobody chose may be another cluster's.</summary>
    void CheckPorts(ClusterSettings settings)
    {
        var plain = settings.Lasting;
        int port = settings.KubeletPort;
        if ((KubeletPort is not null || port != plain.KubeletPort) && Ports.Trouble(new(IPAddress.Any, port)) is { } taken)
            throw new SettingsException($"--kubelet-port {port} cannot be had: {taken}; choose another, or --kubelet-port 0 for any that is free");
        foreach (var (option, asked, at, otherwise) in new[]
        {
            ("--healthz-bind-address", ProxyHealthz, settings.ProxyHealthzAt, plain.ProxyHealthzAt),
            ("--metrics-bind-address", ProxyMetrics, settings.ProxyMetricsAt, plain.ProxyMetricsAt),
        })
            if (at is not null && (asked is not null || !at.Equals(otherwise)) && Ports.Trouble(at) is { } why)
                throw new SettingsException($"{option} {at} cannot be had: {why}; choose another, or leave it empty for none");
    }

    ClusterSettings Over(ClusterSettings settings) => settings with
    {
        ApiPort = Port ?? settings.ApiPort, BindAddress = Bind ?? settings.BindAddress, KubeletPort = KubeletPort ?? settings.KubeletPort,
        RuntimeEndpoint = (Runtime ?? settings.RuntimeEndpoint) is { Length: > 0 } endpoint ? endpoint : null,
        ControlPlaneOnly = ControlPlaneOnly ?? settings.ControlPlaneOnly, SimulatedNodes = SimulatedNodes ?? settings.SimulatedNodes,
        LegacyApis = LegacyApis ?? settings.LegacyApis,
        ServerFlags = ServerFlags.Merge(settings.ServerFlags, Flags),
        SchedulerConfig = (SchedulerConfig ?? settings.SchedulerConfig) is { Length: > 0 } file ? Path.GetFullPath(file) : null,
        KubeletConfig = (KubeletConfig ?? settings.KubeletConfig) is { Length: > 0 } kubelet ? Path.GetFullPath(kubelet) : null,
        CredentialConfig = (CredentialConfig ?? settings.CredentialConfig) is { Length: > 0 } providers ? Path.GetFullPath(providers) : null,
        CredentialPrograms = (CredentialPrograms ?? settings.CredentialPrograms) is { Length: > 0 } programs ? Path.GetFullPath(programs) : null,
        ProxyHealthz = ProxyHealthz ?? settings.ProxyHealthz, ProxyMetrics = ProxyMetrics ?? settings.ProxyMetrics,
    };

    static void Fixed(string option, string? before, string? asked)
    {
        if (before is not null && asked is not null && before != asked)
            throw new SettingsException($"{option} is {before} since the cluster was made and cannot change; "
                + $"`hanbae reset` removes the cluster, then {asked} can be asked for");
    }

    ClusterSettings New(NodePaths paths)
    {
        string pods = PodCidr ?? "", services = ServiceCidr ?? "";
        var taken = AddressPlan.Taken(OtherClusters.DataFolders(paths));
        if (ControlPlaneOnly != true) AddressPlan.Check(PodCidr, ServiceCidr, taken);
        if (pods.Length == 0 || services.Length == 0)
        {
            var chosen = AddressPlan.Choose([.. taken, .. new[] { pods, services }.Where(r => r.Length > 0).Select(IPNetwork.Parse)]);
            if (pods.Length == 0) pods = chosen.Pods;
            if (services.Length == 0) services = chosen.Services;
        }
        string node = NodeName ?? System.Net.Dns.GetHostName().ToLowerInvariant();
        return new() { NodeName = node, PodCidr = pods, ServiceCidr = services, ClusterDomain = Domain ?? "cluster.local" };
    }

    /// <summary>What was asked for before, is not the default and holds on, since nothing else is asked for now: as it is typed.</summary>
    public IEnumerable<string> Kept(ClusterSettings before)
    {
        var plain = before.Lasting;
        if (ControlPlaneOnly is null && before.ControlPlaneOnly) yield return "--control-plane-only";
        if (LegacyApis is null && !before.LegacyApis) yield return "--legacy-apis=false";
        foreach (var (option, asked, was, otherwise) in new (string, object?, object?, object?)[]
        {
            ("--port", Port, before.ApiPort, plain.ApiPort),
            ("--bind", Bind, before.BindAddress, plain.BindAddress),
            ("--kubelet-port", KubeletPort, before.KubeletPort, plain.KubeletPort),
            ("--runtime-endpoint", Runtime, before.RuntimeEndpoint, plain.RuntimeEndpoint),
            ("--simulated-nodes", SimulatedNodes, before.SimulatedNodes, plain.SimulatedNodes),
            ("--scheduler-config", SchedulerConfig, before.SchedulerConfig, plain.SchedulerConfig),
            ("--kubelet-config", KubeletConfig, before.KubeletConfig, plain.KubeletConfig),
            ("--image-credential-provider-config", CredentialConfig, before.CredentialConfig, plain.CredentialConfig),
            ("--image-credential-provider-bin-dir", CredentialPrograms, before.CredentialPrograms, plain.CredentialPrograms),
            ("--healthz-bind-address", ProxyHealthz, before.ProxyHealthz, plain.ProxyHealthz),
            ("--metrics-bind-address", ProxyMetrics, before.ProxyMetrics, plain.ProxyMetrics),
        })
            if (asked is null && !Equals(was, otherwise)) yield return $"{option} {(was is "" ? "\"\"" : was)}";
        foreach (var (name, value) in before.ServerFlags ?? new Dictionary<string, string>())
            if (Flags?.ContainsKey(name) != true) yield return $"--{name} {value}";
    }
}
