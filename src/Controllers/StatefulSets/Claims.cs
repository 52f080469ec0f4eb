using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.StatefulSets;

/// <summary>The claims of a member, and who owns them: nobody, as long as they are to outlive it (KEP-1847).</summary>
static class Claims
{
    public static string NameOf(StatefulSet set, PersistentVolumeClaim template, int ordinal) =>
        $"{template.Metadata.Name}-{set.Metadata.Name}-{ordinal.ToString(CultureInfo.InvariantCulture)}";

    public static IEnumerable<PersistentVolumeClaim> For(StatefulSet set, int ordinal)
    {
        foreach (var template in set.Spec.VolumeClaimTemplates)
            yield return template with
            {
                Metadata = template.Metadata with
                {
                    Name = NameOf(set, template, ordinal), Namespace = set.Metadata.Namespace,
                    Labels = template.Metadata.Labels.With(set.Spec.Selector?.MatchLabels ?? default),
                },
            };
    }

    static bool Deletes(string? policy) => policy == "Delete";

    /// <summary>Owners as the retention policy asks for them: the set for what goes with it, a Pod that is scaled away for what goes with that.</summary>
    /// <remarks>They control the claim. Where somebody else does, the policy cannot be kept, and no reference of ours stays.</remarks>
    /// <returns>The same when nothing has to change.</returns>
    public static Seq<OwnerReference> OwnersOf(StatefulSet set, Pod pod, int ordinal, PersistentVolumeClaim claim)
    {
        var owners = claim.Metadata.OwnerReferences;
        var (ofSet, ofPod) = (set.ControllerRef(), pod.ControllerRef());
        // What went before under one of the names goes by the collector alone.
        if (owners.Exists(o => Names(o, ofSet) && o.Uid != ofSet.Uid || Names(o, ofPod) && o.Uid != ofPod.Uid)) return owners;
        var policy = set.Spec.PersistentVolumeClaimRetentionPolicy;
        bool free = !HasOtherController(set, pod, claim);
        bool byPod = free && Deletes(policy?.WhenScaled) && !Identity.IsInRange(set, ordinal);
        bool bySet = free && Deletes(policy?.WhenDeleted) && !byPod;
        if (Is(owners, ofSet, bySet) && Is(owners, ofPod, byPod)) return owners;
        var next = owners.Where(o => !Names(o, ofSet) && !Names(o, ofPod)).ToSeq();
        return byPod ? next.Add(ofPod) : bySet ? next.Add(ofSet) : next;
    }

    /// <summary>Somebody controls a claim whose end the set is asked to decide.</summary>
    public static bool HasOtherController(StatefulSet set, Pod pod, PersistentVolumeClaim claim) =>
        set.Spec.PersistentVolumeClaimRetentionPolicy is { } policy && (Deletes(policy.WhenScaled) || Deletes(policy.WhenDeleted))
        && claim.Metadata.OwnerReferences.Exists(o => o.Controller == true && o.Uid != set.Metadata.Uid && o.Uid != pod.Metadata.Uid);

    static bool Names(OwnerReference owner, OwnerReference ours) => owner.Kind == ours.Kind && owner.ApiVersion == ours.ApiVersion && owner.Name == ours.Name;

    static bool Is(Seq<OwnerReference> owners, OwnerReference ours, bool wanted) =>
        wanted ? owners.Exists(o => o.Uid == ours.Uid && o.Controller == true) : !owners.Exists(o => o.Uid == ours.Uid);

    /// <summary>A claim that goes with a former Pod of the name: a new one must not begin with it.</summary>
    public static bool IsStale(StatefulSet set, PersistentVolumeClaim claim, string podName) =>
        Deletes(set.Spec.PersistentVolumeClaimRetentionPolicy?.WhenScaled)
        && claim.Metadata.OwnerReferences.Exists(o => o is { Kind: "Pod", ApiVersion: "v1" } && o.Name == podName);
}
