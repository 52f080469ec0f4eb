using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives every Pod a service account and its token, so that it can talk to the API server.</summary>
sealed class ServiceAccounts(ServedObjects objects, TimeProvider time) : PodCreation
{
    const string Default = "default", VolumePrefix = "kube-api-access-", MountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    const string SuffixLetters = "bcdfghjklmnpqrstvwxz2456789";
    /// <summary>An hour and seven seconds: upstream's mark of tokens that were not asked for by anybody.</summary>
    const long TokenSeconds = 3607;
    const string Mirror = "kubernetes.io/config.mirror";

    /// <summary>The default account is made by a controller right after its namespace: upstream waits as often.</summary>
    const int Attempts = 10;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public override bool Handles(Operation operation, GroupResource resource, string subresource) =>
        base.Handles(operation, resource, subresource)
        || operation == Operation.Update && subresource == "ephemeralcontainers" && resource is { Group: "", Resource: "pods" };

    protected override async ValueTask<Pod> ChangeAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        if (request.Operation == Operation.Update) return pod;
        // Mirror Pods have no account: CheckAsync refuses those that name one.
        if (pod.Metadata.Annotations.ContainsKey(Mirror)) return pod;
        string name = pod.Spec.ServiceAccountName is { Length: > 0 } own ? own : pod.Spec.ServiceAccount is { Length: > 0 } old ? old : Default;
        pod = pod with { Spec = pod.Spec with { ServiceAccountName = name, ServiceAccount = name } };
        var account = await FindAsync(request.Namespace, name, ct).ConfigureAwait(false) ?? throw Missing(request, name);
        if (pod.Spec.AutomountServiceAccountToken ?? account.AutomountServiceAccountToken ?? true) pod = Mount(pod);
        if (pod.Spec.ImagePullSecrets.IsEmpty && !account.ImagePullSecrets.IsEmpty) pod = pod with { Spec = pod.Spec with { ImagePullSecrets = account.ImagePullSecrets } };
        return pod;
    }

    protected override async ValueTask CheckAsync(AdmissionRequest request, Pod pod, CancellationToken ct)
    {
        bool made = request.Operation == Operation.Create;
        if (made && pod.Metadata.Annotations.ContainsKey(Mirror))
        {
            if (pod.Spec.ServiceAccountName.Length > 0) throw Refuse.Because(request, "a mirror pod may not reference service accounts");
            if (pod.Spec.Volumes.Exists(v => v.Projected is { } p && p.Sources.Exists(s => s.ServiceAccountToken is not null)))
                throw Refuse.Because(request, "a mirror pod may not use ServiceAccountToken volume projections");
            if (PodReferences.Secrets(pod).Any()) throw Refuse.Because(request, "a mirror pod may not reference secrets");
            return;
        }
        // A webhook may have changed it since.
        if (pod.Spec.ServiceAccountName is not { Length: > 0 } name) return;
        var account = await FindAsync(request.Namespace, name, ct).ConfigureAwait(false) ?? throw Missing(request, name);
        if (MountableSecrets.AreEnforced(account)
            && (made ? MountableSecrets.Trouble(account, pod) : MountableSecrets.TroubleOfEphemeral(account, pod)) is { } trouble)
            throw Refuse.Because(request, trouble);
    }

    static Errors.StatusException Missing(AdmissionRequest request, string name) =>
        Refuse.Because(request, $"error looking up service account {request.Namespace}/{name}: serviceaccount \"{name}\" not found");

    async ValueTask<ServiceAccount?> FindAsync(string ns, string name, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            if (await objects.FindAsync<ServiceAccount>(ns, name, ct).ConfigureAwait(false) is { } account) return account;
            if (name != Default || attempt == Attempts) return null;
            await Task.Delay(Pause, time, ct).ConfigureAwait(false);
        }
    }

    static Pod Mount(Pod pod)
    {
        string? existing = pod.Spec.Volumes.Find(v => v.Name.StartsWith(VolumePrefix, StringComparison.Ordinal))?.Name;
        string name = existing ?? VolumePrefix + RandomNumberGenerator.GetString(SuffixLetters, 5);
        var mount = new VolumeMount { Name = name, ReadOnly = true, MountPath = MountPath };
        Container With(Container c) => c.VolumeMounts.Exists(m => m.MountPath == MountPath) ? c : c with { VolumeMounts = c.VolumeMounts.Add(mount) };
        var spec = pod.Spec with { InitContainers = pod.Spec.InitContainers.Select(With).ToSeq(), Containers = pod.Spec.Containers.Select(With).ToSeq() };
        if (pod.Spec.InitContainers.IsNil) spec = spec with { InitContainers = default };
        bool needed = spec.Containers != pod.Spec.Containers || spec.InitContainers != pod.Spec.InitContainers;
        if (existing is null && needed) spec = spec with { Volumes = spec.Volumes.Add(TokenVolume(name)) };
        return pod with { Spec = spec };
    }

    static Volume TokenVolume(string name) => new()
    {
        Name = name,
        Projected = new()
        {
            DefaultMode = 0b110_100_100,
            Sources =
            [
                new() { ServiceAccountToken = new() { Path = "token", ExpirationSeconds = TokenSeconds } },
                new() { ConfigMap = new() { Name = "kube-root-ca.crt", Items = [new() { Key = "ca.crt", Path = "ca.crt" }] } },
                new() { DownwardAPI = new() { Items = [new() { Path = "namespace", FieldRef = new() { ApiVersion = "v1", FieldPath = "metadata.namespace" } }] } },
            ],
        },
    };
}
