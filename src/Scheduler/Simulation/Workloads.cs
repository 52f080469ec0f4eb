using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Nodes;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Simulation;

/// <summary>The Pods that controllers would make of a workload, and the claims that come with them; those that there are already are not made again.</summary>
internal sealed class Workloads(ClusterView cluster)
{
    /// <summary>A Pod to be placed.</summary>
    /// <param name="Workload">What it is of, as kind/namespace/name; Pods of one are alike.</param>
    public sealed record Wanted(Pod Pod, string Workload);

    readonly Dictionary<string, int> _priorities = cluster.Priorities.ToDictionary(p => p.Metadata.Name, p => p.Value);
    readonly Api.Scheduling.V1.PriorityClass? _usual = cluster.Priorities.FirstOrDefault(p => p.GlobalDefault == true);

    public List<PersistentVolumeClaim> Claims { get; } = [];
    public List<ResourceClaim> DeviceClaims { get; } = [];

    public IEnumerable<Wanted> PodsOf(IObject o) => o switch
    {
        Pod p => [new(Complete(p, p.Metadata.Namespace), Name(o))],
        Deployment d => Stamp(d, d.Spec.Template, d.Spec.Replicas ?? 1),
        ReplicaSet s => Stamp(s, s.Spec.Template, s.Spec.Replicas ?? 1),
        ReplicationController c => c.Spec.Template is { } t ? Stamp(c, t, c.Spec.Replicas ?? 1) : [],
        StatefulSet s => Ordered(s),
        Job j => Stamp(j, j.Spec.Template, Math.Min(j.Spec.Parallelism ?? 1, j.Spec.Completions ?? j.Spec.Parallelism ?? 1)),
        CronJob c => Stamp(c, c.Spec.JobTemplate.Spec.Template, Math.Min(c.Spec.JobTemplate.Spec.Parallelism ?? 1, c.Spec.JobTemplate.Spec.Completions ?? c.Spec.JobTemplate.Spec.Parallelism ?? 1)),
        DaemonSet d => cluster.Nodes.SelectMany(n => OnNode(d, n)),
        _ => [],
    };

    public static string Name(IObject o) => $"{o.Kind().Kind}/{o.Metadata.Namespace}/{o.Metadata.Name}";

    IEnumerable<Wanted> Stamp(IObject owner, PodTemplateSpec template, int count)
    {
        for (int i = 0; i < count; i++) yield return new(Make(owner, template, $"{owner.Metadata.Name}-{i.ToString(CultureInfo.InvariantCulture)}"), Name(owner));
    }

    IEnumerable<Wanted> Ordered(StatefulSet set)
    {
        int start = set.Spec.Ordinals?.Start ?? 0;
        for (int i = start; i < start + (set.Spec.Replicas ?? 1); i++)
        {
            string name = $"{set.Metadata.Name}-{i.ToString(CultureInfo.InvariantCulture)}";
            var pod = Make(set, set.Spec.Template, name);
            foreach (var template in set.Spec.VolumeClaimTemplates)
            {
                string claim = $"{template.Metadata.Name}-{name}";
                Add(template with { Metadata = template.Metadata with { Name = claim, Namespace = set.Metadata.Namespace, Uid = "claim/" + set.Metadata.Namespace + "/" + claim } });
                var volume = new Volume { Name = template.Metadata.Name, PersistentVolumeClaim = new() { ClaimName = claim } };
                pod = pod with { Spec = pod.Spec with { Volumes = [.. pod.Spec.Volumes.Where(v => v.Name != template.Metadata.Name), volume] } };
            }
            yield return new(pod, Name(set));
        }
    }

