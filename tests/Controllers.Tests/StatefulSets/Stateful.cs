using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.StatefulSets;

namespace Hanbae.Controllers.Tests.StatefulSets;

/// <summary>StatefulSets and their members to test with.</summary>
static class Stateful
{
    public static StatefulSet Set(string name, int replicas, bool parallel = false, int partition = 0, IntOrString? unavailable = null, string type = "RollingUpdate", int start = 0) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new()
        {
            Replicas = replicas, Selector = new() { MatchLabels = Map.Of(("app", name)) }, Template = Make.Template(name), ServiceName = "svc", RevisionHistoryLimit = 10,
            PodManagementPolicy = parallel ? "Parallel" : "OrderedReady", Ordinals = start == 0 ? null : new() { Start = start },
            UpdateStrategy = new() { Type = type, RollingUpdate = type == "OnDelete" ? null : new() { Partition = partition, MaxUnavailable = unavailable } },
        },
    };

    public static StatefulSet WithClaims(this StatefulSet set, string whenDeleted = "Retain", string whenScaled = "Retain") => set with
    {
        Spec = set.Spec with
        {
            VolumeClaimTemplates = [new PersistentVolumeClaim { Metadata = new() { Name = "data" }, Spec = new() { AccessModes = ["ReadWriteOnce"], Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } } }],
            PersistentVolumeClaimRetentionPolicy = new() { WhenDeleted = whenDeleted, WhenScaled = whenScaled },
        },
    };

    /// <param name="state">What it looks like: <c>new</c> or <c>old</c> by revision; then <c>!</c> not ready, <c>x</c> on its way out, <c>f</c> failed.</param>
    public static Pod Member(StatefulSet set, int ordinal, string state)
    {
        var pod = Identity.Make(set, set.Spec.Template, state.StartsWith("new", StringComparison.Ordinal) ? "r2" : "r1", ordinal);
        pod = (pod with { Metadata = pod.Metadata with { Uid = "uid-of-" + pod.Metadata.Name, CreationTimestamp = Make.Start } }).Ready();
        return state[^1] switch
        {
            '!' => pod with { Status = pod.Status with { Conditions = default } },
            'x' => pod with { Metadata = pod.Metadata with { DeletionTimestamp = Make.Start } },
            'f' => pod with { Status = new() { Phase = "Failed" } },
            _ => pod,
        };
    }

    public static RunPlan Plan(StatefulSet set, string states, params PersistentVolumeClaim[] claims)
    {
        var pods = states.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((s, i) => (s, i)).Where(s => s.s != "-").Select(s => Member(set, s.i, s.s)).ToImmutableArray();
        return RunPlan.For(set, new("r1", set.Spec.Template), new("r2", set.Spec.Template), pods, name => claims.FirstOrDefault(c => c.Metadata.Name == name), Make.Start.AddDays(1));
    }

    /// <summary>The steps as text: <c>+1</c> to make, <c>-1</c> to delete, <c>~1</c> to repair, <c>c1</c> for claims.</summary>
    public static string Text(this RunPlan plan) => string.Join(' ', plan.Steps.Select(s => "+-~c"[(int)s.Kind] + s.Ordinal.ToString()));
}
