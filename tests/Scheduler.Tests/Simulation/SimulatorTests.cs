using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Simulation;

namespace Hanbae.Scheduler.Tests.Simulation;

public sealed class SimulatorTests
{
    const string Nodes = """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {kubernetes.io/hostname: n1, zone: a}}, status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110"}}}
        - {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {kubernetes.io/hostname: n2, zone: b}}, status: {allocatable: {cpu: "4", memory: 8Gi, pods: "110"}}}
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: of-no-account}}
        """;

    static string Deployment(string name, int replicas, string cpu, string more = "") => $$"""
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: {{name}} }
        spec:
          replicas: {{replicas}}
          selector: {matchLabels: {app: {{name}} } }
          template:
            metadata: {labels: {app: {{name}} } }
            spec: {containers: [{name: main, image: "x", resources: {requests: {cpu: {{cpu}} } } }]{{more}} }
        """;

    const string Template = "apiVersion: v1\nkind: Node\nmetadata: {name: small, labels: {kind: small}}\nstatus: {allocatable: {cpu: \"2\", memory: 4Gi}}\n"
        + "---\napiVersion: v1\nkind: Node\nmetadata: {name: large}\nstatus: {capacity: {cpu: \"8\", memory: 16Gi, pods: \"110\"}}\n";

    static SimulationReport Run(string cluster, string workloads, string templates = "", int most = 100) =>
        new Simulator(Manifests.ToCluster(Manifests.Read(cluster))).Run(Manifests.Read(workloads), [.. Manifests.Read(templates).OfType<Node>()], most, CancellationToken.None);

    [Fact]
    public void Pods_of_a_Deployment_go_where_there_is_room_and_the_rest_is_told_why_not()
    {
        var report = Run(Nodes, Deployment("web", 5, "2"));
        Assert.Equal(4, report.Placed.Length);
        Assert.Equal([2, 2], report.Placed.GroupBy(p => p.Node).Select(g => g.Count()));
        var pending = Assert.Single(report.Pending);
        Assert.Equal("Deployment/default/web", pending.Workload);
        Assert.StartsWith("0/2 nodes are available: 2 Insufficient cpu.", pending.Message, StringComparison.Ordinal);
        Assert.Equal(["n1", "n2"], pending.Why!.Nodes.Select(n => n.Node));
        Assert.Empty(report.Needed);
    }

    [Fact]
    public void Nodes_are_added_of_the_kind_that_takes_most_and_no_more_than_needed()
    {
        var report = Run(Nodes, Deployment("web", 12, "2"), Template);
        Assert.Empty(report.Pending);
        Assert.Equal([new NodeNeed("large", 2)], report.Needed.AsEnumerable());
        Assert.Equal(8, report.Placed.Count(p => p.OnNewNode));
    }

    [Fact]
    public void Of_kinds_that_take_as_many_the_smaller_is_added()
    {
        var report = Run(Nodes, Deployment("web", 5, "2"), Template);
        Assert.Equal([new NodeNeed("small", 1)], report.Needed.AsEnumerable());
        Assert.Equal("small-new-1", report.Placed.Single(p => p.OnNewNode).Node);
    }

    [Fact]
    public void No_node_is_added_for_Pods_that_it_would_not_help()
    {
        var report = Run(Nodes, Deployment("huge", 1, "64") + "\n" + Deployment("picky", 1, "1", ", nodeSelector: {kind: none}"), Template);
        Assert.Equal(2, report.Pending.Length);
        Assert.Empty(report.Needed);
    }

    [Fact]
    public void A_bound_on_nodes_is_kept()
    {
        var report = Run(Nodes, Deployment("web", 40, "2"), Template, most: 3);
        Assert.Equal([new NodeNeed("large", 3)], report.Needed.AsEnumerable());
        Assert.Equal(40 - 4 - 12, report.Pending.Length);
    }

    [Fact]
    public void DaemonSets_take_their_share_of_every_node_that_is_added()
    {
        string agent = "\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent}\nspec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: main, resources: {requests: {cpu: \"1\"}}}]}}}\n";
        var report = Run(Nodes, Deployment("web", 6, "2") + agent, Template);
        Assert.Empty(report.Pending);
        // What they leave is room for one on each node, and for three on each that is added; the small one has none.
        Assert.Equal(4, report.Placed.Count(p => p.Workload == "DaemonSet/default/agent"));
        Assert.Equal([new NodeNeed("large", 2)], report.Needed.AsEnumerable());
    }