    /// <summary>The Pod of a DaemonSet on a node; none where its own terms or the node's taints keep it away.</summary>
    public IEnumerable<Wanted> OnNode(DaemonSet set, Node node)
    {
        var pod = Make(set, set.Spec.Template, $"{set.Metadata.Name}-{node.Metadata.Name}");
        var wants = pod.Spec with { Tolerations = [.. pod.Spec.Tolerations, .. s_daemonTolerations] };
        if (!NodeTerms.Allows(wants, node) || TaintsRepel(wants, node)) yield break;
        var here = new NodeSelectorTerm { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = [node.Metadata.Name] }] };
        var affinity = wants.Affinity ?? new();
        var required = affinity.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution;
        var terms = required is null ? [here] : required.NodeSelectorTerms.Select(t => t with { MatchFields = here.MatchFields }).ToSeq();
        wants = wants with { Affinity = affinity with { NodeAffinity = (affinity.NodeAffinity ?? new()) with { RequiredDuringSchedulingIgnoredDuringExecution = new() { NodeSelectorTerms = terms } } } };
        yield return new(pod with { Spec = wants }, Name(set));
    }

    static readonly Seq<Toleration> s_daemonTolerations =
        [.. new[] { "not-ready:NoExecute", "unreachable:NoExecute", "disk-pressure:NoSchedule", "memory-pressure:NoSchedule", "pid-pressure:NoSchedule", "unschedulable:NoSchedule" }
            .Select(t => t.Split(':')).Select(t => new Toleration { Key = "node.kubernetes.io/" + t[0], Operator = "Exists", Effect = t[1] })];

    static bool TaintsRepel(PodSpec pod, Node node) => node.Spec.Taints.Exists(t => t.Effect is "NoSchedule" or "NoExecute" && !Tolerations.Any(pod.Tolerations, t));

    Pod Make(IObject owner, PodTemplateSpec template, string name) => Complete(new()
    {
        Metadata = new()
        {
            Name = name, Namespace = owner.Metadata.Namespace, Uid = $"pod/{Name(owner)}/{name}", Labels = template.Metadata.Labels, Annotations = template.Metadata.Annotations,
            OwnerReferences = [new OwnerReference { ApiVersion = owner.Kind().ApiVersion, Kind = owner.Kind().Kind, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true }],
        },
        Spec = template.Spec,
    }, owner.Metadata.Namespace);

    /// <summary>As admission and the claims' controllers would have it: a priority, and the claims that are made of its templates.</summary>
    Pod Complete(Pod pod, string ns)
    {
        if (pod.Spec.Priority is null)
        {
            string named = pod.Spec.PriorityClassName;
            int priority = named switch
            {
                "" => _usual?.Value ?? 0, "system-cluster-critical" => 2_000_000_000, "system-node-critical" => 2_000_001_000, _ => _priorities.GetValueOrDefault(named),
            };
            pod = pod with { Spec = pod.Spec with { Priority = priority, PreemptionPolicy = pod.Spec.PreemptionPolicy ?? cluster.Priorities.FirstOrDefault(p => p.Metadata.Name == named)?.PreemptionPolicy } };
        }
        var owner = new OwnerReference { ApiVersion = "v1", Kind = "Pod", Name = pod.Metadata.Name, Uid = pod.Metadata.Uid, Controller = true };
        foreach (var volume in pod.Spec.Volumes)
            if (volume.Ephemeral?.VolumeClaimTemplate is { } t)
                Add(new()
                {
                    Metadata = new()
                    {
                        Name = $"{pod.Metadata.Name}-{volume.Name}", Namespace = ns, Uid = $"claim/{ns}/{pod.Metadata.Name}-{volume.Name}",
                        Labels = t.Metadata.Labels, OwnerReferences = [owner],
                    },
                    Spec = t.Spec,
                });
        foreach (var entry in pod.Spec.ResourceClaims)
        {
            if (entry.ResourceClaimTemplateName is not { } template || pod.Status.ResourceClaimStatuses.Exists(s => s.Name == entry.Name)) continue;
            if (cluster.ClaimTemplates.FirstOrDefault(t => t.Metadata.Name == template && t.Metadata.Namespace == ns) is not { } made) continue;
            string name = $"{pod.Metadata.Name}-{entry.Name}";
            DeviceClaims.Add(new() { Metadata = new() { Name = name, Namespace = ns, Uid = $"devices/{ns}/{name}", OwnerReferences = [owner] }, Spec = made.Spec.Spec });
            pod = pod with { Status = pod.Status with { ResourceClaimStatuses = pod.Status.ResourceClaimStatuses.Add(new() { Name = entry.Name, ResourceClaimName = name }) } };
        }
        return pod;
    }

    void Add(PersistentVolumeClaim claim)
    {
        if (!cluster.Claims.Any(c => Key.Of(c) == Key.Of(claim)) && !Claims.Exists(c => Key.Of(c) == Key.Of(claim))) Claims.Add(claim);
    }
}
