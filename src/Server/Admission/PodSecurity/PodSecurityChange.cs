using Hanbae.Api.Core.V1;
using static Hanbae.Server.Admission.PodSecurity.BaselineChecks;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Whether an update of a Pod changes anything that checks look at: of what can be changed, images and profiles.</summary>
static class PodSecurityChange
{
    public static bool Matters(Pod pod, Pod old)
    {
        if (pod.Metadata.Annotations[SeccompPod] != old.Metadata.Annotations[SeccompPod]) return true;
        var (boxes, before) = (Named(pod), Named(old));
        // Containers may be added to a running Pod at the end only; whatever else differs in number is not an update that Pods take.
        return boxes.Count != before.Count || boxes.Any(b => !before.TryGetValue(b.Key, out string? image) || image != b.Value
            || Differs(SeccompContainer + b.Key) || Differs(AppArmorContainer + b.Key));

        bool Differs(string annotation) => pod.Metadata.Annotations[annotation] != old.Metadata.Annotations[annotation];
    }

    /// <summary>Images by container; names are unique among all kinds of them.</summary>
    static Dictionary<string, string> Named(Pod pod) =>
        pod.Spec.InitContainers.Select(c => (c.Name, c.Image)).Concat(pod.Spec.Containers.Select(c => (c.Name, c.Image)))
            .Concat(pod.Spec.EphemeralContainers.Select(c => (c.Name, c.Image))).ToDictionary(StringComparer.Ordinal);
}
