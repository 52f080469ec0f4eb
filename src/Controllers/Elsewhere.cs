using System.Collections.Frozen;

namespace Hanbae.Controllers;

/// <summary>Upstream's controllers that are none of ours: so that <c>--controllers</c> takes every name that upstream's does, and nobody looks for them here.</summary>
public static class Elsewhere
{
    /// <summary>By upstream's name, where what it does is done, or why nothing has to be.</summary>
    public static FrozenDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["service-cidr-controller"] = "the API server: a range is ready as soon as it is written, and held while an address of it is in use (Registry/Strategies/AddressStrategies)",
        ["validatingadmissionpolicy-status-controller"] = "the API server, which knows the schemas of all kinds (Admission/Policies/PolicyStatus)",
        ["node-route-controller"] = "the node's own network: one node needs no routes to others",
        ["cloud-node-lifecycle-controller"] = "nowhere: there is no cloud to ask whether a machine is gone",
        ["storageversion-garbage-collector-controller"] = "nowhere: off by default upstream, behind the gates APIServerIdentity and StorageVersionAPI",
        ["selinux-warning-controller"] = "nowhere: off by default upstream",
        ["kube-apiserver-serving-clustertrustbundle-publisher-controller"] = "the program itself, which knows the certificate, where ClusterTrustBundles are served (Host/Roles/ServingTrustBundle)",
    }.ToFrozenDictionary();

    internal static FrozenSet<string> Names { get; } =
        [.. All.Keys, "route", "cloud-node-lifecycle", "storage-version-gc"];
}
