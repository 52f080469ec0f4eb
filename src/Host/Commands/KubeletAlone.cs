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
        var kubeconfig = new Option<string?>("--kubeconfig")
        {
            Description = "How the API server is reached; made by the bootstrap kubeconfig when it is not there (kubelet.kubeconfig in the data folder). "
                + "Without any, only Pods in files run, for no cluster.",
        };
        var bootstrap = new Option<string?>("--bootstrap-kubeconfig") { Description = "A kubeconfig that may ask for the first certificate, such as one with a bootstrap token." };
        var node = new Option<string?>("--hostname-override") { Description = "Name of the node (the host's name)." };
        var runtime = new Option<string?>("--container-runtime-endpoint") { Description = "CRI socket of a runtime that is there already; without it one is started." };
        var pods = new Option<string?>("--pod-cidr") { Description = "Addresses of this node's Pods (a free 10.244.0.0/24 or the like)." };
        var port = new Option<int>("--port") { Description = "Port of the kubelet; 0 for a free one, as when 10250 is taken.", DefaultValueFactory = _ => 10250 };
        var labels = new Option<string[]>("--node-labels") { Description = "Labels of the Node when it is made, such as team=blue,node.kubernetes.io/pool=a; of Kubernetes' own only those that are a kubelet's to set." };
        var addresses = new Option<string>("--node-ip") { Description = "The node's address, or one of each family; :: for the IPv6 one that is found (otherwise the IPv4 one is).", DefaultValueFactory = _ => "" };
        var cloud = new Option<string>("--cloud-provider") { Description = "external: another program knows the node's addresses, and takes a taint away that keeps Pods off until then.", DefaultValueFactory = _ => "" };
        var schedulable = new Option<bool>("--register-schedulable") { Hidden = true, DefaultValueFactory = _ => true };
        var certificates = new Option<string?>("--cert-dir") { Description = "Where the kubelet's certificates are kept (pki in the data folder)." };
        var more = new KubeletFlags();
        var rotate = new Option<bool>("--rotate-server-certificates")
        {
            Description = "Have the certificate by which the kubelet serves signed by the cluster, rather than by nobody; somebody has to approve it.",
            DefaultValueFactory = _ => true,
        };
        var config = new Option<string?>("--config") { Description = "A KubeletConfiguration file: eviction, reservations, CPU and memory policies, shutdown." };
        var folder = new Option<string?>("--config-dir") { Description = "A folder whose files *.conf change what --config says, one after another by their names." };
        var root = new Option<string?>("--root-dir")
        {
            Description = "Where the kubelet keeps volumes and drivers' sockets (/var/lib/kubelet where nobody has it, for the machine's own node; "
                + "otherwise kubelet in the data folder).",
        };
        var credentials = new Option<string?>("--image-credential-provider-config") { Description = "A CredentialProviderConfig file, or a folder of such: programs that know logins of image registries." };
        var programs = new Option<string?>("--image-credential-provider-bin-dir") { Description = "Where those programs are." };
        var lockFile = new Option<string?>("--lock-file") { Description = "A file that one kubelet holds at a time: this one waits until it is free." };
        var yields = new Option<bool>("--exit-on-lock-contention") { Description = "End when somebody else opens that file." };
        var log = new Option<string?>("--log-level") { Description = "trace, debug, information, warning (the default) or error." };
        var verbosity = new Option<int>("--v", "-v") { Description = "The same as upstream counts it: 2 is information, 4 is debug, 8 is trace." };
        var command = new Command("kubelet", "Run a kubelet alone, in the foreground, for a cluster elsewhere: Hanbae's or another Kubernetes.")
        {
            kubeconfig, bootstrap, node, labels, addresses, cloud, schedulable, runtime, pods, port, rotate, certificates, config, folder, root, credentials, programs, lockFile, yields,
        };
        more.AddTo(command);
        foreach (var option in (Option[])[log, verbosity, dataDir]) command.Options.Add(option);
        command.SetAction((parsed, ct) => Shared.RunAsync(async () =>
        {
            var paths = NodePaths.Of(parsed.GetValue(dataDir)!);
            if (ClusterSettings.Load(paths.Data) is not null) throw new SettingsException($"{paths.Data} is a whole cluster's, which has a kubelet: choose another folder with --data-dir");
            if (parsed.GetValue(pods) is { } given && !IPNetwork.TryParse(given, out _)) throw new SettingsException($"--pod-cidr {given} is no network; write it like 10.244.0.0/24");
            if (parsed.GetResult(port) is { Implicit: false } && Ports.Trouble(new(IPAddress.Any, parsed.GetValue(port))) is { } taken)
                throw new SettingsException($"--port {parsed.GetValue(port)} cannot be had: {taken}; choose another, or --port 0 for any that is free");
            Check(parsed.GetValue(yields), parsed.GetValue(lockFile), parsed.GetValue(credentials), parsed.GetValue(programs));
            CredentialFiles.Check(parsed.GetValue(credentials), parsed.GetValue(programs));
            if (parsed.GetValue(cloud) is not ("" or "external") and var other) throw new SettingsException($"--cloud-provider {other}: only external is there, or none");
            // What is wrong is said now rather than again and again.
            var (named, ips) = (NodeFlags.Labels(parsed.GetValue(labels) ?? []), NodeFlags.Addresses(parsed.GetValue(addresses)!));
            var fields = more.Read(parsed);
            if (parsed.GetValue(pods) is { } range) fields = fields.With("podCIDR", range);
            if (parsed.GetResult(port) is { Implicit: false }) fields = fields.With("port", parsed.GetValue(port));
            var configured = ClusterSettings.Configured(NodeAgent.Options("", paths, 0), parsed.GetValue(config), parsed.GetValue(folder), fields).Options;
            _ = StandaloneKubelet.Files(configured);
            if ((parsed.GetValue(root) ?? KubeletFolder.Usual(paths)) is { } placed)
            {
                DataFolder.Claim(paths);
                KubeletFolder.Place(paths, placed);
            }
            using var loggers = Flags.Loggers(parsed.GetValue(log) ?? LevelOf(parsed.GetValue(verbosity)));
            var settings = new StandaloneSettings(
                (parsed.GetValue(node) ?? System.Net.Dns.GetHostName()).Trim().ToLowerInvariant(), KubeconfigOf(parsed.GetValue(kubeconfig), parsed.GetValue(bootstrap), Path.Combine(paths.Data, "kubelet.kubeconfig")),
                Full(parsed.GetValue(bootstrap)), RuntimeOf(parsed.GetValue(runtime), configured.RuntimeEndpoint, paths),
                configured.PodCidr is { Length: > 0 } cidr && IPNetwork.TryParse(cidr, out _) ? cidr
                    : AddressPlan.Choose(AddressPlan.Taken(OtherClusters.DataFolders(paths))).Pods.Replace("/16", "/24"), parsed.GetValue(port),
                parsed.GetValue(rotate), Full(parsed.GetValue(config)), Full(parsed.GetValue(folder)))
            {
                Flags = fields, NodeLabels = named, NodeIPs = ips, ExternalCloud = parsed.GetValue(cloud) == "external", Unschedulable = !parsed.GetValue(schedulable),
                CertificateFolder = Full(parsed.GetValue(certificates)),
                Credentials = parsed.GetValue(credentials) is { } providers ? (Path.GetFullPath(providers), Path.GetFullPath(parsed.GetValue(programs)!)) : null,
                LockFile = Full(parsed.GetValue(lockFile)), YieldsLock = parsed.GetValue(yields),
            };
            await new StandaloneKubelet(settings, paths, TimeProvider.System, loggers).RunAsync(ct);
            return Shared.Ok;
        }));
        return command;
    }

    /// <exception cref="SettingsException">One flag misses another.</exception>
    internal static void Check(bool yields, string? lockFile, string? credentials, string? programs)
    {
        if (yields && lockFile is null) throw new SettingsException("cannot exit on lock file contention: no lock file specified");
        CredentialFiles.Together(credentials, programs);
    }

    /// <summary>Upstream counts what is said from 0 on: from 2 on how it goes, from 4 on what it does, from 8 on every call.</summary>
    internal static string LevelOf(int verbosity) => verbosity switch { < 2 => "warning", < 4 => "information", < 8 => "debug", _ => "trace" };

    static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);

    /// <param name="configured">The configuration's, which may be what this kubelet told of itself.</param>
    /// <returns>Null for a runtime of our own.</returns>
    internal static string? RuntimeOf(string? given, string configured, NodePaths paths) => given ?? (configured.Length == 0 || configured == paths.Endpoint ? null : configured);

    /// <returns>Null where nothing leads to a cluster.</returns>
    internal static string? KubeconfigOf(string? given, string? bootstrap, string usual) => given is not null ? Path.GetFullPath(given) : bootstrap is not null || File.Exists(usual) ? Path.GetFullPath(usual) : null;
}
