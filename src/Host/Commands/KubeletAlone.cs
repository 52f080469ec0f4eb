using System.CommandLine;
using System.Net;
using Hanbae.Host.Roles;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary><c>kubelet</c>: a kubelet alone, of a cluster elsewhere; its options are upstream's.</summary>
static class KubeletAlone
{
    public static Command Command()
    {
        var dataDir = Shared.DataDir();
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "How the API server is reached; made by the bootstrap kubeconfig when it is not there (kubelet.kubeconfig in the data folder)." };
        var bootstrap = new Option<string?>("--bootstrap-kubeconfig") { Description = "A kubeconfig that may ask for the first certificate, such as one with a bootstrap token." };
        var node = new Option<string?>("--hostname-override") { Description = "Name of the node (the host's name)." };
        var runtime = new Option<string?>("--container-runtime-endpoint") { Description = "CRI socket of a runtime that is there already; without it one is started." };
        var pods = new Option<string?>("--pod-cidr") { Description = "Addresses of this node's Pods (a free 10.244.0.0/24 or the like)." };
        var port = new Option<int>("--port") { Description = "Port of the kubelet; 0 for a free one, as when 10250 is taken.", DefaultValueFactory = _ => 10250 };
        var dns = new Option<string>("--cluster-dns") { Description = "The address of the cluster's DNS.", DefaultValueFactory = _ => "" };
        var domain = new Option<string>("--cluster-domain") { Description = "Domain of the cluster's names.", DefaultValueFactory = _ => "cluster.local" };
        var rotate = new Option<bool>("--rotate-server-certificates")
        {
            Description = "Have the certificate by which the kubelet serves signed by the cluster, rather than by nobody; somebody has to approve it.",
            DefaultValueFactory = _ => true,
        };
        var config = new Option<string?>("--config") { Description = "A KubeletConfiguration file: eviction, reservations, CPU and memory policies, shutdown." };
        var folder = new Option<string?>("--config-dir") { Description = "A folder whose files *.conf change what --config says, one after another by their names." };
        var log = new Option<string>("--log-level") { Description = "trace, debug, information, warning or error.", DefaultValueFactory = _ => "warning" };
        var command = new Command("kubelet", "Run a kubelet alone, in the foreground, for a cluster elsewhere: Hanbae's or another Kubernetes.")
        {
            kubeconfig, bootstrap, node, runtime, pods, port, dns, domain, rotate, config, folder, log, dataDir,
        };
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            var paths = NodePaths.Of(parsed.GetValue(dataDir)!);
            if (ClusterSettings.Load(paths.Data) is not null) throw new SettingsException($"{paths.Data} is a whole cluster's, which has a kubelet: choose another folder with --data-dir");
            if (parsed.GetValue(pods) is { } given && !IPNetwork.TryParse(given, out _)) throw new SettingsException($"--pod-cidr {given} is no network; write it like 10.244.0.0/24");
            if (parsed.GetResult(port) is { Implicit: false } && Ports.Trouble(new(IPAddress.Any, parsed.GetValue(port))) is { } taken)
                throw new SettingsException($"--port {parsed.GetValue(port)} cannot be had: {taken}; choose another, or --port 0 for any that is free");
            _ = ClusterSettings.Configured(NodeAgent.Options("", paths, 0), parsed.GetValue(config), parsed.GetValue(folder)); // said now rather than again and again
            using var loggers = Flags.Loggers(parsed.GetValue(log)!);
            var settings = new StandaloneSettings(
                parsed.GetValue(node) ?? System.Net.Dns.GetHostName().ToLowerInvariant(), Path.GetFullPath(parsed.GetValue(kubeconfig) ?? Path.Combine(paths.Data, "kubelet.kubeconfig")),
                parsed.GetValue(bootstrap) is { } file ? Path.GetFullPath(file) : null, parsed.GetValue(runtime),
                parsed.GetValue(pods) ?? AddressPlan.Choose(AddressPlan.Taken(OtherClusters.DataFolders(paths))).Pods.Replace("/16", "/24"), parsed.GetValue(port),
                parsed.GetValue(dns)!, parsed.GetValue(domain)!, parsed.GetValue(rotate),
                parsed.GetValue(config) is { } own ? Path.GetFullPath(own) : null, parsed.GetValue(folder) is { } more ? Path.GetFullPath(more) : null);
            await new StandaloneKubelet(settings, paths, TimeProvider.System, loggers).RunAsync(ct);
            return Shared.Ok;
        }));
        return command;
    }
}
