using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Proxy.Health;

/// <summary>Tells load balancers whether this node has Pods of a Service that keeps traffic local: a listener on each health check node port.</summary>
internal sealed class ServiceHealth(string node, ProxyHealth proxy, Action<string>? complain) : IAsyncDisposable
{
    sealed class Listening(Key service, int wanted)
    {
        public readonly Key Service = service;
        public readonly int Wanted = wanted;
        public PlainServer? Server;
        /// <summary>It was told that the port is taken.</summary>
        public bool Told;
        public volatile int Endpoints;
    }

    readonly Dictionary<Key, Listening> _all = [];

    /// <summary>Where a Service's health is asked for; 0 while nobody listens.</summary>
    public int PortOf(Key service) => _all.GetValueOrDefault(service)?.Server?.Port ?? 0;

    /// <param name="service">Null when it has gone.</param>
    public async Task SetAsync(Key key, Service? service, IEnumerable<EndpointSlice> slices, CancellationToken ct)
    {
        // Only what is local can be told of one node.
        int? port = service is { Spec: { HealthCheckNodePort: > 0, ExternalTrafficPolicy: "Local" } } && ServiceTable.Serves(service) ? service.Spec.HealthCheckNodePort : null;
        await SetAsync(key, port, port is null ? 0 : Local(service!, slices, node), ct);
    }

    internal async Task SetAsync(Key key, int? port, int endpoints, CancellationToken ct)
    {
        if (_all.TryGetValue(key, out var there) && there.Wanted != port)
        {
            _all.Remove(key);
            if (there.Server is { } server) await server.DisposeAsync();
            there = null;
        }
        if (port is not { } wanted) return;
        if (there is null) _all[key] = there = new(key, wanted);
        there.Endpoints = endpoints;
        await OpenAsync(there, ct);
    }

    /// <summary>Tries the ports again that were taken.</summary>
    public async Task RetryAsync(CancellationToken ct)
    {
        foreach (var one in _all.Values) await OpenAsync(one, ct);
    }

    async Task OpenAsync(Listening one, CancellationToken ct)
    {
        if (one.Server is not null) return;
        try
        {
            one.Server = await PlainServer.StartAsync(IPAddress.Any, one.Wanted, _ => Say(one), ct);
            one.Told = false;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            if (!one.Told) complain?.Invoke($"health of Service {one.Service} cannot be asked for on port {one.Wanted}: {e.Message}");
            one.Told = true;
        }
    }

    Answer Say(Listening one)
    {
        bool works = proxy.KeepsUp;
        int endpoints = one.Endpoints;
        string body = $"{{\n\t\"service\": {{\"namespace\": \"{one.Service.Namespace}\",\"name\": \"{one.Service.Name}\"}},\n\t\"localEndpoints\": {endpoints},\n"
            + $"\t\"serviceProxyHealthy\": {(works ? "true" : "false")}\n}}";
        return new(endpoints > 0 && works ? 200 : 503, "application/json", body, ("X-Load-Balancing-Endpoint-Weight", endpoints.ToString(System.Globalization.CultureInfo.InvariantCulture)));
    }

    /// <summary>Pods here that are ready; those that are ending count no longer, though they may still serve (KEP-1669).</summary>
    internal static int Local(Service service, IEnumerable<EndpointSlice> slices, string node)
    {
        string family = service.Spec.IpFamilies.IsEmpty ? "IPv4" : service.Spec.IpFamilies[0];
        return slices.Where(s => s.AddressType == family).SelectMany(s => s.Endpoints)
            .Where(e => e.NodeName == node && e.Conditions.Ready != false && e.Addresses.Count > 0).Select(e => e.Addresses[0]).Distinct(StringComparer.Ordinal).Count();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _all.Values) if (one.Server is { } server) await server.DisposeAsync();
        _all.Clear();
    }
}
