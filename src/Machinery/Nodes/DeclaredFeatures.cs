using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Nodes;

/// <summary>What nodes declare that they can do as long as not every node of a cluster can (KEP-5328), and who needs it.</summary>
/// <remarks>Features of v1.36 that are on by default. One that all nodes have that may still join is none any more.</remarks>
public static class DeclaredFeatures
{
    const string ResizePod = "InPlacePodLevelResourcesVerticalScaling", RestartAll = "RestartAllContainersOnContainerExits";

    /// <summary>Those of a kubelet of this version, sorted.</summary>
    public static Seq<string> All { get; } = [ResizePod, RestartAll];

    /// <summary>What a node must have for the Pod to run there.</summary>
    public static Seq<string> NeededBy(PodSpec pod) => RestartsAll(pod.Containers) || RestartsAll(pod.InitContainers) ? [RestartAll] : [];

    /// <summary>What the Pod's node must have for the Pod to become another.</summary>
    public static Seq<string> NeededFor(PodSpec before, PodSpec now) => before.Resources != now.Resources ? [ResizePod] : [];

    /// <summary>Of what is needed, what a node does not declare.</summary>
    public static Seq<string> Missing(Seq<string> needed, Node node) => needed.IsEmpty ? needed : [.. needed.Where(f => !node.Status.DeclaredFeatures.Contains(f))];

    static bool RestartsAll(Seq<Container> containers)
    {
        foreach (var c in containers)
            foreach (var rule in c.RestartPolicyRules) if (rule.Action == "RestartAllContainers") return true;
        return false;
    }
}
