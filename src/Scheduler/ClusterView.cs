using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler;

/// <summary>A cluster as it was at one moment, for questions about decisions that nobody has to act on.</summary>
public sealed record ClusterView
{
    public IReadOnlyList<Node> Nodes { get; init; } = [];
    public IReadOnlyList<Pod> Pods { get; init; } = [];
    public IReadOnlyList<Namespace> Namespaces { get; init; } = [];
    public IReadOnlyList<PersistentVolumeClaim> Claims { get; init; } = [];
    public IReadOnlyList<PersistentVolume> Volumes { get; init; } = [];
    public IReadOnlyList<StorageClass> Classes { get; init; } = [];
    public IReadOnlyList<CSINode> CsiNodes { get; init; } = [];
    public IReadOnlyList<VolumeAttachment> Attachments { get; init; } = [];
    public IReadOnlyList<CSIDriver> Drivers { get; init; } = [];
    public IReadOnlyList<CSIStorageCapacity> Capacities { get; init; } = [];
    public IReadOnlyList<PodDisruptionBudget> Budgets { get; init; } = [];
    public IReadOnlyList<Service> Services { get; init; } = [];
    public IReadOnlyList<Api.Resource.V1.ResourceClaim> DeviceClaims { get; init; } = [];
    public IReadOnlyList<Api.Resource.V1.ResourceSlice> Slices { get; init; } = [];
    public IReadOnlyList<Api.Resource.V1.DeviceClass> DeviceClasses { get; init; } = [];
    public IReadOnlyList<Api.Resource.V1.ResourceClaimTemplate> ClaimTemplates { get; init; } = [];
    public IReadOnlyList<Api.Resource.V1beta2.DeviceTaintRule> TaintRules { get; init; } = [];
    /// <summary>Null where they are not served: then Pods that name one are as others.</summary>
    public IReadOnlyList<Api.Scheduling.V1alpha2.PodGroup>? PodGroups { get; init; }
    public IReadOnlyList<Api.Apps.V1.DaemonSet> DaemonSets { get; init; } = [];
    public IReadOnlyList<Api.Apps.V1.ReplicaSet> ReplicaSets { get; init; } = [];
    public IReadOnlyList<Api.Apps.V1.StatefulSet> StatefulSets { get; init; } = [];
    public IReadOnlyList<ReplicationController> ReplicationControllers { get; init; } = [];
    public IReadOnlyList<Api.Scheduling.V1.PriorityClass> Priorities { get; init; } = [];
    public SchedulerConfiguration Configuration { get; init; } = new();

    internal Snapshot Snapshot()
    {
        var snapshot = new Snapshot();
        foreach (var o in Namespaces) snapshot.SetNamespace(o.Metadata.Name, o.Metadata.Labels);
        foreach (var o in Nodes) snapshot.Set(o);
        foreach (var o in Claims) snapshot.Storage.Claims[Key.Of(o)] = o;
        foreach (var o in Volumes) snapshot.Storage.Volumes[o.Metadata.Name] = o;
        foreach (var o in Classes) snapshot.Storage.Classes[o.Metadata.Name] = o;
        foreach (var o in CsiNodes) snapshot.Storage.CsiNodes[o.Metadata.Name] = o;
        foreach (var o in Attachments) snapshot.Storage.Attach(o);
        foreach (var o in Drivers) snapshot.Storage.Drivers[o.Metadata.Name] = o;
        foreach (var o in Capacities) snapshot.Storage.Capacities[Key.Of(o)] = o;
        foreach (var o in Budgets) snapshot.Budgets.Set(o);
        foreach (var o in Services) snapshot.Owners.SetService(Key.Of(o), o.Spec.Selector);
        foreach (var o in ReplicationControllers) snapshot.Owners.SetWorkload("ReplicationController", Key.Of(o), o.Spec.Selector.ToSelector());
        foreach (var o in ReplicaSets) snapshot.Owners.SetWorkload("ReplicaSet", Key.Of(o), Tallies.PodScope.SelectorOf(o.Spec.Selector));
        foreach (var o in StatefulSets) snapshot.Owners.SetWorkload("StatefulSet", Key.Of(o), Tallies.PodScope.SelectorOf(o.Spec.Selector));
        foreach (var o in DeviceClasses) snapshot.Devices.Set(o);
        foreach (var o in Slices) snapshot.Devices.Set(o);
        foreach (var o in TaintRules) snapshot.Devices.Set(o);
        foreach (var o in DeviceClaims) snapshot.Devices.Set(o);
        snapshot.Groups.AreServed = PodGroups is not null;
        foreach (var o in PodGroups ?? []) snapshot.Groups.Set(o);
        foreach (var pod in Pods)
        {
            if (pod.Status.Phase is "Succeeded" or "Failed") continue;
            var info = new PodInfo(pod);
            snapshot.Groups.Join(info);
            if (pod.Spec.NodeName.Length > 0) snapshot.Place(info, pod.Spec.NodeName);
            else if (pod.Status.NominatedNodeName.Length > 0) snapshot.Nominate(info, pod.Status.NominatedNodeName);
        }
        return snapshot;
    }
}
