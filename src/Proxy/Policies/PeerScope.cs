using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>Pods at the other end, as selectors have them: of the policy's namespace or of those selected. Peers of many policies that are put alike are one.</summary>
internal sealed class PeerScope : IEquatable<PeerScope>
{
    readonly string _namespace;
    readonly Selector? _namespaces;
    readonly Selector _pods;

    PeerScope(string ns, Selector? namespaces, Selector pods)
    {
        (_namespace, _namespaces, _pods) = (ns, namespaces, pods);
        // A namespace's name has no blank, so that the two forms cannot be mistaken for each other.
        Set = "pods-" + RuleName.Of(namespaces is null ? $"{ns}\n{pods}" : $" {namespaces}\n{pods}");
    }

    /// <param name="ns">The policy's.</param>
    /// <param name="namespaces">Null: the policy's own only.</param>
    /// <param name="pods">Null: all.</param>
    public static PeerScope Of(string ns, LabelSelector? namespaces, LabelSelector? pods) =>
        new(ns, namespaces?.ToSelector(), pods is null ? Selector.Everything : pods.ToSelector());

    /// <summary>The set of their addresses.</summary>
    public string Set { get; }

    /// <param name="labels">Of the Pod's namespace.</param>
    public bool Selects(PolicyPod pod, Map<string> labels) =>
        (_namespaces is null ? pod.Namespace == _namespace : _namespaces.Matches(labels)) && _pods.Matches(pod.Labels);

    public bool Equals(PeerScope? other) => Set == other?.Set;
    public override bool Equals(object? obj) => Equals(obj as PeerScope);
    public override int GetHashCode() => Set.GetHashCode(StringComparison.Ordinal);
}
