namespace Hanbae.Machinery.Nodes;

/// <summary>Which labels of Kubernetes' own domains a kubelet may say of its node.</summary>
public static class KubeletLabels
{
    /// <summary>Domains in which, and beneath which, any label is a kubelet's to set.</summary>
    public static IReadOnlyList<string> Namespaces { get; } = ["kubelet.kubernetes.io", "node.kubernetes.io"];

    /// <summary>Those outside of them that are.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "beta.kubernetes.io/os", "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch", "kubernetes.io/hostname", "kubernetes.io/os", "node.kubernetes.io/instance-type", "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
    ];

    /// <summary>Whether a label is in a domain of Kubernetes and not one of a kubelet's.</summary>
    public static bool IsForeign(string label)
    {
        string prefix = label.IndexOf('/') is >= 0 and var slash ? label[..slash] : "";
        return (Within(prefix, "kubernetes.io") || Within(prefix, "k8s.io")) && !Names.Contains(label) && !Namespaces.Any(ns => Within(prefix, ns));
    }

    static bool Within(string prefix, string domain) => prefix == domain || prefix.EndsWith("." + domain, StringComparison.Ordinal);
}
