using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Tells who changes a namespace's level which of its Pods could not be made any more.</summary>
static class ExistingPods
{
    /// <summary>As upstream: a namespace can have more Pods than anybody wants to wait for.</summary>
    const int Most = 3000;

    public static IEnumerable<string> Against(SecurityProfile profile, string ns, IReadOnlyList<Pod> pods, Seq<string> exemptClasses)
    {
        var found = new SortedDictionary<string, (string First, int Count)>(StringComparer.Ordinal);
        foreach (var pod in pods.Take(Most))
        {
            if (pod.Spec.RuntimeClassName is { } name && exemptClasses.Contains(name)) continue;
            var violations = PodChecks.Check(profile, pod.Metadata, pod.Spec);
            if (violations.Count == 0) continue;
            string why = string.Join(", ", violations.Select(v => v.Reason));
            var (first, count) = found.GetValueOrDefault(why, (pod.Metadata.Name, 0));
            found[why] = (string.CompareOrdinal(pod.Metadata.Name, first) < 0 ? pod.Metadata.Name : first, count + 1);
        }
        if (pods.Count > Most) yield return $"new PodSecurity enforce level only checked against the first {Most} of {pods.Count} existing pods";
        if (found.Count > 0) yield return $"existing pods in namespace \"{ns}\" violate the new PodSecurity enforce level \"{profile}\"";
        foreach (string line in found.Select(f => $"{f.Value.First}{Others(f.Value.Count)}: {f.Key}").Order(StringComparer.Ordinal)) yield return line;

        static string Others(int count) => count switch { 1 => "", 2 => " (and 1 other pod)", _ => $" (and {count - 1} other pods)" };
    }
}
