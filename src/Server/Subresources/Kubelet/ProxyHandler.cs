using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>Passes HTTP on to a node's kubelet, a Pod or a Service.</summary>
/// <remarks>The name may be <c>scheme:name:port</c>, as upstream splits it. Redirects and links in pages are left as they are.</remarks>
sealed class ProxyHandler(ApiServer server, KubeletConnection kubelets, string resource) : IRestHandler
{
    static readonly HashSet<string> s_hop = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Host", "Authorization", "Content-Length", "Date", "Server",
    };

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
        string path = PathBehind(request.RawTarget);
        string authority = KubeletConnection.Authority(to.Host, to.Port);
        return new RawReply(async http =>
        {
            if (UpgradeTunnel.IsUpgrade(http.Request))
            {
                var target = new UpgradeTarget(authority, path, [], token => kubelets.DialAsync(to.Host, to.Port, to.Kubelet, to.Tls, token));
                if (Tunnel.To(target) is RawReply raw) await raw.RunAsync(http).ConfigureAwait(false);
                return;
            }
            await RelayAsync(http, new($"{(to.Tls ? "https" : "http")}://{authority}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }), to.Kubelet).ConfigureAwait(false);
        });
    }

    /// <summary>What stands behind <c>/proxy</c>, as it was sent.</summary>
    static string PathBehind(string target)
    {
        int at = target.IndexOf("/proxy", target.IndexOf("/api/v1/", StringComparison.Ordinal) + 8, StringComparison.Ordinal) + "/proxy".Length;
        string rest = target[at..];
        return rest.Length == 0 || rest[0] != '/' ? "/" + rest : rest;
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

    async Task RelayAsync(HttpContext http, Uri to, bool kubelet)
    {
        using var request = new HttpRequestMessage(new(http.Request.Method), to) { Version = HttpVersion.Version11 };
        if (http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0 || http.Request.Protocol == "HTTP/2" && http.Request.Method is "POST" or "PUT" or "PATCH")
            request.Content = new StreamContent(http.Request.Body);
        foreach (var (name, values) in http.Request.Headers)
            if (!s_hop.Contains(name) && !name.StartsWith(':') && !Aggregation.ProxyHeaders.SaysWho(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        HttpResponseMessage answer;
        try { answer = await (kubelet ? kubelets.Http : kubelets.Plain).SendAsync(request, http.RequestAborted).ConfigureAwait(false); }
        catch (HttpRequestException e)
        {
            byte[] body = Encoder.Object(Output.Json, Statuses.Failure(503, "ServiceUnavailable", $"error trying to reach service: {(e.InnerException ?? e).Message}"));
            http.Response.StatusCode = 503;
            http.Response.ContentType = MediaTypes.Json;
            await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
            return;
        }
        using (answer)
        {
            http.Response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
                if (!s_hop.Contains(name)) http.Response.Headers.Append(name, values.ToArray());
            await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
            var body = await answer.Content.ReadAsStreamAsync(http.RequestAborted).ConfigureAwait(false);
            await body.CopyToAsync(http.Response.Body, http.RequestAborted).ConfigureAwait(false);
        }
    }
}
