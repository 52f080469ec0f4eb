using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Hanbae.Machinery.Nodes;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Nodes;

using Node = Hanbae.Api.Core.V1.Node;

/// <summary>Tells the cluster of the node: registers it, keeps its status, renews its lease.</summary>
sealed class NodeRegistration(KubeletOptions options, IClient client, IRecorder events, TimeProvider time, Func<CancellationToken, Task<NodeState>> look, ILogger log)
{
    readonly Key _key = new("", options.NodeName);
    Node? _node;
    readonly DateTimeOffset _began = time.GetUtcNow();
    DateTimeOffset _told;
    DateTimeOffset? _asked, _made; // and not ready since
    Lease? _lease;

    /// <summary>Has the status told now rather than when its time has come.</summary>
    public WakeUp Wake { get; } = new();

    /// <summary>What is said of the node when it starts, beside that it does.</summary>
    public (string Reason, string Message)? Warning { get; init; }

    /// <summary>Told how long it took; null for nobody.</summary>
    public KubeletFigures? Figures { get; init; }

    /// <summary>As the API last had it.</summary>
    public Node? Node => Volatile.Read(ref _node);

    public Task RunAsync(CancellationToken ct) => Together.RunAsync([StatusLoopAsync, LeaseLoopAsync], ct);

    async Task StatusLoopAsync(CancellationToken ct)
    {
        double wait = 0.2;
        while (true)
        {
            try
            {
                await (_node is null ? RegisterAsync(ct) : UpdateAsync(ct)).ConfigureAwait(false);
                wait = options.StatusUpdatePeriod.TotalSeconds;
                // Not ready yet, but about to be: look again soon rather than have the cluster wait.
                if (_node!.Status.Conditions.Find(c => c.Type == "Ready")?.Status != "True") wait = Math.Min(wait, 0.5);
            }
            catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
            {
                wait = Math.Min(wait * 2, 7);
                log.NodeNotTold(options.NodeName, e.Message);
            }
            await Wake.WaitAsync(TimeSpan.FromSeconds(wait), time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Creates the Node, or takes over the one of our name.</summary>
    public async Task RegisterAsync(CancellationToken ct)
    {
        var state = await look(ct).ConfigureAwait(false);
        var labels = NodeStatuses.Labels(options, state.Machine);
        Node node;
        try
        {
            if (!options.RegisterNode) node = await client.GetAsync<Node>(_key, ct).ConfigureAwait(false);
            else
            {
                var wanted = new Node
                {
                    Metadata = new() { Name = options.NodeName, Labels = labels, Annotations = Annotations() },
                    Spec = new() { ProviderID = options.ProviderId, Unschedulable = options.Unschedulable, Taints = Taints() },
                    Status = NodeStatuses.For(options, state, new()),
                };
                var asked = _asked ??= time.GetUtcNow();
                node = await client.CreateAsync(wanted, ct).ConfigureAwait(false);
                Made(asked);
            }
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            node = await client.GetAsync<Node>(_key, ct).ConfigureAwait(false);
            // As upstream: what the machine is, is put right; other labels may be somebody's who has changed them since.
            if (node.Metadata.Labels.With(labels.Where(l => KubeletLabels.Names.Contains(l.Key)).ToMap()) is var all && all != node.Metadata.Labels)
                node = await client.UpdateAsync(node with { Metadata = node.Metadata with { Labels = all } }, ct).ConfigureAwait(false);
            // As upstream: plugins of a machine that was made anew must first say what it has.
            if (state.Anew) node = node with { Status = NodeStatuses.WithoutDevices(node.Status) };
        }
        Volatile.Write(ref _node, node);
        events.Event(node, "Normal", "Starting", "Starting kubelet.");
        if (Warning is var (reason, message)) events.Event(node, "Warning", reason, message);
        await TellAsync(node, state, ct).ConfigureAwait(false);
    }

    /// <summary>A machine's way to a node is told of when the Node is new.</summary>
    void Made(DateTimeOffset asked)
    {
        var now = time.GetUtcNow();
        _made = now;
        Figures?.Set("kubelet_node_startup_pre_kubelet_duration_seconds", (_began - NodeFigures.BootTime()).TotalSeconds);
        Figures?.Set("kubelet_node_startup_pre_registration_duration_seconds", (asked - _began).TotalSeconds);
        Figures?.Set("kubelet_node_startup_registration_duration_seconds", (now - asked).TotalSeconds);
    }

    void Ready()
    {
        if (_made is not { } made) return;
        var now = time.GetUtcNow();
        Figures?.Set("kubelet_node_startup_post_registration_duration_seconds", (now - made).TotalSeconds);
        Figures?.Set("kubelet_node_startup_duration_seconds", (now - NodeFigures.BootTime()).TotalSeconds);
        _made = null;
    }

    Map<string> Annotations()
    {
        var all = Map.Of(("volumes.kubernetes.io/controller-managed-attach-detach", "true"));
        return options.ExternalCloud && !options.NodeIPs.IsEmpty ? all.Set("alpha.kubernetes.io/provided-node-ip", string.Join(',', options.NodeIPs)) : all;
    }

    Seq<Api.Core.V1.Taint> Taints() => !options.ExternalCloud ? options.RegisterWithTaints
        : [.. options.RegisterWithTaints, new() { Key = "node.cloudprovider.kubernetes.io/uninitialized", Value = "true", Effect = "NoSchedule" }];

    public async Task UpdateAsync(CancellationToken ct)
    {
        var node = await client.GetAsync<Node>(_key, ct).ConfigureAwait(false);
        await TellAsync(node, await look(ct).ConfigureAwait(false), ct).ConfigureAwait(false);
    }

    async Task TellAsync(Node node, NodeState state, CancellationToken ct)
    {
        var status = NodeStatuses.For(options, state, node.Status);
        if (!NodeStatuses.Differs(node.Status, status) && state.Now - _told < options.StatusReportPeriod)
        {
            Volatile.Write(ref _node, node);
            if (status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" })) Ready();
            return;
        }
        foreach (var condition in status.Conditions)
            if (node.Status.Conditions.Find(c => c.Type == condition.Type)?.Status != condition.Status) Announce(node, condition);
        Volatile.Write(ref _node, await client.UpdateStatusAsync(node with { Status = status }, ct).ConfigureAwait(false));
        _told = state.Now;
        if (status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" })) Ready();
    }

    void Announce(Node node, Api.Core.V1.NodeCondition condition)
    {
        bool good = condition.Type == "Ready" == (condition.Status == "True");
        string reason = condition.Type == "Ready" ? good ? "NodeReady" : "NodeNotReady" : "Node" + condition.Reason["Kubelet".Length..];
        events.Event(node, "Normal", reason, $"Node {options.NodeName} status is now: {reason}");
    }

    async Task LeaseLoopAsync(CancellationToken ct)
    {
        while (true)
        {
            var wait = options.LeaseDuration / 4;
            try { await RenewAsync(ct).ConfigureAwait(false); }
            catch (Exception e) when (e is ApiException or HttpRequestException or IOException)
            {
                _lease = null; // read it again
                log.NodeNotTold(options.NodeName, e.Message);
                wait = TimeSpan.FromSeconds(1);
            }
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
        }
    }

    public async Task RenewAsync(CancellationToken ct)
    {
        var key = new Key("kube-node-lease", options.NodeName);
        var now = time.GetUtcNow();
        _lease ??= await client.FindAsync<Lease>(key, ct).ConfigureAwait(false);
        var spec = (_lease?.Spec ?? new()) with { HolderIdentity = options.NodeName, LeaseDurationSeconds = (int)options.LeaseDuration.TotalSeconds, RenewTime = now };
        // The Node owns its lease, so that both go together.
        Seq<Api.Meta.V1.OwnerReference> owners = _node is { } n ? [new() { ApiVersion = "v1", Kind = "Node", Name = n.Metadata.Name, Uid = n.Metadata.Uid }] : [];
        _lease = _lease is null
            ? await client.CreateAsync(new Lease { Metadata = new() { Name = key.Name, Namespace = key.Namespace, OwnerReferences = owners }, Spec = spec }, ct).ConfigureAwait(false)
            : await client.UpdateAsync(_lease with { Spec = spec, Metadata = _lease.Metadata.OwnerReferences.IsEmpty ? _lease.Metadata with { OwnerReferences = owners } : _lease.Metadata }, ct).ConfigureAwait(false);
    }
}
