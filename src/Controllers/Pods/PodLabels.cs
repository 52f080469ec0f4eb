using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
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

    /// <summary>Pods that the selector may choose.</summary>
    public static IReadOnlyCollection<Pod> Near(this ICache<Pod> pods, string ns, Selector selector)
    {
        IReadOnlyCollection<Pod>? fewest = null;
        foreach (var requirement in selector.Requirements)
            if (requirement is { Operator: LabelOperator.Equal } or { Operator: LabelOperator.In, Values.Length: 1 } && !Drawn.Contains(requirement.Key)
                && pods.ByIndex(ByLabel, $"{ns}/{requirement.Key}={requirement.Values[0]}") is var some && (fewest is null || some.Count < fewest.Count)) fewest = some;
        return fewest ?? pods.In(ns);
    }

    /// <summary>Lets a cache answer which of its objects <see cref="MayChoose"/> such labels.</summary>
    public static void IndexSelectors<T>(this ICache<T> cache, Func<T, LabelSelector?> selector) where T : class, IObject =>
        cache.AddIndex(BySelector, o => Asked(o.Metadata.Namespace, selector(o)));

    /// <summary>Objects whose selector may be met by such labels: one label of it is among them, or it asks for none.</summary>
    public static IEnumerable<T> MayChoose<T>(this ICache<T> cache, string ns, Map<string> labels) where T : class, IObject
    {
        foreach (var one in cache.ByIndex(BySelector, ns + "/")) yield return one;
        foreach (var (key, value) in labels)
            foreach (var one in cache.ByIndex(BySelector, $"{ns}/{key}={value}")) yield return one;
    }

    static IEnumerable<string> Asked(string ns, LabelSelector? selector)
    {
        if (selector is null) return [];
        foreach (var (key, value) in selector.MatchLabels) return [$"{ns}/{key}={value}"];
        foreach (var expression in selector.MatchExpressions)
            if (expression is { Operator: "In", Values.IsEmpty: false }) return expression.Values.Distinct().Select(v => $"{ns}/{expression.Key}={v}");
        return [ns + "/"];
    }

    /// <summary>Services whose selector may be met by such labels.</summary>
    public static IEnumerable<Service> Near(this ICache<Service> services, string ns, Map<string> labels)
    {
        foreach (var service in services.ByIndex(BySelector, ns)) yield return service;
        foreach (string value in Values(ns, labels))
            foreach (var service in services.ByIndex(BySelector, value)) yield return service;
    }
}
