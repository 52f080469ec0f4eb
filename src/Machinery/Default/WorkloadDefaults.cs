using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of what keeps Pods running.</summary>
static class WorkloadDefaults
{
    public static Deployment Deployment(Deployment o)
    {
        var strategy = o.Spec.Strategy with { Type = o.Spec.Strategy.Type.Or("RollingUpdate") };
        if (strategy.Type == "RollingUpdate")
        {
            var roll = strategy.RollingUpdate ?? RollingUpdateDeployment.Empty;
            strategy = strategy with { RollingUpdate = roll with { MaxUnavailable = roll.MaxUnavailable ?? "25%", MaxSurge = roll.MaxSurge ?? "25%" } };
        }
        return o with
        {
            Spec = o.Spec with
            {
                Replicas = o.Spec.Replicas ?? 1,
                Strategy = strategy,
                RevisionHistoryLimit = o.Spec.RevisionHistoryLimit ?? 10,
                ProgressDeadlineSeconds = o.Spec.ProgressDeadlineSeconds ?? 600,
                Template = PodDefaults.Template(o.Spec.Template),
            },
        };
    }

    public static ReplicaSet ReplicaSet(ReplicaSet o) =>
        o with { Spec = o.Spec with { Replicas = o.Spec.Replicas ?? 1, Template = PodDefaults.Template(o.Spec.Template) } };

    public static ReplicationController ReplicationController(ReplicationController o)
    {
        var template = o.Spec.Template is { } t ? PodDefaults.Template(t) : null;
        var labels = template?.Metadata.Labels ?? default;
        return o with
        {
            Metadata = o.Metadata.Labels.IsEmpty && !labels.IsEmpty ? o.Metadata with { Labels = labels } : o.Metadata,
            Spec = o.Spec with { Replicas = o.Spec.Replicas ?? 1, Template = template, Selector = o.Spec.Selector.IsEmpty ? labels : o.Spec.Selector },
        };
    }

    public static DaemonSet DaemonSet(DaemonSet o)
    {
        var strategy = o.Spec.UpdateStrategy with { Type = o.Spec.UpdateStrategy.Type.Or("RollingUpdate") };
        if (strategy.Type == "RollingUpdate")
        {
            var roll = strategy.RollingUpdate ?? RollingUpdateDaemonSet.Empty;
            strategy = strategy with { RollingUpdate = roll with { MaxUnavailable = roll.MaxUnavailable ?? 1, MaxSurge = roll.MaxSurge ?? 0 } };
        }
        return o with
        {
            Spec = o.Spec with { UpdateStrategy = strategy, RevisionHistoryLimit = o.Spec.RevisionHistoryLimit ?? 10, Template = PodDefaults.Template(o.Spec.Template) },
        };
    }

    public static StatefulSet StatefulSet(StatefulSet o)
    {
        var strategy = o.Spec.UpdateStrategy;
        if (strategy.Type.Length == 0) strategy = strategy with { Type = "RollingUpdate", RollingUpdate = strategy.RollingUpdate ?? RollingUpdateStatefulSetStrategy.Empty };
        if (strategy is { Type: "RollingUpdate", RollingUpdate: { Partition: null } roll }) strategy = strategy with { RollingUpdate = roll with { Partition = 0 } };
        var retention = o.Spec.PersistentVolumeClaimRetentionPolicy ?? StatefulSetPersistentVolumeClaimRetentionPolicy.Empty;
        return o with
        {
            Spec = o.Spec with
            {
                PodManagementPolicy = o.Spec.PodManagementPolicy.Or("OrderedReady"),
                UpdateStrategy = strategy,
                PersistentVolumeClaimRetentionPolicy = retention with { WhenDeleted = retention.WhenDeleted.Or("Retain"), WhenScaled = retention.WhenScaled.Or("Retain") },
                Replicas = o.Spec.Replicas ?? 1,
                RevisionHistoryLimit = o.Spec.RevisionHistoryLimit ?? 10,
                Template = PodDefaults.Template(o.Spec.Template),
                VolumeClaimTemplates = o.Spec.VolumeClaimTemplates.Each(StorageDefaults.Claim),
            },
        };
    }
}
