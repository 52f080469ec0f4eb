using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Pods;

/// <summary>Finds the Pods that a Service selects, and the Services that select a Pod, without going through all there are.</summary>
static class PodLabels
{
    const string ByLabel = "label", BySelector = "a label of the selector";

    /// <summary>Labels whose value is drawn for each owner: nobody who writes a Service knows them, and there are as many values as owners.</summary>
    static readonly string[] Drawn =
        ["pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid", "batch.kubernetes.io/controller-uid", "statefulset.kubernetes.io/pod-name"];

    public static void IndexLabels(this ICache<Pod> pods) => pods.AddIndex(ByLabel, static p => Values(p.Metadata.Namespace, p.Metadata.Labels));

    public static void IndexSelectors(this ICache<Service> services) => services.AddIndex(BySelector, static s => [Values(s.Metadata.Namespace, s.Spec.Selector).FirstOrDefault(s.Metadata.Namespace)]);

    static IEnumerable<string> Values(string ns, Map<string> labels)
    {
        foreach (var (key, value) in labels)
            if (!Drawn.Contains(key)) yield return $"{ns}/{key}={value}";
    }

    /// <summary>Pods that have a label of the selector; by the one that fewest have.</summary>
    public static IReadOnlyCollection<Pod> Near(this ICache<Pod> pods, string ns, Map<string> selector)
    {
        IReadOnlyCollection<Pod>? fewest = null;
        foreach (string value in Values(ns, selector))
            if (pods.ByIndex(ByLabel, value) is var some && (fewest is null || some.Count < fewest.Count)) fewest = some;
        return fewest ?? pods.In(ns);
    }

    /// <summary>Services whose selector may be met by such labels.</summary>
    public static IEnumerable<Service> Near(this ICache<Service> services, string ns, Map<string> labels)
    {
        foreach (var service in services.ByIndex(BySelector, ns)) yield return service;
        foreach (string value in Values(ns, labels))
            foreach (var service in services.ByIndex(BySelector, value)) yield return service;
    }
}
