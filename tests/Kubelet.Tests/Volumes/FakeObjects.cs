using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes;

namespace Hanbae.Kubelet.Tests.Volumes;

/// <summary>The objects of a cluster, held in memory for tests of volumes and variables.</summary>
sealed class FakeObjects : IPodObjects, IPersistentVolumes, IRecorder
{
    public List<ConfigMap> ConfigMaps { get; } = [];
    public List<Secret> Secrets { get; } = [];
    public List<Service> AllServices { get; } = [];
    public List<PersistentVolumeClaim> Claims { get; } = [];
    public List<PersistentVolume> Persistent { get; } = [];
    public List<string> Events { get; } = [];
    public List<CSIDriver> Drivers { get; } = [];
    public List<VolumeAttachment> Attachments { get; } = [];
    public Node? Node { get; set; } = new() { Status = new() { Allocatable = Map.Of(("cpu", Quantity.Parse("4")), ("memory", Quantity.Parse("8Gi"))) } };
    public int TokensMade { get; private set; }
    public bool TokensFail { get; set; }
    public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddYears(50);

    public Task<ConfigMap?> ConfigMapAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(ConfigMaps, ns, name));
    public Task<Secret?> SecretAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(Secrets, ns, name));
    public List<Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle> Bundles { get; } = [];
    public Task<IReadOnlyList<Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle>> TrustBundlesAsync(string fieldSelector, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle>>([.. Bundles.Where(b => fieldSelector == "metadata.name=" + b.Metadata.Name || fieldSelector == "spec.signerName=" + b.Spec.SignerName)]);
    public IReadOnlyCollection<Service> Services(string ns) => [.. AllServices.Where(s => s.Metadata.Namespace == ns)];
    public Task<PersistentVolumeClaim?> ClaimAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(Claims, ns, name));
    public Task<PersistentVolume?> VolumeAsync(string name, CancellationToken ct) => Task.FromResult(Named(Persistent, "", name));

    public Task<CSIDriver?> DriverAsync(string name, CancellationToken ct) => Task.FromResult(Named(Drivers, "", name));
    public Task<VolumeAttachment?> AttachmentAsync(string name, CancellationToken ct) { lock (Attachments) return Task.FromResult(Named(Attachments, "", name)); }
    public List<Endpoints> Endpoints { get; } = [];
    public Task<Endpoints?> EndpointsAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(Endpoints, ns, name));
    public Task ChangeStatusAsync(Key claim, Func<PersistentVolumeClaim, PersistentVolumeClaim> change, CancellationToken ct)
    {
        int at = Claims.FindIndex(c => Key.Of(c) == claim);
        Claims[at] = change(Claims[at]);
        return Task.CompletedTask;
    }

    public Task<TokenRequestStatus> TokenAsync(Pod pod, string audience, TimeSpan lifetime, CancellationToken ct) =>
        TokensFail ? throw new ApiException(new Status { Code = 503, Reason = "ServiceUnavailable", Message = "no answer" })
            : Task.FromResult(new TokenRequestStatus { Token = $"{pod.Metadata.Name}/{audience}/{++TokensMade}", ExpirationTimestamp = Now + lifetime });

    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") => Events.Add($"{type} {reason}: {message}");

    public List<ServiceAccount> Accounts { get; } = [];
    /// <summary>By name; a test answers as a signer would.</summary>
    public List<PodCertificateRequest> Requests { get; } = [];
    public bool RequestsFail { get; set; }
    public Task<ServiceAccount?> ServiceAccountAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(Accounts, ns, name));
    public Task<PodCertificateRequest?> CertificateRequestAsync(string ns, string name, CancellationToken ct) => Task.FromResult(Named(Requests, ns, name));

    public Task<PodCertificateRequest> AskCertificateAsync(PodCertificateRequest request, CancellationToken ct)
    {
        if (RequestsFail) throw new ApiException(new Status { Code = 503, Reason = "ServiceUnavailable", Message = "no answer" });
        Requests.Add(request with { Metadata = request.Metadata with { Name = $"{request.Metadata.GenerateName}{Requests.Count}" } });
        return Task.FromResult(Requests[^1]);
    }

    static T? Named<T>(List<T> all, string ns, string name) where T : class, IObject => all.FirstOrDefault(o => o.Metadata.Namespace == ns && o.Metadata.Name == name);
}

/// <summary>A clock that stands where the test puts it.</summary>
sealed class FakeClock(FakeObjects objects) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => objects.Now;
}
