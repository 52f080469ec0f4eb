using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Cri;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Static;

/// <summary>In place of an API server where there is none: a kubelet by itself runs what is in files, and asks nobody (upstream's standalone mode).</summary>
public sealed class NoApi : IApiTransport, IRecorder
{
    const string Why = "this kubelet has no API server";

    /// <summary>All that such a kubelet works with.</summary>
    public static KubeletParts Parts(KubeletOptions options, ICri cri, TimeProvider time, ILogger log)
    {
        var none = new NoApi();
        var pods = new SharedCache<Pod>(log);
        foreach (var kind in (ReadOnlySpan<SyncKind>)[SyncKind.Init, SyncKind.InitDone]) pods.Apply(new(kind, ResourceVersion: "0"));
        return new() { Options = options, Cri = cri, Client = new ApiClient(none, time), Pods = pods, Events = none, Time = time, Log = log, Alone = true };
    }

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => throw new HttpRequestException(Why);

    public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => throw new HttpRequestException(Why);

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw new HttpRequestException(Why);

    /// <summary>Nobody keeps it.</summary>
    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") { }
}
