using System.Collections.Immutable;

namespace Hanbae.Controllers.Tests;

/// <summary>Every controller of upstream's kube-controller-manager is here, or said to be elsewhere; and what is asked to run runs.</summary>
public sealed class ControllerChoiceTests
{
    /// <summary>Name, the name it had before, and whether it runs unless one says otherwise: v1.36's <c>kube-controller-manager</c>.</summary>
    static readonly ImmutableArray<(string Name, string? Alias, bool OnByDefault)> s_upstream =
    [
        ("bootstrap-signer-controller", "bootstrapsigner", false), ("certificatesigningrequest-approving-controller", "csrapproving", true),
        ("certificatesigningrequest-cleaner-controller", "csrcleaner", true), ("certificatesigningrequest-signing-controller", "csrsigning", true),
        ("cloud-node-lifecycle-controller", "cloud-node-lifecycle", true), ("clusterrole-aggregation-controller", "clusterrole-aggregation", true),
        ("cronjob-controller", "cronjob", true), ("daemonset-controller", "daemonset", true), ("deployment-controller", "deployment", true),
        ("device-taint-eviction-controller", null, true), ("disruption-controller", "disruption", true), ("endpoints-controller", "endpoint", true),
        ("endpointslice-controller", "endpointslice", true), ("endpointslice-mirroring-controller", "endpointslicemirroring", true),
        ("ephemeral-volume-controller", "ephemeral-volume", true), ("garbage-collector-controller", "garbagecollector", true),
        ("horizontal-pod-autoscaler-controller", "horizontalpodautoscaling", true), ("job-controller", "job", true),
        ("kube-apiserver-serving-clustertrustbundle-publisher-controller", null, true),
        ("legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner", true), ("namespace-controller", "namespace", true),
        ("node-ipam-controller", "nodeipam", true), ("node-lifecycle-controller", "nodelifecycle", true), ("node-route-controller", "route", true),
        ("persistentvolume-attach-detach-controller", "attachdetach", true), ("persistentvolume-binder-controller", "persistentvolume-binder", true),
        ("persistentvolume-expander-controller", "persistentvolume-expander", true), ("persistentvolume-protection-controller", "pv-protection", true),
        ("persistentvolumeclaim-protection-controller", "pvc-protection", true), ("pod-garbage-collector-controller", "podgc", true),
        ("podcertificaterequest-cleaner-controller", null, true), ("replicaset-controller", "replicaset", true),
        ("replicationcontroller-controller", "replicationcontroller", true), ("resourceclaim-controller", "resource-claim-controller", true),
        ("resourcequota-controller", "resourcequota", true), ("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", true),
        ("selinux-warning-controller", null, false), ("service-cidr-controller", null, true), ("service-lb-controller", "service", true),
        ("serviceaccount-controller", "serviceaccount", true), ("serviceaccount-token-controller", "serviceaccount-token", true),
        ("statefulset-controller", "statefulset", true), ("storage-version-migrator-controller", null, true),
        ("storageversion-garbage-collector-controller", "storage-version-gc", true), ("taint-eviction-controller", null, true),
        ("token-cleaner-controller", "tokencleaner", false), ("ttl-after-finished-controller", "ttl-after-finished", true), ("ttl-controller", "ttl", true),
        ("validatingadmissionpolicy-status-controller", null, true), ("volumeattributesclass-protection-controller", null, true),
    ];

    [Fact]
    public void Every_controller_of_upstreams_is_here_or_said_to_be_elsewhere()
    {
        var ours = Catalog.All.ToDictionary(e => e.Name);
        Assert.Equal(ours.Count, Catalog.All.Length);
        foreach (var (name, alias, _) in s_upstream)
        {
            Assert.True(ours.ContainsKey(name) ^ Elsewhere.All.ContainsKey(name), name);
            if (ours.TryGetValue(name, out var entry)) Assert.Equal(alias, entry.Alias);
            // Whoever calls it by name is understood.
            _ = ControllerChoice.Of([name, "-" + name, .. alias is null ? (string[])[] : [alias]]);
        }
        Assert.Empty(ours.Keys.Except(s_upstream.Select(u => u.Name)));
        Assert.Empty(Elsewhere.All.Keys.Except(s_upstream.Select(u => u.Name)));
    }

    /// <summary>What kubeadm turns on besides, so that nodes can join.</summary>
    [Fact]
    public void What_upstream_runs_by_default_runs_and_what_joining_needs() =>
        Assert.Equal(["bootstrap-signer-controller", "token-cleaner-controller"],
            s_upstream.Where(u => Catalog.All.FirstOrDefault(e => e.Name == u.Name) is { } e && ControllerChoice.All.Has(e) != u.OnByDefault).Select(u => u.Name));

    [Theory]
    [InlineData("*", true, true)]
    [InlineData("*,-service-lb-controller", false, true)]
    [InlineData("-service,*", false, true)]
    [InlineData("service", true, false)]
    [InlineData("deployment,job-controller", false, false)]
    [InlineData("service-lb-controller,-service-lb-controller", true, false)]
    [InlineData("", false, false)]
    public void A_name_adds_one_with_a_dash_takes_it_away_and_a_star_is_all(string said, bool balances, bool countsQuota)
    {
        var choice = ControllerChoice.Of(said.Split(','));
        Assert.Equal((balances, countsQuota), (choice.Has(Catalog.All.Single(e => e.Alias == "service")), choice.Has(Catalog.All.Single(e => e.Alias == "resourcequota"))));
    }

    [Fact]
    public void A_name_that_is_none_is_refused() =>
        Assert.Equal("\"nosuch\" is not in the list of known controllers", Assert.Throws<FormatException>(() => ControllerChoice.Of(["*", "nosuch"])).Message);
}
