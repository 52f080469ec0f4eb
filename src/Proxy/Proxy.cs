using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Client;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy;

/// <summary>Makes Services reachable on this node: cluster IPs, node ports, external and load balancer addresses, as nftables rules.</summary>
public sealed class Proxy(IClusterAccess cluster, ProxyOptions options, Action<string>? complain = null)
{
    const string ByService = "proxy/service", ServiceName = "kubernetes.io/service-name";
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();
    readonly Lock _lock = new();
    readonly SemaphoreSlim _wake = new(0, 1);
    HashSet<Key> _dirty = [];

    /// <summary>Programs until cancelled. The rules stay when it ends, so that a restart interrupts no connection.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        _slices.AddIndex(ByService, s => ServiceOf(s) is { } key ? [key.ToString()] : []);
        await Task.WhenAll(_services.WhenSyncedAsync(ct), _slices.WhenSyncedAsync(ct));
        using var services = _services.Subscribe(e => Mark(Key.Of(e.Object)));
        using var slices = _slices.Subscribe(OnSlice);
        var tables = new List<(ServiceTable Table, Ruleset? Loaded)> { (new(IpFamily.V4, options.NodeName, options.PodCidr), null) };
        if (options.PodCidrV6 is { } v6) tables.Add((new(IpFamily.V6, options.NodeName, v6), null));
        while (true)
        {
            HashSet<Key> dirty;
            lock (_lock) { dirty = _dirty; _dirty = []; }
            bool failed = false;
            for (int i = 0; i < tables.Count; i++)
            {
                var (table, loaded) = tables[i];
                foreach (var key in dirty) table.Set(key, _services.Find(key), _slices.ByIndex(ByService, key.ToString()));
                var wanted = table.Build();
                string commands = RulesetDiff.Commands($"{table.Family.Table} {options.Table}", loaded, wanted);
                if (commands.Length == 0) continue;
                try
                {
                    await Nft.LoadAsync(commands, ct);
                    tables[i] = (table, wanted);
                }
                catch (NftException e)
                {
                    // What the kernel has is no longer known: next time the table is made anew.
                    complain?.Invoke(e.Message);
                    tables[i] = (table, null);
                    failed = true;
                }
            }
            await Task.Delay(failed ? Retry : options.MinInterval, cluster.Time, ct);
            if (!failed) await _wake.WaitAsync(ct);
        }
    }

    void OnSlice(CacheEvent<EndpointSlice> change)
    {
        if (ServiceOf(change.Object) is { } key) Mark(key);
        if (change.Old is { } old && ServiceOf(old) is { } before) Mark(before);
    }

    void Mark(Key service)
    {
        lock (_lock)
        {
            _dirty.Add(service);
            if (_wake.CurrentCount == 0) _wake.Release();
        }
    }

    static Key? ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels.TryGet(ServiceName, out string? name) ? new(slice.Metadata.Namespace, name) : null;
}
