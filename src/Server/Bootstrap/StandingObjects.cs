using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Bootstrap;

/// <summary>Makes what every cluster has again when somebody deletes or changes it while the server runs.</summary>
/// <remarks>Upstream's system namespaces, kubernetesservice and cluster authentication trust controllers, which look every so often; here a watch says when.</remarks>
public static class StandingObjects
{
    /// <summary>Also without anything having been seen, should a watch have missed it.</summary>
    static readonly TimeSpan s_every = TimeSpan.FromMinutes(1);
    /// <summary>After a change, so that who changes again and again is not answered each time; also before a watch that ended begins anew.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Until cancelled.</summary>
    /// <param name="options">As they are now: the authorities may rotate.</param>
    public static async Task KeepAsync(IApiTransport transport, Func<BootstrapOptions> options, CancellationToken ct)
    {
        var time = options().Time;
        var ensure = new Ensure(transport, time);
        BootstrapOptions? before = null;
        // One waiting change stands for all before it.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task[] watches =
        [
            WatchAsync<Namespace>("", ""), WatchAsync<Service>("default", "kubernetes"), WatchAsync<Endpoints>("default", "kubernetes"), WatchAsync<EndpointSlice>("default", "kubernetes"),
            WatchAsync<ServiceCIDR>("", "kubernetes"), WatchAsync<ConfigMap>("kube-system", TrustObjects.Authentication), WatchAsync<ConfigMap>("kube-public", TrustObjects.ClusterInfo),
        ];
        try
        {
            while (true)
            {
                await WaitAsync().ConfigureAwait(false);
                try
                {
                    var now = options();
                    await ClusterBootstrap.StandAsync(ensure, now, before, ct).ConfigureAwait(false);
                    before = now;
                }
                // What somebody's admission refuses today may be let in at the next look.
                catch (ApiException) { }
                await Task.Delay(s_pause, time, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(watches).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task WaitAsync()
        {
            using var over = new CancellationTokenSource(s_every, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, over.Token);
            try { await changes.Reader.ReadAsync(either.Token).ConfigureAwait(false); }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested) { }
        }

        async Task WatchAsync<T>(string ns, string name) where T : class, IObject<T>
        {
            var request = new ApiRequest
            {
                Method = "GET", Path = Resources.Of<T>().Path(ns), Identity = Groups.ApiServer, UserAgent = "hanbae-apiserver",
                Query = [new("watch", "true"), .. (KeyValuePair<string, string>[])(name.Length > 0 ? [new("fieldSelector", "metadata.name=" + name)] : [])],
            };
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await foreach (var _ in transport.WatchAsync(request, stop.Token).ConfigureAwait(false)) changes.Writer.TryWrite(true);
                }
                catch (ApiException) { }
                catch (OperationCanceledException) { return; }
                changes.Writer.TryWrite(true);
                await Task.Delay(s_pause, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
