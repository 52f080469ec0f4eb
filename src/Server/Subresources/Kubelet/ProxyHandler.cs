using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;
using Microsoft.AspNetCore.Http;
using Endpoint = Hanbae.Api.Discovery.V1.Endpoint;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Passes HTTP on to a node's kubelet, a Pod or a Service.</summary>
/// <remarks>The name may be <c>scheme:name:port</c>, as upstream splits it.</remarks>
sealed class ProxyHandler(ApiServer server, KubeletConnection kubelets, string resource) : IRestHandler
{
    readonly record struct Destination(bool Tls, string Host, int Port, bool Kubelet);

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var (scheme, name, port) = Split(request.Info.Name);
        var to = resource switch
        {
            "nodes" => await NodeAsync(name, scheme, port, ct).ConfigureAwait(false),
            "pods" => await PodAsync(request.Info.Namespace, name, scheme, port, ct).ConfigureAwait(false),
            _ => await ServiceAsync(request.Info.Namespace, name, scheme, port, ct).ConfigureAwait(false),
        };
        var (before, path, query) = Behind(request.RawTarget);
        string authority = KubeletConnection.Authority(to.Host, to.Port);
        return new RawReply(async http =>
        {
            string target = (path.Length == 0 ? "/" : path) + query;
            if (UpgradeTunnel.IsUpgrade(http.Request))
            {
                var upgrade = new UpgradeTarget(authority, target, [], token => kubelets.DialAsync(to.Host, to.Port, to.Kubelet, to.Tls, token));
                if (Tunnel.To(upgrade) is RawReply raw) await raw.RunAsync(http).ConfigureAwait(false);
                return;
            }
            // Relative links of the root would else be looked for beside it.
            if (path.Length == 0 && (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method)))
            {
                http.Response.StatusCode = StatusCodes.Status301MovedPermanently;
                http.Response.Headers.Location = before + "/" + query;
                return;
            }
            var url = new Uri($"{(to.Tls ? "https" : "http")}://{authority}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            await ProxyRelay.RunAsync(to.Kubelet ? kubelets.Http() : kubelets.Plain, http, url, before).ConfigureAwait(false);
        });
    }

    /// <summary>The request's target as it was sent, in three: up to and with <c>/proxy</c>, the path behind that, the query. Names may begin like the subresource.</summary>
    (string Before, string Path, string Query) Behind(string target)
    {
        int query = target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var found ? found : target.Length, at = target.IndexOf("/api/v1/", StringComparison.Ordinal);
        // api, v1, namespaces, its name, the resource, its name, proxy.
        for (int parts = resource == "nodes" ? 5 : 7; parts > 0; parts--)
            at = at < query && target.IndexOf('/', at + 1, query - at - 1) is >= 0 and var next ? next : query;
        return (target[..at], target[at..query], target[query..]);
    }

    (string Scheme, string Name, string Port) Split(string id)
    {
        string[] parts = id.Split(':');
        return parts.Length switch
        {
            1 => ("", parts[0], ""),
            2 => ("", parts[0], parts[1]),
            3 when parts[0] is "" or "http" or "https" => (parts[0], parts[1], parts[2]),
            _ => throw Statuses.BadRequest($"invalid {resource[..^1]} request {FieldError.Quoted(id)}"),
        };
    }

    async ValueTask<Destination> NodeAsync(string name, string scheme, string port, CancellationToken ct)
    {
        var node = (Node)await GetAsync("nodes", "", name, ct).ConfigureAwait(false);
        var (host, own) = KubeletConnection.AddressOf(node);
        if (port.Length == 0 || port == Encoder.Number(own)) return new(true, host, own, true);
        // Another port than the kubelet's is nothing that the server's certificate is for, nor is what listens there on the server's own machine anybody's.
        foreach (var address in await AddressesAsync(host, ct).ConfigureAwait(false)) CheckProxyable(address);
        return new(scheme == "https", host, PortOf(port), false);
    }

    async ValueTask<Destination> PodAsync(string ns, string name, string scheme, string port, CancellationToken ct)
    {
        var pod = (Pod)await GetAsync("pods", ns, name, ct).ConfigureAwait(false);
        int at = 0;
        if (port.Length > 0 && !int.TryParse(port, out at))
            at = pod.Spec.Containers.SelectMany(c => c.Ports).FirstOrDefault(p => p.Name == port)?.ContainerPortValue ?? throw Statuses.BadRequest($"no port named \"{port}\" on pod {name}");
        if (at == 0) at = pod.Spec.Containers.SelectMany(c => c.Ports).FirstOrDefault()?.ContainerPortValue ?? (scheme == "https" ? 443 : 80);
        CheckProxyable(IPAddress.TryParse(pod.Status.PodIP, out var address) ? address : null);
        return new(scheme == "https", pod.Status.PodIP, at, false);
    }

    async ValueTask<Destination> ServiceAsync(string ns, string name, string scheme, string port, CancellationToken ct)
    {
        var service = (Service)await GetAsync("services", ns, name, ct).ConfigureAwait(false);
        // There are no endpoints of a name outside.
        if (service.Spec.Type == "ExternalName") throw Statuses.NotFound(new("", "endpoints"), name);
        if (long.TryParse(port, out long number))
            port = service.Spec.Ports.Find(p => p.Port == number)?.Name ?? throw Statuses.Unavailable($"no service port {number} found for service {FieldError.Quoted(name)}");
        else if (port.Length == 0 && service.Spec.Ports.Count == 1) port = service.Spec.Ports[0].Name;
        var state = await server.Resources.Find("discovery.k8s.io", "v1", "endpointslices")!.Stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        var found = new List<(Endpoint Endpoint, int Port)>();
        foreach (var item in state.All.Between("", ns + "/"))
        {
            if (item.Labels["kubernetes.io/service-name"] != name || item.Object is not EndpointSlice slice) continue;
            if (slice.Ports.Find(p => (p.Name ?? "") == port)?.Port is not { } at) continue;
            found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => (e, at)));
        }
        // In any order, until one is what it says: whoever may write slices is not to send the server just anywhere.
        foreach (int i in Enumerable.Range(0, found.Count).OrderBy(_ => Random.Shared.Next()))
            if (await IsPodAsync(found[i].Endpoint, ns, ct).ConfigureAwait(false)) return new(scheme == "https", found[i].Endpoint.Addresses[0], found[i].Port, false);
        throw Statuses.Unavailable($"no endpoints available for service {FieldError.Quoted(name)}");
    }

    async ValueTask<bool> IsPodAsync(Endpoint endpoint, string ns, CancellationToken ct)
    {
        if (endpoint.TargetRef is not { } target || target.Namespace != ns) return false;
        var state = await server.Resources.Find("", "v1", "pods")!.Stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        return state.All.Find($"{ns}/{target.Name}")?.Object is Pod pod && pod.Status.PodIPs.Any(ip => ip.Ip == endpoint.Addresses[0]);
    }

    async ValueTask<IObject> GetAsync(string of, string ns, string name, CancellationToken ct) =>
        (await server.Resources.Find("", "v1", of)!.Stored.GetAsync(ns, name, ct).ConfigureAwait(false)).Object;

    static async ValueTask<IPAddress[]> AddressesAsync(string host, CancellationToken ct)
    {
        if (IPAddress.TryParse(host, out var address)) return [address];
        try { return await System.Net.Dns.GetHostAddressesAsync(host, ct).ConfigureAwait(false); }
        catch (SocketException e) { throw Statuses.BadRequest(e.Message); }
    }

    static int PortOf(string port) => ushort.TryParse(port, out ushort number) ? number : throw Statuses.BadRequest($"invalid port {FieldError.Quoted(port)}");

    /// <summary>Only what is for everybody: neither the server's own machine nor its link.</summary>
    static void CheckProxyable(IPAddress? address)
    {
        if (address is null || !AddressScope.IsGlobalUnicast(address)) throw Statuses.BadRequest("address not allowed");
    }
}
