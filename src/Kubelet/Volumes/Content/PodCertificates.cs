using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Certificates;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>A private key and the certificates for it, both as PEM: what a <c>podCertificate</c> source shows.</summary>
sealed record Credentials(string Key, string Chain);

/// <summary>Asks for the certificates that Pods' volumes show, and for others when their signer says that it is time (KEP-4317).</summary>
/// <remarks>
/// Each call goes one step: asks, looks for the answer, or gives what there is. A refusal is final for the Pod, as upstream. Nothing is kept over a
/// restart: then all are asked for anew, and meanwhile the volumes show what they showed. Bound: one per source of a volume; a Pod's go when its
/// volumes do. A Pod's worker takes one step at a time, so that no two calls are about one source.
/// </remarks>
/// <param name="jitter">Added to the time to ask again, so that nodes do not all ask at once.</param>
sealed class PodCertificates(IPodObjects objects, IRecorder? events, TimeProvider time, Func<TimeSpan>? jitter = null)
{
    static readonly TimeSpan s_spread = TimeSpan.FromMinutes(5), s_overdue = TimeSpan.FromMinutes(10);

    sealed record Issued(Credentials Of, DateTimeOffset RefreshAt, DateTimeOffset NotAfter);
    sealed record Asked(string Key, string Name);

    sealed class Source
    {
        public Issued? Current { get; set; }
        public Asked? Pending { get; set; }
        /// <summary>Why there will never be one.</summary>
        public string? Refusal { get; set; }
        public bool ToldOverdue { get; set; }
        public bool ToldExpired { get; set; }
    }

    readonly ConcurrentDictionary<(string PodUid, string Volume, int Index), Source> _sources = new();
    readonly Func<TimeSpan> _jitter = jitter ?? (static () => s_spread * Random.Shared.NextDouble());

    /// <param name="index">Of the source in the volume.</param>
    /// <exception cref="VolumeException">There is none yet, or there will be none.</exception>
    public async Task<Credentials> GetAsync(Pod pod, string volume, int index, PodCertificateProjection wanted, CancellationToken ct)
    {
        var source = _sources.GetOrAdd((pod.Metadata.Uid, volume, index), static _ => new());
        try
        {
            if (source.Pending is { } pending) await LookAsync(pod, source, pending, ct);
            if (source is { Refusal: null, Pending: null } && (source.Current is not { } current || time.GetUtcNow() >= current.RefreshAt)) await AskAsync(pod, source, wanted, ct);
        }
        catch (ApiException e) when (source.Current is null)
        {
            throw new VolumeException(e.IsNotFound && e.Message.Contains("the server could not find", StringComparison.Ordinal)
                ? "PodCertificate projection is not available in cluster: the API server does not serve certificates.k8s.io/v1beta1" : $"while creating PodCertificateRequest: {e.Message}", e);
        }
        catch (ApiException) { } // what there is stands; the next refresh asks again
        if (source.Refusal is { } why) throw new VolumeException(why);
        if (source.Current is not { } issued) throw new VolumeException("credential bundle is not issued yet");
        TellAge(pod, source, issued);
        return issued.Of;
    }

    async Task LookAsync(Pod pod, Source source, Asked pending, CancellationToken ct)
    {
        var request = await objects.CertificateRequestAsync(pod.Metadata.Namespace, pending.Name, ct);
        if (request is null) source.Pending = null; // somebody deleted it
        foreach (var condition in request?.Status.Conditions ?? default)
            switch (condition.Type)
            {
                case "Issued" when request!.Status is { NotAfter: { } end, BeginRefreshAt: { } refresh }:
                    source.Current = new(new(pending.Key, Clean(request.Status.CertificateChain)), refresh + _jitter(), end);
                    (source.Pending, source.ToldOverdue, source.ToldExpired) = (null, false, false);
                    return;
                case "Denied" or "Failed":
                    (source.Pending, source.Refusal) = (null, $"PodCertificateRequest was permanently {condition.Type.ToLowerInvariant()}: reason=\"{condition.Reason}\" message=\"{condition.Message}\"");
                    events?.Event(pod, "Warning", condition.Type,
                        $"PodCertificateRequest {pod.Metadata.Namespace}/{pending.Name} {(condition.Type == "Denied" ? "was denied" : "failed")}, reason=\"{condition.Reason}\", message=\"{condition.Message}\"");
                    return;
            }
    }

    async Task AskAsync(Pod pod, Source source, PodCertificateProjection wanted, CancellationToken ct)
    {
        var node = objects.Node ?? throw new VolumeException("while getting node object: the node is not registered yet");
        string account = pod.Spec.ServiceAccountName;
        var owner = await objects.ServiceAccountAsync(pod.Metadata.Namespace, account, ct) ?? throw new VolumeException($"while fetching service account: serviceaccounts \"{account}\" not found");
        PodKey key;
        try { key = PodKey.Make(wanted.KeyType); }
        catch (NotSupportedException e) { throw new VolumeException($"while generating keypair: {e.Message}", e); }
        var made = await objects.AskCertificateAsync(new()
        {
            Metadata = new()
            {
                Namespace = pod.Metadata.Namespace, GenerateName = "req-",
                OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid }],
            },
            Spec = new()
            {
                SignerName = wanted.SignerName, PodName = pod.Metadata.Name, PodUID = pod.Metadata.Uid, ServiceAccountName = account, ServiceAccountUID = owner.Metadata.Uid,
                NodeName = node.Metadata.Name, NodeUID = node.Metadata.Uid, MaxExpirationSeconds = wanted.MaxExpirationSeconds, StubPKCS10Request = new(key.Request),
                UnverifiedUserAnnotations = wanted.UserAnnotations,
            },
        }, ct);
        source.Pending = new(key.Private, made.Metadata.Name);
    }

    void TellAge(Pod pod, Source source, Issued issued)
    {
        var now = time.GetUtcNow();
        if (!source.ToldOverdue && now > issued.RefreshAt + s_overdue)
        {
            events?.Event(pod, "Warning", "CertificateOverdueForRefresh", "PodCertificate refresh overdue");
            source.ToldOverdue = true;
        }
        if (source.ToldExpired || now <= issued.NotAfter) return;
        events?.Event(pod, "Warning", "CertificateExpired", "PodCertificate expired");
        source.ToldExpired = true;
    }

    /// <summary>Without what signers write between certificates.</summary>
    static string Clean(string chain)
    {
        var text = new StringBuilder();
        for (var rest = chain.AsSpan(); PemEncoding.TryFind(rest, out var block); rest = rest[block.Location.End..])
            text.Append(PemEncoding.Write(rest[block.Label], System.Convert.FromBase64String(rest[block.Base64Data].ToString()))).Append('\n');
        return text.ToString();
    }

    public void Forget(string podUid)
    {
        foreach (var key in _sources.Keys)
            if (key.PodUid == podUid) _sources.TryRemove(key, out _);
    }
}
