using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Controllers.Ownership;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.ResourceClaims;

/// <summary>The claim that a template asks for, for one entry of one Pod.</summary>
static class ClaimDraft
{
    /// <summary>Leaves room for five letters in a label.</summary>
    const int LongestStem = 57;

    public static ResourceClaim For(Pod pod, PodResourceClaim entry, ResourceClaimTemplate template) => new()
    {
        Metadata = new()
        {
            GenerateName = Stem(pod.Metadata.Name, entry.Name), Namespace = pod.Metadata.Namespace, Labels = template.Spec.Metadata.Labels,
            Annotations = template.Spec.Metadata.Annotations.Set(PodClaims.Entry, entry.Name),
            // It need not go before its Pod does: it is kept until that has ended, and the two would wait for each other.
            OwnerReferences = [pod.ControllerRef() with { BlockOwnerDeletion = null }],
        },
        Spec = template.Spec.Spec,
    };

    /// <summary>As upstream: both names are cut in proportion, so that something of each is left.</summary>
    public static string Stem(string pod, string entry)
    {
        string whole = $"{pod}-{entry}-";
        return whole.Length <= LongestStem ? whole : pod[..(pod.Length * LongestStem / whole.Length)] + "-" + entry[..(entry.Length * LongestStem / whole.Length)];
    }
}
