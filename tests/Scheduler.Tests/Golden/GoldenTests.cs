using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Kit;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Scheduler.Tests.Golden;

/// <summary>Cases as people write them: a cluster, a Pod, the nodes that fit and what is said of the others.</summary>
/// <remarks>
/// A file is one cluster (<c>objects</c>, in the API's own form) and its <c>cases</c>: <c>pod</c> is a spec, <c>labels</c> the Pod's, <c>fits</c> the nodes in any order,
/// <c>why</c> the condition's message up to what is said of making room, <c>takes</c> the node that has the best score, <c>victims</c> who is made to go for it,
/// <c>held</c> why nobody looks for a node at all. A case with a <c>gang</c> (<c>minCount</c>, and <c>pods</c>, specs by name) says of all of them together: <c>scheduled</c>, <c>says</c> what each is told, <c>leaves</c> who has to go.
/// </remarks>
public sealed class GoldenTests
{
    static readonly string Folder = Path.Combine(Repository.Root, "tests/Scheduler.Tests/Golden");

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string file in Directory.GetFiles(Folder, "*.yaml").Order(StringComparer.Ordinal))
            foreach (var @case in Read(file).Cases) cases.Add(Path.GetFileNameWithoutExtension(file), Text(@case["name"]));
        return cases;
    }

    [Fact]
    public void There_are_hundreds_of_cases_and_each_has_a_name_of_its_own()
    {
        var names = Directory.GetFiles(Folder, "*.yaml").SelectMany(f => Read(f).Cases.Select(c => Path.GetFileName(f) + ": " + Text(c["name"]))).ToList();
        Assert.Empty(names.GroupBy(n => n).Where(g => g.Count() > 1).Select(g => g.Key));
        Assert.True(names.Count >= 300, names.Count.ToString());
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_decision_is_the_golden_one(string file, string name)
    {
        var (cluster, cases) = Read(Path.Combine(Folder, file + ".yaml"));
        var @case = cases.Single(c => Text(c["name"]) == name);
        if (@case["gang"] is JsonObject gang) { Decide(gang, @case, cluster); return; }
        var pod = new Pod
        {
            Metadata = new() { Name = "it", Namespace = @case["namespace"] is { } ns ? Text(ns) : "default", Uid = "uid-it", Labels = Strings(@case["labels"]) },
            Spec = Message<PodSpec>(@case["pod"] ?? JsonObject.Empty) is var spec && spec.Containers.IsEmpty ? spec with { Containers = [new() { Name = "main" }] } : spec,
        };
        var report = Why.Of(pod, cluster);
        Assert.Equal(Names(@case["fits"]).Order(), report.Nodes.Where(n => n.Fits).Select(n => n.Node).Order());
        if (@case["why"] is { } why) Assert.Equal(Text(why), Before(report.Summary));
        if (@case["takes"] is { } takes) Assert.Equal(Text(takes), report.Nodes[0].Node);
        if (@case["held"] is { } held) Assert.Equal(Text(held), report.HeldBack);
        if (@case["victims"] is { } victims) Assert.Equal(Text(victims), report.MakesRoom);
        Assert.All(report.Nodes.Where(n => !n.Fits), n => Assert.NotEmpty(n.Obstacles));
        // The one decision that counts is among them.
        var decided = new Cycle(new Profile(new()), new Random(1)).Decide(new(pod), cluster.Snapshot());
        if (report.Nodes.Any(n => n.Fits)) Assert.Contains(report.Nodes, n => n.Fits && n.Node == decided.Node && n.Score == report.Nodes[0].Score);
        else Assert.Null(decided.Node);
    }

    static void Decide(JsonObject gang, JsonObject @case, ClusterView cluster)
    {
        var snapshot = (cluster with { PodGroups = [] }).Snapshot();
        var group = new Api.Scheduling.V1alpha2.PodGroup
        {
            Metadata = new() { Name = "gang", Namespace = "default" }, Spec = new() { SchedulingPolicy = gang["minCount"] is JsonNumber n ? new() { Gang = new() { MinCount = int.Parse(n.ToString()) } } : new() { Basic = new() } },
        };
        snapshot.Groups.Set(group);
        List<PodInfo> pods = [.. ((JsonObject)gang["pods"]!).Members.Select(m => new PodInfo(new()
        {
            Metadata = new() { Name = m.Name, Namespace = "default", Uid = "uid-" + m.Name },
            Spec = Message<PodSpec>(m.Value) is var spec && spec.Containers.IsEmpty ? spec with { Containers = [new() { Name = "main" }], SchedulingGroup = new() { PodGroupName = "gang" } } : spec with { SchedulingGroup = new() { PodGroupName = "gang" } },
        }))];
        foreach (var pod in pods) snapshot.Groups.Join(pod);
        var profile = new Profile(new());
        var cycle = new Cycle(profile, new Random(1));
        var attempt = new Hanbae.Scheduler.Groups.GroupAttempt(snapshot, profile, group);
        foreach (var pod in pods) attempt.Add(pod, cycle.Decide(pod, snapshot));
        var (decisions, verdict) = attempt.End(pods);
        Assert.Equal(Text(@case["scheduled"]) == "true", verdict.Scheduled);
        if (@case["message"] is { } message) Assert.Equal(Text(message), verdict.Message);
        foreach (var (pod, said) in @case["says"] as JsonObject ?? JsonObject.Empty)
            Assert.Equal(Text(said), decisions.Single(d => d.Pod.Key.Name == pod).Decision is var decided && decided.Node is { } node ? "on " + node : Before(decided.Message));
        Assert.Equal(Names(@case["leaves"]).Order(), decisions.SelectMany(d => d.Decision.Victims).Select(v => v.Key.Name).Order());
    }

    /// <summary>What is said of the nodes, and of claims where there are any to speak of.</summary>
    static string Before(string message) => message.Split(" preemption: ")[0].Replace(" no new claims to deallocate,", "", StringComparison.Ordinal);

    static (ClusterView Cluster, List<JsonObject> Cases) Read(string file)
    {
        var root = (JsonObject)YamlReader.Read(File.ReadAllText(file));
        var objects = ((JsonArray)root["objects"]!).Items.Cast<JsonObject>().ToList();
        List<T> Of<T>() where T : class, IObject<T> => [.. objects.Where(o => Text(o["kind"]) == T.Info.Kind).Select(o => Named(Message<T>(o.Without("kind"))))];
        return (new()
        {
            Nodes = [.. Of<Node>().Select(n => n.Status.Allocatable.IsEmpty ? n with { Status = n.Status with { Allocatable = Make.Amounts("4", "8Gi").Set("pods", Quantity.Parse("110")) } } : n)],
            Pods = Of<Pod>(), Namespaces = Of<Namespace>(), Claims = Of<PersistentVolumeClaim>(), Volumes = Of<PersistentVolume>(), Classes = Of<StorageClass>(),
            CsiNodes = Of<CSINode>(), Attachments = Of<VolumeAttachment>(), Drivers = Of<CSIDriver>(), Capacities = Of<CSIStorageCapacity>(), Budgets = Of<PodDisruptionBudget>(), Services = Of<Service>(),
            DeviceClaims = Of<Api.Resource.V1.ResourceClaim>(), Slices = Of<Api.Resource.V1.ResourceSlice>(), DeviceClasses = Of<Api.Resource.V1.DeviceClass>(), TaintRules = Of<Api.Resource.V1beta2.DeviceTaintRule>(),
            PodGroups = Of<Api.Scheduling.V1alpha2.PodGroup>() is { Count: > 0 } groups ? groups : null, ReplicaSets = Of<Api.Apps.V1.ReplicaSet>(),
        }, [.. ((JsonArray)root["cases"]!).Items.Cast<JsonObject>()]);
    }

    /// <summary>What an API server would have filled in.</summary>
    static T Named<T>(T obj) where T : class, IObject<T>
    {
        bool spread = obj is Pod or PersistentVolumeClaim or CSIStorageCapacity or PodDisruptionBudget or Service or Api.Resource.V1.ResourceClaim or Api.Apps.V1.ReplicaSet or Api.Scheduling.V1alpha2.PodGroup;
        return (T)obj.WithMetadata(obj.Metadata with { Namespace = spread && obj.Metadata.Namespace.Length == 0 ? "default" : obj.Metadata.Namespace, Uid = "uid-" + obj.Metadata.Name });
    }

    static T Message<T>(JsonValue value) where T : class, IMessage<T>
    {
        var reader = new JsonReader(value.ToUtf8());
        return T.ReadJson(ref reader);
    }

    static string Text(JsonValue? value) => value is JsonString s ? s.Value : value?.ToString() ?? "";
    static Map<string> Strings(JsonValue? value) => value is JsonObject o ? o.Members.Select(m => KeyValuePair.Create(m.Name, Text(m.Value))).ToMap() : default;
    static IEnumerable<string> Names(JsonValue? value) => value is JsonArray list ? list.Items.Select(Text) : [];
}
