using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.Tests;

/// <summary>Objects to test with.</summary>
static class Make
{
    public static DateTimeOffset Start { get; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static PodTemplateSpec Template(string app = "web", string image = "nginx:1") => new()
    {
        Metadata = new() { Labels = Map.Of(("app", app)) },
        Spec = new() { Containers = [new Container { Name = "main", Image = image }] },
    };

    public static ReplicaSet ReplicaSet(string name, int replicas, string app = "web", int minReadySeconds = 0) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new() { Replicas = replicas, MinReadySeconds = minReadySeconds, Selector = Select(app), Template = Template(app) },
    };

    public static Deployment Deployment(string name, int replicas, string image = "nginx:1", IntOrString? surge = null, IntOrString? unavailable = null, string type = "RollingUpdate") => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new()
        {
            Replicas = replicas, Selector = Select(name), Template = Template(name, image), ProgressDeadlineSeconds = 600, RevisionHistoryLimit = 10,
            Strategy = new() { Type = type, RollingUpdate = type == "Recreate" ? null : new() { MaxSurge = surge ?? "25%", MaxUnavailable = unavailable ?? "25%" } },
        },
    };

    static LabelSelector Select(string app) => new() { MatchLabels = Map.Of(("app", app)) };

    public static Pod Pod(string name, string app = "web", string node = "", string phase = "Pending", DateTimeOffset? readySince = null, ReplicaSet? of = null) => new()
    {
        Metadata = new()
        {
            Name = name, Namespace = "default", Uid = "uid-of-" + name, Labels = Map.Of(("app", app)), CreationTimestamp = Start,
            OwnerReferences = of is null ? default : [of.ControllerRef()],
        },
        Spec = new() { NodeName = node },
        Status = new()
        {
            Phase = readySince is null ? phase : "Running",
            Conditions = readySince is { } since ? [new PodCondition { Type = "Ready", Status = "True", LastTransitionTime = since }] : default,
        },
    };

    /// <summary>The Pod as a node's agent would report it running.</summary>
    public static Pod Ready(this Pod pod, DateTimeOffset? since = null) => pod with
    {
        Spec = pod.Spec with { NodeName = pod.Spec.NodeName.Length > 0 ? pod.Spec.NodeName : "node-1" },
        Status = pod.Status with { Phase = "Running", Conditions = [new PodCondition { Type = "Ready", Status = "True", LastTransitionTime = since ?? Start }] },
    };

    public static bool IsScheduledReady(this Pod pod) => pod.Status.Phase == "Running" && pod.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });

    public static Node Node(string name, params (string, string)[] labels) => new() { Metadata = new() { Name = name, Uid = "uid-of-" + name, Labels = Map.Of<string>(labels) } };

    public static Node Tainted(this Node node, string key, string effect) => node with { Spec = node.Spec with { Taints = node.Spec.Taints.Add(new() { Key = key, Effect = effect }) } };

    /// <summary>The object with another Pod template image.</summary>
    public static PodTemplateSpec Image(this PodTemplateSpec template, string image) =>
        template with { Spec = template.Spec with { Containers = [template.Spec.Containers[0] with { Image = image }] } };
}
