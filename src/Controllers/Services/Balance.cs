using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Services;

/// <summary>Gives Services of type LoadBalancer the nodes' addresses: where no cloud has balancers, the nodes are one.</summary>
/// <remarks>The proxy takes what comes to these addresses on the Service's own ports. A Service with a loadBalancerClass is another's.</remarks>
sealed class Balance(IClusterAccess cluster) : IReconciler
{
    const string ServiceName = "kubernetes.io/service-name", ByService = "balanced service", ByNode = "balanced node", Balanced = "balanced by all";

    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();
    /// <summary>The nodes' part of every answer, as of so many changes of nodes: one may come while it is worked out.</summary>
    volatile Tuple<int, BalancingNodes>? _balancing;
    int _nodeChanges;
    /// <summary>Of Services with more nodes than are shown: what a node has to come up to. Bound: one for each balanced Service.</summary>
    readonly ConcurrentDictionary<Key, ulong> _least = [];

    public void Watch(Triggers on)
    {
        _services.AddIndex(Balanced, s => BalancePlan.Wants(s) && !BalancePlan.IsLocal(s) ? [Balanced] : []);
        _slices.AddIndex(ByService, s => s.Metadata.Labels[ServiceName] is { } service ? [s.Metadata.Namespace + "/" + service] : []);
        _slices.AddIndex(ByNode, s => s.Metadata.Labels[ServiceName] is null ? [] : s.Endpoints.Select(e => e.NodeName).OfType<string>().Distinct());
        on.Each(_services).Needs(_nodes).Needs(_slices).From(add => _nodes.Subscribe(e => OnNode(e, add)))
            .Map(_slices, s => _services.Find(new(s.Metadata.Namespace, s.Metadata.Labels[ServiceName] ?? "")) is { Spec.ExternalTrafficPolicy: "Local" } service ? [Key.Of(service)] : []);
    }

    /// <summary>Concerns the Services that the node answers for, or might; of those whose traffic stays where it comes to the ones that have Pods there.</summary>
    void OnNode(CacheEvent<Node> e, Action<Key> add)
    {
        if (!BalancePlan.Matters(e.Old, e.New)) return;
        Interlocked.Increment(ref _nodeChanges);
        bool all = ChangesPorts(e);
        foreach (var service in _services.ByIndex(Balanced, Balanced))
            if (all || BalancePlan.Rank(service, e.Object.Metadata.Name) >= _least.GetValueOrDefault(Key.Of(service))) add(Key.Of(service));
        foreach (var slice in _slices.ByIndex(ByNode, e.Object.Metadata.Name))
            if (_services.Find(new(slice.Metadata.Namespace, slice.Metadata.Labels[ServiceName]!)) is { } service && BalancePlan.Wants(service) && BalancePlan.IsLocal(service)) add(Key.Of(service));
    }

    /// <summary>A port by which nodes are reached themselves has come, or is no node's any more.</summary>
    bool ChangesPorts(CacheEvent<Node> e)
    {
        int? before = BalancingNodes.AgentPort(e.Old), now = BalancingNodes.AgentPort(e.New);
        bool IsOthers(int? port) => port is null || _nodes.All.Any(n => n.Metadata.Name != e.Object.Metadata.Name && BalancingNodes.AgentPort(n) == port);
        return before != now && !(IsOthers(before) && IsOthers(now));
    }

    BalancingNodes Nodes()
    {
        int changes = Volatile.Read(ref _nodeChanges);
        if (_balancing is { } known && known.Item1 == changes) return known.Item2;
        var nodes = BalancingNodes.Of(_nodes.All);
        _balancing = new(changes, nodes);
        return nodes;
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_services.Find(key) is not { } service) { _least.TryRemove(key, out _); return Again.OnChange; }
        bool wanted = BalancePlan.Wants(service), held = BalancePlan.IsHeld(service);
        // What a node that comes meanwhile has to come up to is not known yet: any may be the one.
        _least.TryRemove(key, out _);
        // What another balancer has set is the other's, as is all of a Service of another class.
        if (!wanted && (service.Spec.Type == "LoadBalancer" ? !held || service.Spec.LoadBalancerClass is not null : !held && service.Status.LoadBalancer.Ingress.IsEmpty)) return Again.OnChange;
        var backed = _slices.ByIndex(ByService, key.Namespace + "/" + key.Name)
            .SelectMany(s => s.Endpoints).Where(e => e.Conditions.Ready ?? true).Select(e => e.NodeName).OfType<string>().ToHashSet();
        var api = _services.Find(new("default", "kubernetes"))?.Spec.Ports.Find(p => p.Name == "https");
        int apiPort = api?.TargetPort is { IsString: false } target ? target.Int : 6443;
        var ingress = BalancePlan.For(service, Nodes(), backed, apiPort, out ulong least);
        if (least > 0 && !BalancePlan.IsLocal(service)) _least[key] = least;
        if (wanted == held && ingress == service.Status.LoadBalancer.Ingress) return Again.OnChange;
        if (wanted) cluster.Recorder.Event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
        else cluster.Recorder.Event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
        try { await cluster.Client.UpdateStatusAsync(BalancePlan.Hold(service, wanted) with { Status = service.Status with { LoadBalancer = service.Status.LoadBalancer with { Ingress = ingress } } }, ct); }
        catch (ApiException e) when (e.IsNotFound) { return Again.OnChange; }
        if (!wanted) cluster.Recorder.Event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
        if (ingress.Exists(i => i.IpMode == "Proxy")) cluster.Recorder.Event(service, "Warning", "PortReserved", "The nodes themselves are reached by a port of this Service: it answers at its node ports only");
        if (wanted && ingress.IsEmpty) cluster.Recorder.Event(service, "Warning", "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer");
        else if (wanted) cluster.Recorder.Event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
        return Again.OnChange;
    }
}
