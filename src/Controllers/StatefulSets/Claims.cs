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
    /// <param name="pod">The member; null for one that is not there.</param>
    public static Seq<OwnerReference> OwnersOf(StatefulSet set, Pod? pod, int ordinal, PersistentVolumeClaim claim)
    {
        var policy = set.Spec.PersistentVolumeClaimRetentionPolicy;
        bool away = !Identity.IsInRange(set, ordinal);
        bool byPod = Deletes(policy?.WhenScaled) && away, bySet = Deletes(policy?.WhenDeleted) && !byPod;
        var owners = claim.Metadata.OwnerReferences;
        // Somebody else's claim is left alone.
        if (owners.Exists(o => o.Controller == true && o.Uid != set.Metadata.Uid && o.Uid != pod?.Metadata.Uid)) return owners;
        owners = With(owners, set.ControllerRef(), bySet);
        return pod is null ? owners : With(owners, pod.ControllerRef(), byPod);
    }

    /// <summary>A claim that goes with a former Pod of the name: a new one must not begin with it.</summary>
    public static bool IsStale(StatefulSet set, PersistentVolumeClaim claim, string podName) =>
        Deletes(set.Spec.PersistentVolumeClaimRetentionPolicy?.WhenScaled)
        && claim.Metadata.OwnerReferences.Exists(o => o is { Kind: "Pod", ApiVersion: "v1" } && o.Name == podName);

    static Seq<OwnerReference> With(Seq<OwnerReference> owners, OwnerReference owner, bool wanted)
    {
        bool has = owners.Exists(o => o.Uid == owner.Uid);
        if (has == wanted) return owners;
        return wanted ? owners.Add(owner) : owners.Where(o => o.Uid != owner.Uid).ToSeq();
    }
}
