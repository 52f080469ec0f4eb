using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;
using Microsoft.AspNetCore.Http;

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
            "nodes" => await NodeAsync(name, port, ct).ConfigureAwait(false),
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

    static (string Scheme, string Name, string Port) Split(string id)
    {
        string[] parts = id.Split(':');
        return parts.Length switch
        {
            1 => ("", parts[0], ""),
            2 => ("", parts[0], parts[1]),
            3 when parts[0] is "" or "http" or "https" => (parts[0], parts[1], parts[2]),
            _ => throw Statuses.BadRequest($"invalid service request \"{id}\""),
        };
    }

    async ValueTask<Destination> NodeAsync(string name, string port, CancellationToken ct)
    {
        var node = (Node)(await server.Resources.Find("", "v1", "nodes")!.Stored.GetAsync("", name, ct).ConfigureAwait(false)).Object;
        var (host, own) = KubeletConnection.AddressOf(node);
        // Another port than the kubelet's is nothing that the server's certificate is for.
        return int.TryParse(port, out int other) && other != own ? new(false, host, other, false) : new(true, host, own, true);
    }

    async ValueTask<Destination> PodAsync(string ns, string name, string scheme, string port, CancellationToken ct)
    {
        var pod = (Pod)(await server.Resources.Find("", "v1", "pods")!.Stored.GetAsync(ns, name, ct).ConfigureAwait(false)).Object;
        int at = 0;
        if (port.Length > 0 && !int.TryParse(port, out at))
            at = pod.Spec.Containers.SelectMany(c => c.Ports).FirstOrDefault(p => p.Name == port)?.ContainerPortValue ?? throw Statuses.BadRequest($"no port named \"{port}\" on pod {name}");
        if (at == 0) at = pod.Spec.Containers.SelectMany(c => c.Ports).FirstOrDefault()?.ContainerPortValue ?? (scheme == "https" ? 443 : 80);
        if (pod.Status.PodIP.Length == 0) throw Statuses.BadRequest("address not allowed");
        return new(scheme == "https", pod.Status.PodIP, at, false);
    }

    async ValueTask<Destination> ServiceAsync(string ns, string name, string scheme, string port, CancellationToken ct)
    {
        var service = (Service)(await server.Resources.Find("", "v1", "services")!.Stored.GetAsync(ns, name, ct).ConfigureAwait(false)).Object;
        var wanted = port.Length == 0 && service.Spec.Ports.Count == 1 ? service.Spec.Ports[0] : service.Spec.Ports.Find(p => p.Name == port || Encoder.Number(p.Port) == port)
            ?? throw Statuses.Unavailable($"no service port \"{port}\" found for service \"{name}\"");
        if (service.Spec.Type == "ExternalName") return new(scheme == "https", service.Spec.ExternalName, wanted.Port, false);
        var state = await server.Resources.Find("discovery.k8s.io", "v1", "endpointslices")!.Stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        var found = new List<Destination>();
        foreach (var item in state.All.Between("", ns + "/"))
        {
            if (item.Labels["kubernetes.io/service-name"] != name || item.Object is not EndpointSlice slice) continue;
            if (slice.Ports.Find(p => (p.Name ?? "") == wanted.Name)?.Port is not { } at) continue;
            found.AddRange(slice.Endpoints.Where(e => e.Conditions.Ready != false && !e.Addresses.IsEmpty).Select(e => new Destination(scheme == "https", e.Addresses[0], at, false)));
        }
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw Statuses.Unavailable($"no endpoints available for service \"{name}\"");
    }
}
