using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Pods;

/// <summary>A lifecycle hook did not do its work.</summary>
sealed class HookException(string message) : Exception(message);

/// <summary>Runs a container's postStart and preStop hooks.</summary>
static class Hooks
{
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <exception cref="HookException"/>
    public static async Task RunAsync(PodContext context, Pod pod, Container container, string containerId, LifecycleHandler hook, CancellationToken ct)
    {
        if (hook.Exec is { } exec)
        {
            try
            {
                var result = await context.Cri.ExecSyncAsync(containerId, exec.Command, TimeSpan.Zero, ct).ConfigureAwait(false);
                if (result.ExitCode != 0)
                    throw new HookException($"command '{string.Join(' ', exec.Command)}' exited with {result.ExitCode.ToString(CultureInfo.InvariantCulture)}: {result.Stderr.ToStringUtf8()}");
            }
            catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new HookException(e.Message); }
        }
        else if (hook.HttpGet is { } http)
        {
            var request = ProbeTarget.Http(http, container, await AddressAsync(context, pod, ct).ConfigureAwait(false), userAgent: "kube-lifecycle/1.36");
            var (verdict, output) = await HttpProbe.RunAsync(request, s_patience, context.Time, ct).ConfigureAwait(false);
            // As upstream, for hooks that were written when their scheme did not count.
            if (verdict == ProbeVerdict.Failure && request.Url.Scheme == Uri.UriSchemeHttps && output.EndsWith(HttpProbe.NotTls, StringComparison.Ordinal))
            {
                (verdict, output) = await HttpProbe.RunAsync(request with { Url = new UriBuilder(request.Url) { Scheme = Uri.UriSchemeHttp }.Uri }, s_patience, context.Time, ct).ConfigureAwait(false);
                if (verdict is ProbeVerdict.Success or ProbeVerdict.Warning) context.Figures.Count("kubelet_lifecycle_handler_http_fallbacks_total");
            }
            if (verdict is not (ProbeVerdict.Success or ProbeVerdict.Warning)) throw new HookException(output);
        }
        else if (hook.Sleep is { } sleep)
            try { await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), context.Time, ct).ConfigureAwait(false); }
            catch (OperationCanceledException)
            {
                context.Figures.Count("kubelet_sleep_action_terminated_early_total");
                throw;
            }
    }

    static async Task<string> AddressAsync(PodContext context, Pod pod, CancellationToken ct)
    {
        if (pod.Spec.HostNetwork) return context.HostIPs.IsEmpty ? "127.0.0.1" : context.HostIPs[0];
        var runtime = await new RuntimeReader(context.Cri).ReadAsync(pod.Metadata.Uid, pod.Metadata.Namespace, pod.Metadata.Name, null, ct).ConfigureAwait(false);
        return runtime.Sandbox is { IPs.IsEmpty: false } sandbox ? sandbox.IPs[0] : throw new HookException("the pod has no address");
    }
}
