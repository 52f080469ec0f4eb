using System.Collections.Concurrent;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Pods;

/// <summary>Reads Pods' objects from the API server, each at most once in a while; Services from a shared cache.</summary>
sealed class ApiPodObjects : IPodObjects
{
    /// <summary>How old an answer may be; longer than one step of a Pod, shorter than anyone waits for a changed volume.</summary>
    static readonly TimeSpan s_age = TimeSpan.FromSeconds(2);
    const int MaxKept = 1000;

    readonly ConcurrentDictionary<(string Kind, Key Key), (long At, Task<IObject?> Value)> _kept = new();
    readonly IClient _client;
    readonly ICache<Service>? _services;
    readonly Func<Node?> _node;
    readonly TimeProvider _time;
    readonly FollowedObjects? _followed;

    /// <param name="services">Null where there is no need for service links.</param>
    /// <param name="watching">By which the objects that volumes show are watched; null waits for the next look at each Pod.</param>
    /// <param name="stop">Ends the watches.</param>
    public ApiPodObjects(IClient client, ICache<Service>? services, Func<Node?> node, TimeProvider time, IApiTransport? watching, ILogger log, CancellationToken stop)
    {
        (_client, _services, _node, _time) = (client, services, node, time);
        if (watching is not null) _followed = new(watching, IsNews, time, log, stop);
    }

    public Node? Node => _node();

    public IDisposable? Follow(Pod pod, Action changed) => _followed?.Follow(pod, changed);

    public Task<Node?> NodeNowAsync(CancellationToken ct) => Node is { } known ? _client.FindAsync<Node>(new("", known.Metadata.Name), ct) : Task.FromResult<Node?>(null);

    public async Task<ConfigMap?> ConfigMapAsync(string ns, string name, CancellationToken ct) => (ConfigMap?)await KeptAsync<ConfigMap>("ConfigMap", new(ns, name), ct).ConfigureAwait(false);

    public async Task<Secret?> SecretAsync(string ns, string name, CancellationToken ct) => (Secret?)await KeptAsync<Secret>("Secret", new(ns, name), ct).ConfigureAwait(false);

    public async Task<IReadOnlyList<ClusterTrustBundle>> TrustBundlesAsync(string fieldSelector, CancellationToken ct) =>
        (await _client.ListAsync<ClusterTrustBundle>(ListQuery.All with { FieldSelector = fieldSelector }, ct).ConfigureAwait(false)).Items;

    public Task<ServiceAccount?> ServiceAccountAsync(string ns, string name, CancellationToken ct) => _client.FindAsync<ServiceAccount>(new(ns, name), ct);

    public Task<PodCertificateRequest> AskCertificateAsync(PodCertificateRequest request, CancellationToken ct) => _client.CreateAsync(request, ct);

    public Task<PodCertificateRequest?> CertificateRequestAsync(string ns, string name, CancellationToken ct) => _client.FindAsync<PodCertificateRequest>(new(ns, name), ct);

    public IReadOnlyCollection<Service> Services(string ns) =>
        _services is null ? [] : [.. _services.In(ns).Where(s => s.Spec.ClusterIP is { Length: > 0 } and not "None")];

    public async Task<TokenRequestStatus> TokenAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct)
    {
        string account = pod.Spec.ServiceAccountName.Length > 0 ? pod.Spec.ServiceAccountName : "default";
        var request = new TokenRequest
        {
            Spec = new()
            {
                Audiences = audience.Length > 0 ? [audience] : default, ExpirationSeconds = (long)lifetime.TotalSeconds,
                BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid },
            },
        };
        var answer = await _client.CreateAsync<ServiceAccount>(new(pod.Metadata.Namespace, account), "token", request, ct).ConfigureAwait(false) as TokenRequest
            ?? throw new InvalidDataException("the API server answered a token request without a token");
        return answer.Status;
    }

    /// <summary>What a watch tells is news when it is not what was read last: whoever asks next reads it anew.</summary>
    bool IsNews((string Kind, Key Key) reference, IObject? now)
    {
        if (_kept.TryGetValue(reference, out var kept) && kept.Value.IsCompletedSuccessfully && kept.Value.Result?.Metadata.ResourceVersion == now?.Metadata.ResourceVersion) return false;
        _kept.TryRemove(reference, out _);
        return true;
    }

    async Task<IObject?> KeptAsync<T>(string kind, Key key, CancellationToken ct) where T : class, IObject<T>
    {
        if (_kept.TryGetValue((kind, key), out var kept) && _time.GetElapsedTime(kept.At) < s_age && !kept.Value.IsFaulted && !kept.Value.IsCanceled) return await kept.Value.WaitAsync(ct).ConfigureAwait(false);
        if (_kept.Count >= MaxKept) _kept.Clear();
        var asked = AskAsync();
        _kept[(kind, key)] = (_time.GetTimestamp(), asked);
        return await asked.ConfigureAwait(false);

        async Task<IObject?> AskAsync() => await _client.FindAsync<T>(key, ct).ConfigureAwait(false);
    }
}
