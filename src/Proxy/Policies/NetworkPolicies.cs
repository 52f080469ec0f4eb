using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Client;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>Keeps apart on this node what NetworkPolicies say is to be apart: what its Pods may receive and send, as nftables rules.</summary>
public sealed class NetworkPolicies(IClusterAccess cluster, ProxyOptions options, Action<string>? complain = null)
{
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    readonly ICache<NetworkPolicy> _policies = cluster.Cache<NetworkPolicy>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Namespace> _namespaces = cluster.Cache<Namespace>();
    readonly Lock _lock = new();
    readonly SemaphoreSlim _wake = new(0, 1);
    Dirty _dirty = new();

    /// <summary>What has changed and is not worked out yet.</summary>
    sealed class Dirty
    {
        public HashSet<Key> Policies { get; } = [];
        public HashSet<Key> Pods { get; } = [];
        public HashSet<string> Namespaces { get; } = [];
    }

    /// <summary>Programs until cancelled. The rules stay when it ends: what is kept apart is never together in between.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await Task.WhenAll(_policies.WhenSyncedAsync(ct), _pods.WhenSyncedAsync(ct), _namespaces.WhenSyncedAsync(ct));
        using var policies = _policies.Subscribe(e => Mark(d => d.Policies.Add(Key.Of(e.Object))));
        using var namespaces = _namespaces.Subscribe(e => Mark(d => d.Namespaces.Add(e.Object.Metadata.Name)));
        using var pods = _pods.Subscribe(e => { if (Concerns(e)) Mark(d => d.Pods.Add(Key.Of(e.Object))); });
        var programs = new List<(PolicyTable Table, Loader Loader)> { Program(IpFamily.V4) };
        if (options.PodCidrV6 is not null) programs.Add(Program(IpFamily.V6));
        while (true)
        {
            Dirty dirty;
            lock (_lock) { dirty = _dirty; _dirty = new(); }
            bool failed = false;
            foreach (var (table, loader) in programs)
            {
                foreach (string name in dirty.Namespaces) table.SetNamespace(name, _namespaces.Find(new("", name))?.Metadata.Labels);
                foreach (var key in dirty.Pods) table.SetPod(key, _pods.Find(key));
                foreach (var key in dirty.Policies) table.SetPolicy(key, _policies.Find(key));
                failed |= !await loader.LoadAsync(table.Build(), ct);
            }
            await Task.Delay(failed ? Retry : options.MinInterval, cluster.Time, ct);
            if (!failed) await _wake.WaitAsync(ct);
        }
    }

    (PolicyTable, Loader) Program(IpFamily family) =>
        (new(family, options.NodeName), new($"{family.Table} {options.PolicyTable}", "NetworkPolicies", complain));

    /// <summary>Most changes of Pods are of no concern to any policy.</summary>
    bool Concerns(CacheEvent<Pod> change) => change is not { Old: { } old, New: { } now } || ReferenceEquals(old, now)
        || PolicyPod.Of(old, IpFamily.V4, options.NodeName) != PolicyPod.Of(now, IpFamily.V4, options.NodeName)
        || (options.PodCidrV6 is not null && PolicyPod.Of(old, IpFamily.V6, options.NodeName) != PolicyPod.Of(now, IpFamily.V6, options.NodeName));

    void Mark(Action<Dirty> what)
    {
        lock (_lock)
        {
            what(_dirty);
            if (_wake.CurrentCount == 0) _wake.Release();
        }
    }
}
