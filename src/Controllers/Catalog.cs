using System.Collections.Immutable;
using Hanbae.Client;

namespace Hanbae.Controllers;

/// <summary>One controller: its name, as in <c>--controllers</c> and in Events, and how it is made.</summary>
/// <param name="Component">The account it works as: <c>system:serviceaccount:kube-system:</c> and this.</param>
public sealed record CatalogEntry(string Name, string Component, Func<IClusterAccess, ControllerOptions, IReconciler> Make);

/// <summary>All controllers. They run at once; the order is that in which a cluster needs them to come alive.</summary>
public static partial class Catalog
{
    public static ImmutableArray<CatalogEntry> All { get; } =
    [
        // What runs: Deployments make ReplicaSets, ReplicaSets make Pods.
        new("deployment", "deployment-controller", (c, _) => new Deployments.Roll(c)),
        new("replicaset", "replicaset-controller", (c, _) => new ReplicaSets.Scale(c)),
    ];
}
