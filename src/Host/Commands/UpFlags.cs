using System.CommandLine;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>What `up` can be asked for of a cluster.</summary>
sealed class UpFlags
{
    readonly Option<int?> _port = Number("--port", "Port of the API server (6443).");
    readonly Option<string?> _bind = Text("--bind", "Address that the API server listens on (0.0.0.0: all of this machine's).");
    readonly Option<int?> _kubeletPort = Number("--kubelet-port", "Port of the kubelet (10250, or a free one when that is taken; one that is asked for must be free).");
    readonly Option<string?> _node = Text("--node-name", "Name of this node (the host's name).");
    readonly Option<string?> _pods = Text("--pod-cidr", "Addresses of Pods (a free 10.244.0.0/16 or the like).");
    readonly Option<string?> _services = Text("--service-cidr", "Addresses of Services (a free 10.96.0.0/16 or the like).");
    readonly Option<string?> _domain = Text("--cluster-domain", "Domain of the cluster's names (cluster.local).");
    readonly Option<string?> _runtime = Text("--runtime-endpoint",
        "CRI socket of a runtime that is there already; Hanbae then starts none. Empty for Hanbae's own again.");
    readonly Option<bool> _control = new("--control-plane-only")
    {
        Description = "No node on this machine: API server, controllers and scheduler. Needs no root. --control-plane-only=false for a node again.",
    };
    readonly Option<int?> _simulated = Number("--simulated-nodes",
        "Add N nodes whose Pods run nowhere but pass through all states. Their label is hanbae.io/simulated: Pods go there as to any node.");
    readonly Option<bool> _legacy = new("--legacy-apis")
    {
        Description = "Take manifests of versions that Kubernetes has given up, such as extensions/v1beta1 (the default; --legacy-apis=false for none).",
    };
    readonly Option<string?> _scheduler = Text("--scheduler-config",
        "A KubeSchedulerConfiguration file: profiles, plugins and their arguments. Empty for the defaults again.");
    readonly Option<string?> _kubelet = Text("--kubelet-config",
        "A KubeletConfiguration file: eviction, reservations, CPU and memory policies, shutdown. Empty for the defaults again.");
    readonly Option<string?> _kubeletDir = Text("--kubelet-dir",
        "Where the kubelet keeps volumes and drivers' sockets (/var/lib/kubelet where nobody has it, for the machine's own node; otherwise kubelet in the data folder).");
    readonly Option<string?> _credentials = Text("--image-credential-provider-config",
        "A CredentialProviderConfig file, or a folder of such: programs that know logins of image registries. Empty for none again.");
    readonly Option<string?> _programs = Text("--image-credential-provider-bin-dir", "Where those programs are.");
    readonly Option<string?> _healthz = Text("--healthz-bind-address",
        "Where the node's proxy tells its health (0.0.0.0:10256, unless another cluster has it). Empty for nowhere.");
    readonly Option<string?> _metrics = Text("--metrics-bind-address",
        "Where the node's proxy tells its mode and figures (127.0.0.1:10249, unless another cluster has it). Empty for nowhere.");
    readonly (string Name, Option<string?> Option)[] _flags = [.. ServerFlags.All.Select(f => (f.Name, Text("--" + f.Name, f.Meaning)))];

    public void AddTo(Command command)
    {
        Option[] own =
        [
            _port, _bind, _kubeletPort, _node, _pods, _services, _domain, _runtime, _control, _simulated, _legacy, _scheduler, _kubelet, _kubeletDir, _credentials,
            _programs, _healthz, _metrics,
        ];
        foreach (var option in (Option[])[.. own, .. _flags.Select(f => f.Option)]) command.Options.Add(option);
    }

    public Asked Read(ParseResult parsed)
    {
        var flags = _flags.Where(f => parsed.GetValue(f.Option) is not null).ToDictionary(f => f.Name, f => ServerFlags.Kept(f.Name, parsed.GetValue(f.Option)!));
        return new()
        {
            Port = parsed.GetValue(_port), Bind = parsed.GetValue(_bind), KubeletPort = parsed.GetValue(_kubeletPort), NodeName = parsed.GetValue(_node),
            PodCidr = parsed.GetValue(_pods), ServiceCidr = parsed.GetValue(_services), Domain = parsed.GetValue(_domain), Runtime = parsed.GetValue(_runtime),
            ControlPlaneOnly = Given(parsed, _control), SimulatedNodes = parsed.GetValue(_simulated), LegacyApis = Given(parsed, _legacy),
            SchedulerConfig = parsed.GetValue(_scheduler), KubeletConfig = parsed.GetValue(_kubelet), KubeletDir = parsed.GetValue(_kubeletDir),
            CredentialConfig = parsed.GetValue(_credentials), CredentialPrograms = parsed.GetValue(_programs),
            ProxyHealthz = parsed.GetValue(_healthz), ProxyMetrics = parsed.GetValue(_metrics), Flags = flags.Count > 0 ? flags : null,
        };
    }

    static bool? Given(ParseResult parsed, Option<bool> option) => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : null;

    static Option<string?> Text(string name, string description) => new(name) { Description = description };

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
}
