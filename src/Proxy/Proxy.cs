using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Client;
using Hanbae.Proxy.Flows;
using Hanbae.Proxy.Health;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy;

/// <summary>Makes Services reachable on this node: cluster IPs, node ports, external and load balancer addresses, as nftables rules; and says how it does.</summary>
public sealed class Proxy(IClusterAccess cluster, ProxyOptions options, Action<string>? complain = null)
{
    const string ByService = "proxy/service", ServiceName = "kubernetes.io/service-name";
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    readonly ICache<Service> _services = cluster.Cache<Service>();
    readonly ICache<EndpointSlice> _slices = cluster.Cache<EndpointSlice>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>(new() { FieldSelector = "metadata.name=" + options.NodeName });
    readonly ProxyHealth _health = new(cluster.Time);
    readonly Lock _lock = new();
    readonly SemaphoreSlim _wake = new(0, 1);
    readonly Unshown _unshown = new(cluster.Time.GetUtcNow());
    HashSet<Key> _dirty = [];
    NodePlace _here = new(options.NodeName);

    /// <summary>Programs until cancelled. The rules stay when it ends, so that a restart interrupts no connection.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        _slices.AddIndex(ByService, s => ServiceOf(s) is { } key ? [key.ToString()] : []);
        await Task.WhenAll(_services.WhenSyncedAsync(ct), _slices.WhenSyncedAsync(ct));
        using var services = _services.Subscribe(e => Mark(Key.Of(e.Object)));
        using var slices = _slices.Subscribe(OnSlice);
        using var nodes = _nodes.Subscribe(OnNode);
        await using var listeners = new ProxyListeners(options, _health);
        await listeners.OpenAsync(ct);
        await using var asked = new ServiceHealth(options.NodeName, _health, complain);
        var programs = new List<Program> { new(IpFamily.V4, options.PodCidr, options, complain) };
        if (options.PodCidrV6 is { } v6) programs.Add(new(IpFamily.V6, v6, options, complain));
        bool tracks = ConntrackSettings.Keep;
        while (true)
        {
            HashSet<Key> dirty;
            NodePlace here;
            var since = _unshown.Take();
            lock (_lock) { dirty = _dirty; _dirty = []; here = _here; }
            bool failed = false;
            foreach (var program in programs)
            {
                program.Table.Here = here;
                foreach (var key in dirty) program.Set(key, _services.Find(key), SlicesOf(key));
                long began = cluster.Time.GetTimestamp();
                string family = program.Table.Family.AddressType;
                if (await LoadAsync(program, ct)) _health.Took(family, cluster.Time.GetElapsedTime(began), since[family]);
                else
                {
                    failed = true;
                    _health.Refused(family);
                }
            }
            foreach (var key in dirty) await asked.SetAsync(key, _services.Find(key), SlicesOf(key), ct);
            // The kernel tracks connections from the first rules that ask for that.
            if (!tracks) ConntrackSettings.Apply("/", Environment.ProcessorCount, complain);
            tracks = true;
            await asked.RetryAsync(ct);
            if (failed) _health.Failed();
            else lock (_lock) _health.Loaded(changesSince: _dirty.Count > 0);
            await Task.Delay(failed ? Retry : options.MinInterval, cluster.Time, ct);
            if (!failed) await _wake.WaitAsync(ct);
        }
    }

    IReadOnlyList<EndpointSlice> SlicesOf(Key service) => [.. _slices.ByIndex(ByService, service.ToString())];

    /// <summary>What one family has in the kernel.</summary>
    sealed class Program(IpFamily family, string podCidr, ProxyOptions options, Action<string>? complain)
    {
        public ServiceTable Table { get; } = new(family, options.NodeName, podCidr);
        public StaleFlows Flows { get; } = new(family);
        public Loader Loader { get; } = new($"{family.Table} {options.Table}", "Services", complain);
        /// <summary>It was told that flows cannot be ended.</summary>
        public bool Told { get; set; }

        public void Set(Key key, Service? service, IReadOnlyList<EndpointSlice> slices)
        {
            Table.Set(key, service, slices);
            Flows.Set(key, service, slices);
        }
    }

    async Task<bool> LoadAsync(Program program, CancellationToken ct)
    {
        if (!await program.Loader.LoadAsync(program.Table.Build(), ct)) return false;
        try { await program.Flows.EndAsync(ct); }
        catch (IOException e)
        {
            // New flows go right all the same; it is tried again with the next change.
            if (!program.Told) complain?.Invoke("flows to endpoints that are gone cannot be ended: " + e.Message);
            program.Told = true;
        }
        return true;
    }

    void OnNode(CacheEvent<Node> change)
    {
        _health.Sees(change.New);
        var here = NodePlace.Of(options.NodeName, change.New);
        lock (_lock)
        {
            if (here == _here) return;
            _here = here;
        }
        foreach (var service in _services.All) Mark(Key.Of(service));
    }

    void OnSlice(CacheEvent<EndpointSlice> change)
    {
        _unshown.See(change);
        if (ServiceOf(change.Object) is { } key) Mark(key);
        if (change.Old is { } old && ServiceOf(old) is { } before) Mark(before);
    }

    void Mark(Key service)
    {
        lock (_lock)
        {
            _dirty.Add(service);
            _health.Changed();
            if (_wake.CurrentCount == 0) _wake.Release();
        }
    }

    static Key? ServiceOf(EndpointSlice slice) =>
        slice.Metadata.Labels.TryGet(ServiceName, out string? name) ? new(slice.Metadata.Namespace, name) : null;
}
