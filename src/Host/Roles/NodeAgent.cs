using System.Globalization;
using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Cri;
using Hanbae.Dns;
using Hanbae.Grpc;
using Hanbae.Host.Pki;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Kubelet;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Csi.Control;
using Hanbae.Proxy;
using Hanbae.Proxy.Policies;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>Kubelet, proxy and DNS of this machine, over its container runtime.</summary>
public sealed class NodeAgent(ControlPlane control, ClusterSettings settings, NodePaths paths, LivePki pki, TimeProvider time, ILoggerFactory loggers)
{
    /// <param name="runtime">The runtime, which answers already.</param>
    public void Run(Supervisor supervisor, RuntimeReady runtime)
    {
        string node = settings.NodeName;
        var transport = new CountingTransport(control.As("system:node:" + node, "kubelet", "system:nodes"), "127.0.0.1:" + control.Port.ToString(CultureInfo.InvariantCulture));
        var informers = new InformerFactory(transport, time, logger: loggers.CreateLogger("hanbae.kubelet"));
        var access = new ClusterAccess(transport, informers, "kubelet", time, node, loggers.CreateLogger("hanbae.kubelet"));
        var pods = access.Cache<Pod>(new() { FieldSelector = "spec.nodeName=" + node });
        supervisor.Run("kubelet-informers", informers.RunAsync);
        supervisor.Run("kubelet-events", access.RunAsync);
        var channel = new GrpcChannel(runtime.Endpoint);
        var cri = new CriClient(channel);
        var services = control.Informers.Cache<Service>();
        // Of storage drivers the kubelet knows the sockets; their controller services are worked in the cluster's name, not the node's.
        var drivers = new CsiDrivers();
        var csi = new CsiControl(control.Access(supervisor, "system:hanbae:csi-controller", "hanbae", "csi-controller"), drivers, node, loggers.CreateLogger("hanbae.csi-controller"));
        supervisor.Run("csi-controller", csi.RunAsync);
        supervisor.Run("kubelet", async ct =>
        {
            var kubelet = Make();
            using var measuring = control.Usage.Add(() => kubelet.Usage);
            await kubelet.RunAsync(ct);
        });
        Kubelet.Kubelet Make() => new(new()
        {
            Options = Over(runtime), Cri = cri, Client = access.Client, Requests = transport, Pods = pods, Events = access.Recorder,
            Time = time, Services = services, Snapshots = new(channel), Drivers = drivers, Log = loggers.CreateLogger("hanbae.kubelet"),
        });

        var proxyAccess = control.Access(supervisor, "system:kube-proxy", "kube-proxy", "kube-proxy", "system:node-proxier");
        var log = loggers.CreateLogger("hanbae.proxy");
        var proxy = new ProxyOptions
        {
            NodeName = node, Table = paths.NftTable + "_services", PolicyTable = paths.NftTable + "_policies", PodCidr = settings.PodCidr,
            Health = settings.ProxyHealthzAt, Metrics = settings.ProxyMetricsAt, OnTakenPort = log.Taken,
        };
        supervisor.Run("proxy", ct => new Proxy.Proxy(proxyAccess, proxy, log.Complains).RunAsync(ct));
        supervisor.Run("network-policies", ct => new NetworkPolicies(proxyAccess, proxy, log.Complains).RunAsync(ct));

        var dnsAccess = control.Access(supervisor, "system:serviceaccount:kube-system:coredns", "coredns", "dns", "system:serviceaccounts");
        supervisor.Run("dns", async ct =>
        {
            var listen = new IPEndPoint(settings.BridgeAddress, 53);
            using var dns = new DnsServer(dnsAccess, new()
            {
                Domain = settings.ClusterDomain, Listen = [listen], Upstreams = DnsOptions.ReadResolvConf(await File.ReadAllTextAsync("/etc/resolv.conf", ct), [listen]),
            });
            await dns.RunAsync(ct);
        });
        supervisor.Run("dns-service", ct => new DnsService(control.As("system:hanbae:dns-service", "hanbae"), settings, time).RunAsync(ct));
    }

