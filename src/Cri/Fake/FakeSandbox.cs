using Hanbae.Cri.V1;

namespace Hanbae.Cri.Fake;

/// <summary>A pod sandbox's state, changed only under its runtime's lock.</summary>
internal sealed class FakeSandbox(string id, PodSandboxConfig config, string handler, long createdAt)
{
    public string Id => id;

    public PodSandboxConfig Config => config;

    public List<FakeContainer> Containers { get; } = [];

    /// <summary>With the pool each goes back to.</summary>
    public List<(string Ip, AddressPool Pool)> Addresses { get; } = [];

    public bool Ready { get; set; } = true;

    public long CreatedAt => createdAt;

    // More than any kernel's pid_max.
    static int s_processes = 1 << 23;

    /// <summary>What it says its process is: none that there is.</summary>
    public int Process { get; } = Interlocked.Increment(ref s_processes);

    public PodSandboxState State => Ready ? PodSandboxState.SandboxReady : PodSandboxState.SandboxNotready;

    public NamespaceOption? Namespaces => config.Linux?.SecurityContext?.NamespaceOptions;

    /// <summary>How containerd names it; unique among live sandboxes.</summary>
    public string Name => $"{Base}_{config.Metadata.Attempt}";

    /// <summary>What its containers' names end with.</summary>
    public string Base => $"{config.Metadata.Name}_{config.Metadata.Namespace}_{config.Metadata.Uid}";

    public PodSandbox ToItem() => new()
    {
        Id = id, Metadata = config.Metadata.Clone(), State = State, CreatedAt = createdAt, RuntimeHandler = handler,
        Labels = { config.Labels }, Annotations = { config.Annotations },
    };

    public PodSandboxStatus ToStatus()
    {
        var status = new PodSandboxStatus
        {
            Id = id, Metadata = config.Metadata.Clone(), State = State, CreatedAt = createdAt, RuntimeHandler = handler,
            Network = new(), Linux = new() { Namespaces = new() { Options = Namespaces?.Clone() } },
            Labels = { config.Labels }, Annotations = { config.Annotations },
        };
        if (Addresses.Count > 0) status.Network.Ip = Addresses[0].Ip;
        foreach (var (ip, _) in Addresses.Skip(1)) status.Network.AdditionalIps.Add(new PodIP { Ip = ip });
        return status;
    }

    public PodSandboxAttributes ToAttributes() =>
        new() { Id = id, Metadata = config.Metadata.Clone(), Labels = { config.Labels }, Annotations = { config.Annotations } };
}
