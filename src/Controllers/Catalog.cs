using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.ReplicaSets;

namespace Hanbae.Controllers;

/// <summary>One controller: its name, as in <c>--controllers</c>, and how it is made.</summary>
/// <param name="Alias">What upstream called it before, and still takes.</param>
/// <param name="Component">The account it works as: <c>system:serviceaccount:kube-system:</c> and this.</param>
public sealed record CatalogEntry(string Name, string? Alias, string Component, Func<IClusterAccess, ControllerOptions, IReconciler> Make)
{
    /// <summary>The source of its Events, where upstream names that otherwise.</summary>
    public string EventSource { get => field ?? Component; init; }
    /// <summary>What it works on, where that is not served by default: without it, there is nothing to do.</summary>
    public GroupResource? Needs { get; init; }
}

/// <summary>All controllers. They run at once; the order is that in which a cluster needs them to come alive.</summary>
public static partial class Catalog
{
    public static ImmutableArray<CatalogEntry> All { get; } =
    [
        // What everything else in a namespace needs.
        new("serviceaccount-controller", "serviceaccount", "service-account-controller", (c, _) => new ServiceAccounts.EnsureDefault(c)),
        new("serviceaccount-token-controller", "serviceaccount-token", "tokens-controller", (c, o) => new ServiceAccounts.TokenSecrets(c, o)),
        new("legacy-serviceaccount-token-cleaner-controller", "legacy-service-account-token-cleaner", "legacy-service-account-token-cleaner", (c, o) => new ServiceAccounts.CleanLegacyTokens(c, o)),
        new("root-ca-certificate-publisher-controller", "root-ca-cert-publisher", "root-ca-cert-publisher", (c, o) => new RootCa.Publish(c, o)),
        // What runs: Deployments make ReplicaSets, ReplicaSets make Pods.
        new("deployment-controller", "deployment", "deployment-controller", (c, _) => new Deployments.Roll(c)),
        new("replicaset-controller", "replicaset", "replicaset-controller", (c, _) => new Scale<ReplicaSet>(c, Scaled.ReplicaSets)),
        new("replicationcontroller-controller", "replicationcontroller", "replication-controller", (c, _) => new Scale<ReplicationController>(c, Scaled.ReplicationControllers)),
        new("daemonset-controller", "daemonset", "daemon-set-controller", (c, _) => new DaemonSets.Run(c)) { EventSource = "daemonset-controller" },
        new("statefulset-controller", "statefulset", "statefulset-controller", (c, _) => new StatefulSets.Run(c)),
        new("job-controller", "job", "job-controller", (c, _) => new Jobs.Run(c)),
        new("cronjob-controller", "cronjob", "cronjob-controller", (c, _) => new CronJobs.Start(c)),
        new("ttl-after-finished-controller", "ttl-after-finished", "ttl-after-finished-controller", (c, _) => new TtlAfterFinished.Expire(c)),
        // How it is found.
        new("endpointslice-controller", "endpointslice", "endpointslice-controller", (c, _) => new EndpointSlices.Reflect(c)) { EventSource = "endpoint-slice-controller" },
        new("endpoints-controller", "endpoint", "endpoint-controller", (c, _) => new Endpoints.Reflect(c)),
        new("endpointslice-mirroring-controller", "endpointslicemirroring", "endpointslicemirroring-controller", (c, _) => new EndpointSliceMirroring.Mirror(c)) { EventSource = "endpoint-slice-mirroring-controller" },
        new("service-lb-controller", "service", "service-controller", (c, _) => new Services.Balance(c)),
        // How much of it may be disturbed.
        new("disruption-controller", "disruption", "disruption-controller", (c, _) => new PodDisruptionBudgets.Allow(c)) { EventSource = "controllermanager" },
        // How much of it there may be.
        new("resourcequota-controller", "resourcequota", "resourcequota-controller", (c, _) => new ResourceQuotas.Count(c)),
        new("horizontal-pod-autoscaler-controller", "horizontalpodautoscaling", "horizontal-pod-autoscaler", (c, _) => new HorizontalPodAutoscalers.Autoscale(c)),
        // Where it keeps its data. The claims of ephemeral volumes come before what gives claims their volumes.
        new("ephemeral-volume-controller", "ephemeral-volume", "ephemeral-volume-controller", (c, _) => new Volumes.Ephemeral(c)) { EventSource = "ephemeral_volume" },
        new("persistentvolume-binder-controller", "persistentvolume-binder", "persistent-volume-binder", (c, o) => new PersistentVolumes.Bind(c, o)) { EventSource = "persistentvolume-controller" },
        new("persistentvolume-attach-detach-controller", "attachdetach", "attachdetach-controller", (c, o) => new Volumes.Attach(c, o)) { EventSource = "attachdetach-controller" },
        new("persistentvolume-expander-controller", "persistentvolume-expander", "expand-controller", (c, _) => new PersistentVolumeClaims.Expand(c)) { EventSource = "volume_expand" },
        new("persistentvolumeclaim-protection-controller", "pvc-protection", "pvc-protection-controller", (c, _) => new PersistentVolumeClaims.Protect(c)),
        new("persistentvolume-protection-controller", "pv-protection", "pv-protection-controller", (c, _) => new PersistentVolumes.Protect(c)),
        new("volumeattributesclass-protection-controller", null, "volumeattributesclass-protection-controller", (c, _) => new VolumeAttributesClasses.Protect(c)),
        // What devices it may use (dynamic resource allocation), and when it has to leave them.
        new("resourceclaim-controller", "resource-claim-controller", "resource-claim-controller", (c, _) => new ResourceClaims.Run(c)) { EventSource = "resource_claim" },
        new("device-taint-eviction-controller", null, "device-taint-eviction-controller", (c, _) => new DeviceTaints.Evict(c)),
        // Who may do what.
        new("clusterrole-aggregation-controller", "clusterrole-aggregation", "clusterrole-aggregation-controller", (c, _) => new ClusterRoles.Aggregate(c)),
        // Who they are: certificates that are asked for.
        new("certificatesigningrequest-approving-controller", "csrapproving", "certificate-controller", (c, _) => new Certificates.Approve(c)),
        new("certificatesigningrequest-signing-controller", "csrsigning", "certificate-controller", (c, o) => new Certificates.Sign(c, o)),
        new("certificatesigningrequest-cleaner-controller", "csrcleaner", "certificate-controller", (c, _) => new Certificates.Clean(c)),
        new("podcertificaterequest-cleaner-controller", null, "podcertificaterequestcleaner", (c, _) => new Certificates.CleanPods(c)) { Needs = new("certificates.k8s.io", "podcertificaterequests") },
        new("bootstrap-signer-controller", "bootstrapsigner", "bootstrap-signer", (c, _) => new BootstrapTokens.SignClusterInfo(c)),
        new("token-cleaner-controller", "tokencleaner", "token-cleaner", (c, _) => new BootstrapTokens.Clean(c)),
        // What goes: namespaces with all they hold.
        new("namespace-controller", "namespace", "namespace-controller", (c, _) => new Namespaces.Delete(c)),
        new("garbage-collector-controller", "garbagecollector", "generic-garbage-collector", (c, _) => new Garbage.Collect(c)),
        new("pod-garbage-collector-controller", "podgc", "pod-garbage-collector", (c, o) => new Pods.Sweep(c, o)),
        // How it is stored.
        new("storage-version-migrator-controller", null, "storage-version-migrator-controller", (c, _) => new StorageVersionMigrations.Migrate(c)),
        // Where it runs.
        new("node-ipam-controller", "nodeipam", "node-controller", (c, o) => new Nodes.Ipam(c, o)) { EventSource = "cidrAllocator" },
        new("ttl-controller", "ttl", "ttl-controller", (c, _) => new Nodes.SecretTtl(c)),
        new("node-lifecycle-controller", "nodelifecycle", "node-controller", (c, o) => new Nodes.Lifecycle(c, o)),
        new("taint-eviction-controller", null, "node-controller", (c, _) => new Nodes.Evict(c)) { EventSource = "taint-eviction-controller" },
    ];
}
