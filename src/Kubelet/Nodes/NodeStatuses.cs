using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Kubelet.Nodes;

/// <summary>How the node is at one moment.</summary>
public sealed record NodeState
{
    public required MachineInfo Machine { get; init; }
    public required DateTimeOffset Now { get; init; }
    /// <summary>Why Pods cannot run here now; empty when they can.</summary>
    public Seq<string> Troubles { get; init; }
    /// <summary>As conditions are called: what the node is short of.</summary>
    public IReadOnlyList<string> Pressures { get; init; } = [];
    public string Runtime { get; init; } = "";
    public int Port { get; init; }
    public Seq<string> IPs { get; init; }
    public Seq<ContainerImage> Images { get; init; }
    public Seq<NodeRuntimeHandler> Handlers { get; init; }
    public NodeFeatures? Features { get; init; }
    public Seq<string> VolumesInUse { get; init; }
    /// <summary>This machine knows nothing of before: what its Node says of devices is of another time.</summary>
    public bool Anew { get; init; }
    /// <summary>What device plugins offer.</summary>
    public (Map<Quantity> Capacity, Map<Quantity> Allocatable) Devices { get; init; }
}

/// <summary>Computes a Node's status, labels and the rest of what the kubelet says of itself.</summary>
static class NodeStatuses
{
    public const string Version = "v1.36.3";

    public static NodeStatus For(KubeletOptions options, NodeState state, NodeStatus before)
    {
        var own = Capacity(options, state.Machine);
        var capacity = own.With(Others(before.Capacity, own)).With(state.Devices.Capacity);
        return before with
        {
            Capacity = capacity,
            // As upstream: what others say that there is, Pods may have.
            Allocatable = Allocatable(options, capacity).With(state.Devices.Allocatable),
            Addresses = Addresses(options, state, before),
            DaemonEndpoints = new() { KubeletEndpoint = new() { Port = state.Port } },
            NodeInfo = new()
            {
                MachineID = state.Machine.MachineId, SystemUUID = state.Machine.SystemUuid, BootID = state.Machine.BootId, KernelVersion = state.Machine.Kernel,
                OsImage = state.Machine.OsImage, ContainerRuntimeVersion = state.Runtime, KubeletVersion = Version, OperatingSystem = "linux", Architecture = state.Machine.Architecture,
            },
            Images = state.Images,
            RuntimeHandlers = state.Handlers,
            Features = state.Features,
            DeclaredFeatures = DeclaredFeatures.All,
            VolumesInUse = state.VolumesInUse,
            Conditions = Conditions(options, state, before),
        };
    }

    /// <summary>Whoever brings the cloud's addresses has the last word on them; until then those stand that were given by hand.</summary>
    static Seq<NodeAddress> Addresses(KubeletOptions options, NodeState state, NodeStatus before)
    {
        if (options.ExternalCloud && (!before.Addresses.IsEmpty || options.NodeIPs.IsEmpty)) return before.Addresses;
        return state.IPs.Select(ip => new NodeAddress { Type = "InternalIP", Address = ip }).Append(new() { Type = "Hostname", Address = Hostname(options, state.Machine) }).ToSeq();
    }

    public static Map<string> Labels(KubeletOptions options, MachineInfo machine) =>
        Map.Of(
            ("kubernetes.io/hostname", Hostname(options, machine)), ("kubernetes.io/os", "linux"), ("kubernetes.io/arch", machine.Architecture),
            ("beta.kubernetes.io/os", "linux"), ("beta.kubernetes.io/arch", machine.Architecture)).With(options.NodeLabels);

    static string Hostname(KubeletOptions options, MachineInfo machine) => options.Hostname.Length > 0 ? options.Hostname : machine.Hostname.Length > 0 ? machine.Hostname : options.NodeName;

    static Map<Quantity> Capacity(KubeletOptions options, MachineInfo machine)
    {
        var capacity = Map.Of(
            ("cpu", new Quantity(machine.Cpus)), ("memory", new Quantity(machine.MemoryBytes, QuantityFormat.BinarySI)),
            ("ephemeral-storage", new Quantity(machine.DiskBytes, QuantityFormat.BinarySI)), ("pods", new Quantity(options.MaxPods)));
        foreach (var (size, bytes) in machine.HugePages) capacity = capacity.Set("hugepages-" + new Quantity(size, QuantityFormat.BinarySI), new Quantity(bytes, QuantityFormat.BinarySI));
        return capacity;
    }

