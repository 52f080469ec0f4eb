using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Namespaces;

/// <summary>Tells users what keeps a namespace from going.</summary>
static class DeleteConditions
{
    public static Seq<NamespaceCondition> For(Seq<NamespaceCondition> old, IReadOnlyCollection<Leftover> left, IReadOnlyCollection<string> failures, string unknown, DateTimeOffset now)
    {
        string resources = string.Join(", ", left.Select(l => $"{l.Resource.Resource}.{l.Resource.Group} has {l.Count} resource instances").Order(StringComparer.Ordinal));
        var held = left.SelectMany(l => l.Finalizers).GroupBy(f => f).OrderBy(g => g.Key, StringComparer.Ordinal);
        string finalizers = string.Join(", ", held.Select(g => $"{g.Key} in {g.Count()} resource instances"));
        return old
            .Set(now, "NamespaceDeletionDiscoveryFailure", unknown.Length > 0, unknown.Length > 0 ? "DiscoveryFailed" : "ResourcesDiscovered",
                unknown.Length > 0 ? unknown : "All resources successfully discovered")
            .Set(now, "NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", "All legacy kube types successfully parsed")
            .Set(now, "NamespaceDeletionContentFailure", failures.Count > 0, failures.Count > 0 ? "ContentDeletionFailed" : "ContentDeleted",
                failures.Count > 0 ? $"Failed to delete all resource types, {failures.Count} remaining: {string.Join(", ", failures.Order(StringComparer.Ordinal))}"
                    : "All content successfully deleted, may be waiting on finalization")
            .Set(now, "NamespaceContentRemaining", left.Count > 0, left.Count > 0 ? "SomeResourcesRemain" : "ContentRemoved",
                left.Count > 0 ? "Some resources are remaining: " + resources : "All content successfully removed")
            .Set(now, "NamespaceFinalizersRemaining", finalizers.Length > 0, finalizers.Length > 0 ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                finalizers.Length > 0 ? "Some content in the namespace has finalizers remaining: " + finalizers : "All content-preserving finalizers finished");
    }

    static Seq<NamespaceCondition> Set(this Seq<NamespaceCondition> all, DateTimeOffset now, string type, bool holds, string reason, string message)
    {
        string status = holds ? "True" : "False";
        int at = all.IndexOf(c => c.Type == type);
        var next = new NamespaceCondition
        {
            Type = type, Status = status, Reason = reason, Message = message,
            LastTransitionTime = at >= 0 && all[at].Status == status ? all[at].LastTransitionTime : now,
        };
        return at < 0 ? all.Add(next) : all.SetAt(at, next);
    }
}