    [Fact]
    public void Room_is_made_for_the_more_important_and_who_leaves_looks_for_another_node()
    {
        string low = "\n- {apiVersion: v1, kind: Pod, metadata: {name: low, namespace: default, uid: u1}, spec: {nodeName: n1, priority: 0, containers: [{name: main, resources: {requests: {cpu: \"3\"}}}]}, status: {phase: Running}}"
            + "\n- {apiVersion: v1, kind: Pod, metadata: {name: fixed, namespace: default, uid: u2}, spec: {nodeName: n2, priority: 100, containers: [{name: main, resources: {requests: {cpu: \"1\"}}}]}, status: {phase: Running}}";
        string urgent = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: urgent}\nvalue: 50\n";
        var cluster = Manifests.ToCluster([.. Manifests.Read(Nodes + low), .. Manifests.Read(urgent)]);
        var report = new Simulator(cluster).Run(Manifests.Read(Deployment("job", 1, "4", ", priorityClassName: urgent")), [], 0, CancellationToken.None);
        Assert.Equal(new Key("default", "low"), Assert.Single(report.Displaced).Pod);
        Assert.Contains(report.Placed, p => p is { Workload: "Deployment/default/job", Node: "n1" });
        Assert.Contains(report.Placed, p => p.Pod.Name == "low" && p.Node == "n2");
    }

    [Fact]
    public void A_StatefulSet_brings_its_claims_and_two_do_not_get_one_volume()
    {
        string storage = """
            apiVersion: storage.k8s.io/v1
            kind: StorageClass
            metadata: {name: local}
            provisioner: kubernetes.io/no-provisioner
            volumeBindingMode: WaitForFirstConsumer
            ---
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: on-n1}
            spec: {capacity: {storage: 10Gi}, accessModes: [ReadWriteOnce], storageClassName: local, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n1]}]}]}}}
            status: {phase: Available}
            """;
        string set = """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              replicas: 2
              serviceName: db
              selector: {matchLabels: {app: db}}
              template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main}]}}
              volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: local, resources: {requests: {storage: 5Gi}}}}]
            """;
        var report = Run(Nodes + "\n---\n" + storage, set);
        Assert.Equal(("db-0", "n1"), (Assert.Single(report.Placed).Pod.Name, report.Placed[0].Node));
        Assert.Contains("didn't find available persistent volumes to bind", Assert.Single(report.Pending).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_are_given_once()
    {
        string devices = """
            apiVersion: resource.k8s.io/v1
            kind: ResourceSlice
            metadata: {name: s}
            spec: {driver: d, nodeName: n2, pool: {name: n2, generation: 1, resourceSliceCount: 1}, devices: [{name: g0}]}
            ---
            apiVersion: resource.k8s.io/v1
            kind: DeviceClass
            metadata: {name: gpu}
            spec: {}
            ---
            apiVersion: resource.k8s.io/v1
            kind: ResourceClaimTemplate
            metadata: {name: one-gpu}
            spec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu}}]}}}
            """;
        var report = Run(Nodes + "\n---\n" + devices, Deployment("train", 2, "1", ", resourceClaims: [{name: gpu, resourceClaimTemplateName: one-gpu}]"));
        Assert.Equal("n2", Assert.Single(report.Placed).Node);
        Assert.Contains("cannot allocate all claims", Assert.Single(report.Pending).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_run_as_many_at_a_time_as_they_say_and_Pods_of_the_dump_that_wait_are_placed_too()
    {
        string job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 3, completions: 2, template: {spec: {restartPolicy: Never, containers: [{name: main}]}}}";
        string waiting = "\n- {apiVersion: v1, kind: Pod, metadata: {name: waits}, spec: {containers: [{name: main}]}, status: {phase: Pending}}";
        var report = Run(Nodes + waiting, job);
        Assert.Equal(2, report.Placed.Count(p => p.Workload == "Job/default/j"));
        Assert.Equal(1, report.Placed.Count(p => p.Workload == "Pod/default/waits"));
    }

    [Fact]
    public void The_same_question_has_the_same_answer_and_the_dump_is_left_as_it_was()
    {
        var cluster = Manifests.ToCluster(Manifests.Read(Nodes));
        SimulationReport Ask() => new Simulator(cluster).Run(Manifests.Read(Deployment("web", 7, "1")), [], 0, CancellationToken.None);
        Assert.Equal(Ask().Placed.AsEnumerable(), Ask().Placed);
    }

    [Fact]
    public async Task A_live_cluster_is_asked_without_writing_to_it()
    {
        var api = new Kit.FakeApi();
        api.Put(Make.Node("n1", cpu: "2"));
        api.Put(Make.Pod("there", "1").With(s => s with { NodeName = "n1" }));
        var cluster = await ClusterReader.ReadAsync(new Client.ApiClient(api, TimeProvider.System), CancellationToken.None);
        var report = new Simulator(cluster).Run(Manifests.Read(Deployment("web", 2, "1")), [], 0, CancellationToken.None);
        Assert.Equal("n1", Assert.Single(report.Placed).Node);
        Assert.Single(report.Pending);
        Assert.All(api.Requests, r => Assert.Equal("GET", r.Method));
    }

    [Fact]
    public void Json_is_read_as_well_as_lists_whose_items_do_not_say_what_they_are()
    {
        var objects = Manifests.Read("""{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"n1"}},{"metadata":{"name":"n2"}}]}""");
        Assert.Equal(["n1", "n2"], objects.OfType<Node>().Select(n => n.Metadata.Name));
    }
}