    /// <summary>Which runtime it is was decided when the cluster was made.</summary>
    KubeletOptions Over(RuntimeReady runtime)
    {
        var options = Options();
        if (options.RuntimeEndpoint.Length > 0 && options.RuntimeEndpoint != runtime.Endpoint) loggers.CreateLogger("hanbae.kubelet").Unused(settings.KubeletConfig!, "containerRuntimeEndpoint");
        return options with { RuntimeEndpoint = runtime.Endpoint };
    }

    const long PidsPerPod = 16_384;
    const int HealthzPort = 10248;

    KubeletOptions Options()
    {
        var own = Options(settings.NodeName, paths, settings.KubeletPort);
        var said = Configured(own);
        // The port is `up`'s to choose, and its certificates are the cluster's.
        string[] vain = [.. said.Port != own.Port ? ["port"] : Array.Empty<string>(), .. said.TlsCertificateFile.Length > 0 ? ["tlsCertFile"] : Array.Empty<string>()];
        if (vain.Length > 0) loggers.CreateLogger("hanbae.kubelet").Unused(settings.KubeletConfig!, string.Join(", ", vain));
        return said with { Port = own.Port };
    }

    KubeletOptions Configured(KubeletOptions own) => Configured(own with
    {
        PodCidr = settings.NodePodCidr,
        ClusterDns = [settings.DnsClusterIp.ToString()], ClusterDomain = settings.ClusterDomain,
        CurrentServingCertificate = () => pki.Now.Kubelet, CurrentClientCAs = () => pki.Now.Authority.Trusted,
        CredentialProviderConfig = settings.CredentialConfig ?? "", CredentialProviderFolder = settings.CredentialPrograms ?? "",
    }, settings.KubeletConfig, loggers.CreateLogger("hanbae.kubelet"));

    /// <summary>With what a KubeletConfiguration says; of what it says in vain the log tells.</summary>
    internal static KubeletOptions Configured(KubeletOptions options, string? file, ILogger log, string? folder = null, JsonObject? flags = null)
    {
        var (configured, unused) = ClusterSettings.Configured(options, file, folder, flags);
        if (!unused.IsEmpty) log.Unused(file ?? folder ?? "the command line", string.Join(", ", unused));
        return configured;
    }

    /// <summary>What a runtime of our own is to be told, so that both have the same driver.</summary>
    internal static bool SystemdCgroups(NodePaths paths, string? file, string? folder = null, JsonObject? flags = null) =>
        ClusterSettings.Configured(Options("", paths, 0), file, folder, flags).Options.SystemdCgroups;

    /// <summary>What every kubelet of this program has, whoever its API server is.</summary>
    internal static KubeletOptions Options(string node, NodePaths paths, int port)
    {
        // Another kubelet may live here: the Node says which port is this one's, so any will do.
        int own = port == 0 || Ports.IsFree(port) ? port : 0;
        return new()
        {
            NodeName = node, Hostname = node,
            Folders = new(paths.Kubelet, PodLogs.Folder) { Links = PodLogs.Links },
            CgroupRoot = paths.CgroupRoot + "/kubepods",
            StaticPodPath = Path.Combine(paths.Data, "manifests"),
            // Where another kubelet lives, the port by which people know the kubelet's health is that one's.
            Port = own, HealthzPort = own == 0 ? 0 : HealthzPort,
            // As the CIS benchmark asks (4.2.13, 4.2.14): no Pod takes all process ids, and who says nothing of seccomp gets the runtime's profile.
            PodPidsLimit = PidsPerPod, SeccompDefault = true,
        };
    }
}

static partial class NodeLog
{
    [LoggerMessage(1010, LogLevel.Error, "proxy: {Message}")]
    public static partial void Complains(this ILogger logger, string message);

    [LoggerMessage(1013, LogLevel.Information, "{Message}")]
    public static partial void Taken(this ILogger logger, string message);

    [LoggerMessage(1031, LogLevel.Warning, "{File} says what this kubelet decides by itself: {Fields}")]
    public static partial void Unused(this ILogger logger, string file, string fields);
}
