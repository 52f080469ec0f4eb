using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.StatefulSets;

/// <summary>What makes a Pod this and no other member of a StatefulSet: its ordinal, and from it name, host name, labels and volumes.</summary>
static class Identity
{
    public const string NameLabel = "statefulset.kubernetes.io/pod-name";
    public const string IndexLabel = "apps.kubernetes.io/pod-index";
    public const string RevisionLabel = "controller-revision-hash";

    public static int First(StatefulSet set) => set.Spec.Ordinals?.Start ?? 0;
    public static int Replicas(StatefulSet set) => set.Spec.Replicas ?? 1;
    public static bool IsInRange(StatefulSet set, int ordinal) => ordinal >= First(set) && ordinal < First(set) + Replicas(set);
    public static string NameOf(StatefulSet set, int ordinal) => $"{set.Metadata.Name}-{ordinal.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The number at the end of a member's name; null for a Pod that is named after something else.</summary>
    public static int? OrdinalOf(StatefulSet set, Pod pod) =>
        pod.Metadata.Name.LastIndexOf('-') is > 0 and var dash && pod.Metadata.Name.AsSpan(0, dash).SequenceEqual(set.Metadata.Name)
        && int.TryParse(pod.Metadata.Name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal) ? ordinal : null;

    public static string RevisionOf(Pod pod) => pod.Metadata.Labels[RevisionLabel] ?? "";

    public static Pod Make(StatefulSet set, PodTemplateSpec template, string revision, int ordinal)
    {
        string name = NameOf(set, ordinal);
        var pod = PodStamp.From(template, set.Metadata.Namespace, set.ControllerRef());
        pod = pod with
        {
            Metadata = pod.Metadata with { Name = name, Labels = pod.Metadata.Labels.Set(RevisionLabel, revision) },
            Spec = pod.Spec with { Hostname = name, Subdomain = set.Spec.ServiceName },
        };
        return Repair(set, pod, ordinal);
    }

    /// <summary>The Pod with the labels and volumes that a member must have.</summary>
    public static Pod Repair(StatefulSet set, Pod pod, int ordinal) => pod with
    {
        Metadata = pod.Metadata with
        {
            Labels = pod.Metadata.Labels.Set(NameLabel, NameOf(set, ordinal)).Set(IndexLabel, ordinal.ToString(CultureInfo.InvariantCulture)),
        },
        Spec = HasVolumes(set, pod, ordinal) ? pod.Spec : pod.Spec with { Volumes = VolumesOf(set, pod, ordinal) },
    };

    public static bool IsWhole(StatefulSet set, Pod pod, int ordinal) =>
        pod.Metadata.Labels[NameLabel] == pod.Metadata.Name && pod.Metadata.Labels.ContainsKey(IndexLabel) && HasVolumes(set, pod, ordinal);

    static bool HasVolumes(StatefulSet set, Pod pod, int ordinal)
    {
        foreach (var template in set.Spec.VolumeClaimTemplates)
            if (!pod.Spec.Volumes.Exists(v => v.Name == template.Metadata.Name && v.PersistentVolumeClaim?.ClaimName == Claims.NameOf(set, template, ordinal))) return false;
        return true;
    }

    static Seq<Volume> VolumesOf(StatefulSet set, Pod pod, int ordinal)
    {
        var claims = set.Spec.VolumeClaimTemplates.Select(t => new Volume { Name = t.Metadata.Name, PersistentVolumeClaim = new() { ClaimName = Claims.NameOf(set, t, ordinal) } }).ToList();
        // A claim takes the place of a volume of its name.
        return claims.Concat(pod.Spec.Volumes.Where(v => !claims.Exists(c => c.Name == v.Name))).ToSeq();
    }
}