    static Map<Quantity> Allocatable(KubeletOptions options, Map<Quantity> capacity)
    {
        var allocatable = capacity;
        foreach (var (name, all) in capacity)
        {
            var reserved = options.SystemReserved[name].Add(options.KubeReserved[name]);
            if (name == "memory")
            {
                reserved = reserved.Add(Held(options, "memory.available", all));
                foreach (var (other, pages) in capacity) if (other.StartsWith("hugepages-", StringComparison.Ordinal)) reserved = reserved.Add(pages);
            }
            if (name == "ephemeral-storage") reserved = reserved.Add(Held(options, "nodefs.available", all));
            if (reserved.IsZero) continue;
            var left = all.Add(reserved.Negate());
            // Ephemeral storage is told in plain bytes, as upstream does.
            allocatable = allocatable.Set(name, left.Sign < 0 ? default : name == "ephemeral-storage" ? new Quantity(left.Value()) : left);
        }
        return allocatable;
    }

    /// <summary>What hard thresholds keep from Pods.</summary>
    static Quantity Held(KubeletOptions options, string signal, Quantity all) =>
        options.Eviction.Find(t => t.Signal == signal && t.Grace is null) is { } t ? new(t.Of(all.Value()), QuantityFormat.BinarySI) : default;

    /// <summary>Extended resources that others put there stay.</summary>
    static Map<Quantity> Others(Map<Quantity> before, Map<Quantity> own) => before.Where(p => !own.ContainsKey(p.Key) && p.Key.Contains('/')).ToMap();

    /// <summary>With none of what extended resources it tells of.</summary>
    public static NodeStatus WithoutDevices(NodeStatus status)
    {
        static Map<Quantity> None(Map<Quantity> amounts) => amounts.Select(p => Devices.ResourceNames.IsExtended(p.Key) ? KeyValuePair.Create(p.Key, new Quantity(0)) : p).ToMap();
        return status with { Capacity = None(status.Capacity), Allocatable = None(status.Allocatable) };
    }

    static Seq<NodeCondition> Conditions(KubeletOptions options, NodeState state, NodeStatus before)
    {
        bool memory = state.Pressures.Contains("MemoryPressure"), disk = state.Pressures.Contains("DiskPressure"), pids = state.Pressures.Contains("PIDPressure");
        NodeCondition[] made =
        [
            Pressure("MemoryPressure", memory, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            Pressure("DiskPressure", disk, "KubeletHasDiskPressure", "kubelet has disk pressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            Pressure("PIDPressure", pids, "KubeletHasInsufficientPID", "kubelet has insufficient PID available", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            state.Troubles.IsEmpty
                ? new() { Type = "Ready", Status = "True", Reason = "KubeletReady", Message = "kubelet is posting ready status" }
                : new() { Type = "Ready", Status = "False", Reason = "KubeletNotReady", Message = state.Troubles.Count == 1 ? state.Troubles[0] : $"[{string.Join(", ", state.Troubles)}]" },
        ];
        return before.Conditions.Where(c => !made.Any(m => m.Type == c.Type)).Concat(made.Select(c => c with
        {
            LastHeartbeatTime = state.Now,
            LastTransitionTime = before.Conditions.Find(b => b.Type == c.Type) is { } b && b.Status == c.Status ? b.LastTransitionTime : state.Now,
        })).ToSeq();

        static NodeCondition Pressure(string type, bool on, string badReason, string bad, string goodReason, string good) =>
            new() { Type = type, Status = on ? "True" : "False", Reason = on ? badReason : goodReason, Message = on ? bad : good };
    }

    /// <summary>Whether anything but heartbeats differs.</summary>
    public static bool Differs(NodeStatus a, NodeStatus b) => !Still(a).Equals(Still(b));

    static NodeStatus Still(NodeStatus s) => s with { Conditions = s.Conditions.Select(c => c with { LastHeartbeatTime = null }).ToSeq() };
}
