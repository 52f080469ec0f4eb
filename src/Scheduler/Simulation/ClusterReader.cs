using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Simulation;

/// <summary>Takes a picture of a live cluster, to ask it questions that nobody there notices.</summary>
public static class ClusterReader
{
    public static async Task<ClusterView> ReadAsync(IClient client, CancellationToken ct)
    {
        return new()
        {
            Nodes = await All<Node>(), Pods = await All<Pod>(), Namespaces = await All<Namespace>(), Claims = await All<PersistentVolumeClaim>(), Volumes = await All<PersistentVolume>(),
            Classes = await All<StorageClass>(), CsiNodes = await All<CSINode>(), Attachments = await All<VolumeAttachment>(), Drivers = await All<CSIDriver>(), Capacities = await All<CSIStorageCapacity>(),
            Budgets = await All<PodDisruptionBudget>(), Services = await All<Service>(), DaemonSets = await All<DaemonSet>(), ReplicaSets = await All<ReplicaSet>(),
            StatefulSets = await All<StatefulSet>(), ReplicationControllers = await All<ReplicationController>(), Priorities = await All<Api.Scheduling.V1.PriorityClass>(),
            DeviceClaims = await All<ResourceClaim>(), Slices = await All<ResourceSlice>(), DeviceClasses = await All<DeviceClass>(), ClaimTemplates = await All<ResourceClaimTemplate>(),
            TaintRules = await All<Api.Resource.V1beta2.DeviceTaintRule>(), PodGroups = await Served<Api.Scheduling.V1alpha2.PodGroup>(),
        };

        async Task<IReadOnlyList<T>> All<T>() where T : class, IObject<T> => await Served<T>() ?? [];

        async Task<IReadOnlyList<T>?> Served<T>() where T : class, IObject<T>
        {
            try { return (await client.ListAsync<T>(ListQuery.All, ct)).Items; }
            // Older servers do not serve all of them.
            catch (ApiException e) when (e.IsNotFound) { return null; }
        }
    }
}
