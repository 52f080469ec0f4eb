using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Backends;

/// <summary>
/// Finds where a Service is reached from the server itself, for webhooks and for other API servers: at its endpoints, since there need be
/// no proxy on this machine (upstream's --enable-aggregator-routing).
/// </summary>
/// <param name="stored">What the server keeps.</param>
/// <param name="given">Asked first when it is there; null from it means nowhere.</param>
sealed class ServiceBackends(Func<GroupResource, StoredResource?> stored, Func<string, string, int, CancellationToken, ValueTask<DnsEndPoint?>>? given = null)
{
    static readonly GroupResource s_services = new("", "services"), s_slices = new("discovery.k8s.io", "endpointslices");

    /// <exception cref="IOException">Nowhere.</exception>
    public async ValueTask<DnsEndPoint> ResolveAsync(string ns, string name, int port, CancellationToken ct)
    {
        if (given is not null) return await given(ns, name, port, ct).ConfigureAwait(false) ?? throw new IOException($"service \"{name}\" in \"{ns}\" cannot be reached");
        var service = await FindAsync(ns, name, ct).ConfigureAwait(false) ?? throw new IOException($"service \"{name}\" not found");
        if (service.Spec.Type == "ExternalName") return new(service.Spec.ExternalName, port);
        var wanted = service.Spec.Ports.Find(p => p.Port == port) ?? throw new IOException($"no service port {port} found for service \"{name}\"");
        var found = await ReadyAsync(ns, name, wanted.Name, ct).ConfigureAwait(false);
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw new IOException($"no endpoints available for service \"{name}\"");
    }

    /// <exception cref="IOException">Nowhere, or nobody answers there; in the words of Go's client.</exception>
    public async ValueTask<Stream> DialAsync(string ns, string name, int port, CancellationToken ct) => await DialAsync(await ResolveAsync(ns, name, port, ct).ConfigureAwait(false), ct).ConfigureAwait(false);

    public async ValueTask<Service?> FindAsync(string ns, string name, CancellationToken ct) =>
        stored(s_services) is { } services ? (await services.FindAsync(ns, name, ct).ConfigureAwait(false))?.Object as Service : null;

    /// <summary>Ready addresses of a Service's port.</summary>
    public async ValueTask<List<DnsEndPoint>> ReadyAsync(string ns, string name, string portName, CancellationToken ct)
    {
        var found = new List<DnsEndPoint>();
        foreach (var slice in await SlicesAsync(ns, name, ct).ConfigureAwait(false))
            if (slice.Ports.Find(p => (p.Name ?? "") == portName)?.Port is { } at)
                found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => new DnsEndPoint(e.Addresses[0], at)));
        return found;
    }

    public async ValueTask<List<EndpointSlice>> SlicesAsync(string ns, string name, CancellationToken ct)
    {
        var found = new List<EndpointSlice>();
        if (stored(s_slices) is not { } slices) return found;
        foreach (var item in (await slices.Cache.CurrentAsync(ct).ConfigureAwait(false)).All.Between("", ns + "/"))
            if (item.Labels["kubernetes.io/service-name"] == name && item.Object is EndpointSlice slice) found.Add(slice);
        return found;
    }

    /// <inheritdoc cref="DialAsync(string, string, int, CancellationToken)"/>
    public static async ValueTask<Stream> DialAsync(DnsEndPoint at, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(at.Host, at.Port, ct).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException(e.SocketErrorCode switch
            {
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"dial tcp: lookup {at.Host}: no such host",
                SocketError.ConnectionRefused => $"dial tcp {at.Host}:{at.Port}: connect: connection refused",
                _ => $"dial tcp {at.Host}:{at.Port}: connect: {e.Message}",
            });
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
