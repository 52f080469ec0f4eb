using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>exec, attach and port-forward: checked here, spoken by the kubelet, passed through as bytes.</summary>
sealed class StreamHandler(PodConnections pods, KubeletConnection kubelets, string subresource) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        // A WebSocket begins with a GET; who may only look may not run anything by way of it (KEP-4006).
        if (request.Info.Verb != "create" && request.MayAlso is { } may) await may("create").ConfigureAwait(false);
        var pod = await pods.PodAsync(request, ct).ConfigureAwait(false);
        string path;
        if (subresource == "portforward")
        {
            var options = new PodPortForwardOptions { Ports = Ports(request) };
            await pods.AdmitAsync(request, pod, options, ct).ConfigureAwait(false);
            path = $"/portForward/{pod.Metadata.Namespace}/{pod.Metadata.Name}{(options.Ports.IsEmpty ? "" : "?port=" + string.Join(',', options.Ports))}";
        }
        else
        {
            string container = PodConnections.ContainerOf(pod, request.Parameter("container") ?? "");
            bool Asked(string name) => RequestInfo.IsTrue(request.Parameter(name));
            IKind options = subresource == "exec"
                ? new PodExecOptions
                {
                    Container = container, Stdin = Asked("stdin"), Stdout = Asked("stdout"), Stderr = Asked("stderr"), Tty = Asked("tty"),
                    Command = request.Query.Where(q => q.Key == "command").Select(q => q.Value).ToSeq(),
                }
                : new PodAttachOptions { Container = container, Stdin = Asked("stdin"), Stdout = Asked("stdout"), Stderr = Asked("stderr"), Tty = Asked("tty") };
            await pods.AdmitAsync(request, pod, options, ct).ConfigureAwait(false);
            path = $"/{subresource}/{pod.Metadata.Namespace}/{pod.Metadata.Name}/{container}{Query(request, ("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"), ("command", "command"))}";
        }
        if (pod.Spec.NodeName.Length == 0) throw Statuses.BadRequest($"pod {pod.Metadata.Name} does not have a host assigned");
        var place = await pods.PlaceAsync(pod, ct).ConfigureAwait(false);
        var target = new UpgradeTarget(KubeletConnection.Authority(place.Host, place.Port), path, [], token => kubelets.DialAsync(place.Host, place.Port, kubelet: true, tls: true, token));
        return Tunnel.To(target);
    }

    /// <summary>What WebSocket channels are for; over SPDY each stream says its own.</summary>
    static Seq<int> Ports(RequestContext request) => [.. request.Query.Where(q => q.Key == "ports").Select(q => int.TryParse(q.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int port)
        ? port : throw Statuses.BadRequest($"strconv.ParseInt: parsing \"{q.Value}\": invalid syntax"))];

    /// <summary>Parameters under the kubelet's names; what is off is left out.</summary>
    static string Query(RequestContext request, params ReadOnlySpan<(string Ours, string Theirs)> names)
    {
        var parts = new List<string>();
        foreach (var (key, value) in request.Query)
            foreach (var (ours, theirs) in names)
                if (key == ours && (ours == "command" || RequestInfo.IsTrue(value)))
                    parts.Add(theirs + "=" + (ours == "command" ? Uri.EscapeDataString(value) : "1"));
        return parts.Count == 0 ? "" : "?" + string.Join("&", parts);
    }
}
