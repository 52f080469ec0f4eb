using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceClaims;

/// <summary>Makes the claims that Pods have templates for, holds claims for Pods that somebody placed by hand, and frees what nobody uses any more.</summary>
/// <remarks>Keys are of two sorts, told apart by a letter that no name has: Pods and claims.</remarks>
sealed class Run(IClusterAccess cluster) : IReconciler
{
    const string PodKey = "pod:", FieldManager = "ResourceClaimController";

    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<ResourceClaim> _claims = cluster.Cache<ResourceClaim>();
    readonly ICache<ResourceClaimTemplate> _templates = cluster.Cache<ResourceClaimTemplate>();

    public void Watch(Triggers on)
    {
        _pods.IndexResourceClaims();
        _claims.IndexControllers();
        on.From(add => _pods.Subscribe(e => OnPod(e, add))).From(add => _claims.Subscribe(e => OnClaim(e, add))).Needs(_pods).Needs(_claims).Needs(_templates);
    }

    void OnPod(CacheEvent<Pod> e, Action<Key> add)
    {
        if (e.Old is { } old && old.UsesClaims() && old.Metadata.Uid != e.New?.Metadata.Uid) Release(old, add);
        if (e.New is not { } pod || !pod.UsesClaims()) return;
        if (pod.IsDone()) Release(pod, add);
        if (!pod.IsBeingDeleted) add(KeyOf(pod));
    }

    static void Release(Pod pod, Action<Key> add)
    {
        foreach (string name in PodClaims.NamesOf(pod)) add(new(pod.Metadata.Namespace, name));
    }

    void OnClaim(CacheEvent<ResourceClaim> e, Action<Key> add)
    {
        var key = Key.Of(e.Object);
        if (e.New is not null) add(key);
        foreach (var pod in _pods.NamingClaim(key)) if (!pod.IsBeingDeleted) add(KeyOf(pod));
    }

    static Key KeyOf(Pod pod) => new(pod.Metadata.Namespace, PodKey + pod.Metadata.Name);

    public Task<Again> ReconcileAsync(Key key, CancellationToken ct) =>
        key.Name.StartsWith(PodKey, StringComparison.Ordinal) ? EnsureAsync(new(key.Namespace, key.Name[PodKey.Length..]), ct) : ReleaseAsync(key, ct);

    async Task<Again> EnsureAsync(Key key, CancellationToken ct)
    {
        if (_pods.Find(key) is not { IsBeingDeleted: false } pod) return Again.OnChange;
        Dictionary<string, string> made = [];
        foreach (var entry in pod.Spec.ResourceClaims)
        {
            string? trouble;
            try { trouble = await EnsureAsync(pod, entry, made, ct); }
            catch (ApiException e)
            {
                Tell(pod, entry, e.Message);
                if (Refusal.IsNamespaceTerminating(e)) return Again.OnChange;
                throw;
            }
            if (trouble is null) continue;
            Tell(pod, entry, trouble);
            return Again.WithBackoff;
        }
        if (made.Count > 0) await cluster.Client.PatchAsync<Pod>(key, StatusPatch.For(pod, made) with { FieldManager = FieldManager }, ct, "status");
        return pod.Spec.NodeName.Length > 0 ? await ReserveAsync(pod, ct) : Again.OnChange;
    }

    void Tell(Pod pod, PodResourceClaim entry, string trouble) =>
        cluster.Recorder.Event(pod, "Warning", "FailedResourceClaimCreation", $"PodResourceClaim {entry.Name}: {trouble}");

    /// <param name="made">Takes what the Pod does not name yet.</param>
    /// <returns>What stands in the way.</returns>
    async Task<string?> EnsureAsync(Pod pod, PodResourceClaim entry, Dictionary<string, string> made, CancellationToken ct)
    {
        var named = PodClaims.Of(pod, entry);
        if (entry.ResourceClaimTemplateName is not { } templateName || named is { Made: true, Name: null }) return null;
        if (named.Name is { } name && _claims.Find(new(pod.Metadata.Namespace, name)) is { } known && known.IsControlledBy(pod)) return null;
        var claim = _claims.ControlledBy(pod.Metadata.Uid).FirstOrDefault(c => c.Metadata.Annotations[PodClaims.Entry] == entry.Name);
        if (claim is null)
        {
            if (_templates.Find(new(pod.Metadata.Namespace, templateName)) is not { } template)
                return $"resource claim template \"{templateName}\": resourceclaimtemplate.resource.k8s.io \"{templateName}\" not found";
            try { claim = await cluster.Client.CreateAsync(ClaimDraft.For(pod, entry, template), ct); }
            // The name, which the server would have drawn, is missing here, too.
            catch (ApiException e) when (!Refusal.IsNamespaceTerminating(e)) { return "create ResourceClaim : " + e.Message; }
        }
        if (claim.Metadata.Name != named.Name) made[entry.Name] = claim.Metadata.Name;
        return null;
    }

    /// <summary>The scheduler reserves claims for the Pods that it places; this is for Pods that came with a node.</summary>
    async Task<Again> ReserveAsync(Pod pod, CancellationToken ct)
    {
        foreach (var entry in pod.Spec.ResourceClaims)
        {
            var named = PodClaims.Of(pod, entry);
            if (named.Name is not { } name) continue;
            if (_claims.Find(new(pod.Metadata.Namespace, name)) is not { } claim || named.OfTemplate && claim.WhyNotFor(pod) is not null) return Again.OnChange;
            if (claim.Status.Allocation is null || pod.IsDone() || claim.IsReservedFor(pod) || !claim.HasRoom()) continue;
            var consumer = new ResourceClaimConsumerReference { Resource = "pods", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid };
            await cluster.Client.UpdateStatusAsync(claim with { Status = claim.Status with { ReservedFor = claim.Status.ReservedFor.Add(consumer) } }, ct);
        }
        return Again.OnChange;
    }

    async Task<Again> ReleaseAsync(Key key, CancellationToken ct)
    {
        if (_claims.Find(key) is not { } claim) return Again.OnChange;
        List<ResourceClaimConsumerReference> stays = [];
        foreach (var consumer in claim.Status.ReservedFor)
            if (await StaysAsync(key.Namespace, consumer, ct)) stays.Add(consumer);
        var owner = ReleasePlan.OwnerOf(claim) is { } name ? _pods.Find(new(key.Namespace, name)) : null;
        var plan = ReleasePlan.For(claim, stays, owner);
        if (plan.Freed is { } freed) claim = await cluster.Client.UpdateStatusAsync(freed, ct);
        if (plan.Unprotect) await cluster.Client.RemoveFinalizerAsync(claim, PodClaims.Finalizer, ct);
        if (plan.Delete) await cluster.Client.TryDeleteAsync<ResourceClaim>(key, Api.Meta.V1.Preconditions.Uid(claim), ct);
        return Again.OnChange;
    }

    async Task<bool> StaysAsync(string ns, ResourceClaimConsumerReference consumer, CancellationToken ct)
    {
        // Of others it is not known how they end.
        if (consumer is not { ApiGroup: "", Resource: "pods" }) return true;
        var key = new Key(ns, consumer.Name);
        // The scheduler may have seen a Pod before this cache has: to be sure that there is none, the server is asked.
        var pod = _pods.Find(key) ?? await cluster.Client.FindAsync<Pod>(key, ct);
        return pod is not null && pod.Metadata.Uid == consumer.Uid && !pod.IsDone();
    }
}
