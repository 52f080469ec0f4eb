using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;
using Hanbae.Kubelet.Nodes;
using Hanbae.Kubelet.Stats;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Nodes;

public sealed class NodeRegistrationTests
{
    readonly FakeTime _time = new();
    readonly MemoryApi _api = new();
    readonly Events _events = new();
    Seq<string> _troubles;

    static readonly Key s_key = new("", "n1");

    NodeRegistration Registration(Func<KubeletOptions, KubeletOptions>? change = null, KubeletFigures? figures = null)
    {
        var options = new KubeletOptions { NodeName = "n1", Folders = new("/data", "/logs"), RegisterWithTaints = [new() { Key = "k", Effect = "NoSchedule" }] };
        return new(change?.Invoke(options) ?? options, _api, _events, _time, _ => Task.FromResult(new NodeState
        {
            Machine = new() { Cpus = 4, MemoryBytes = 8L << 30, DiskBytes = 100L << 30, Architecture = "amd64", Hostname = "host1" },
            Now = _time.GetUtcNow(), Troubles = _troubles, IPs = ["10.0.0.1"], Port = 10250, Runtime = "containerd://1.6.20",
        }), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance) { Figures = figures };
    }

    Node Node => _api.Get<Node>(s_key)!;

    [Fact]
    public async Task A_node_is_created_with_labels_taints_addresses_and_room()
    {
        await Registration().RegisterAsync(default);
        Assert.Equal("host1", Node.Metadata.Labels["kubernetes.io/hostname"]);
        Assert.Equal("amd64", Node.Metadata.Labels["beta.kubernetes.io/arch"]);
        Assert.Equal("k", Node.Spec.Taints[0].Key);
        Assert.Equal(["InternalIP 10.0.0.1", "Hostname host1"], Node.Status.Addresses.Select(a => $"{a.Type} {a.Address}"));
        Assert.Equal(("4", "8Gi", "110"), (Node.Status.Capacity["cpu"].ToString(), Node.Status.Capacity["memory"].ToString(), Node.Status.Capacity["pods"].ToString()));
        Assert.Equal("8092Mi", Node.Status.Allocatable["memory"].ToString());
        Assert.Equal(["InPlacePodLevelResourcesVerticalScaling", "RestartAllContainersOnContainerExits"], Node.Status.DeclaredFeatures);
        Assert.Equal(10250, Node.Status.DaemonEndpoints.KubeletEndpoint.Port);
        var ready = Node.Status.Conditions.Find(c => c.Type == "Ready")!;
        Assert.Equal(("True", "KubeletReady", "kubelet is posting ready status"), (ready.Status, ready.Reason, ready.Message));
    }

    [Fact]
    public async Task An_unchanged_status_is_told_again_after_five_minutes_only()
    {
        var registration = Registration();
        await registration.RegisterAsync(default);
        await registration.UpdateAsync(default);
        string version = Node.Metadata.ResourceVersion;
        _time.Advance(TimeSpan.FromSeconds(290));
        await registration.UpdateAsync(default);
        Assert.Equal(version, Node.Metadata.ResourceVersion);
        _time.Advance(TimeSpan.FromSeconds(11));
        await registration.UpdateAsync(default);
        Assert.NotEqual(version, Node.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_runtime_in_trouble_makes_the_node_not_ready_at_once()
    {
        var registration = Registration();
        await registration.RegisterAsync(default);
        _troubles = ["container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized"];
        _time.Advance(TimeSpan.FromSeconds(10));
        await registration.UpdateAsync(default);
        var ready = Node.Status.Conditions.Find(c => c.Type == "Ready")!;
        Assert.Equal(("False", "KubeletNotReady"), (ready.Status, ready.Reason));
        Assert.Equal(_time.GetUtcNow(), ready.LastTransitionTime);
        Assert.Contains("Normal NodeNotReady Node n1 status is now: NodeNotReady", _events.All);
    }

    [Fact]
    public async Task A_node_that_exists_is_taken_over_with_what_others_put_on_it()
    {
        _api.Put(new Node
        {
            Metadata = new() { Name = "n1", Labels = Map.Of(("mine", "1")) }, Spec = new() { PodCIDR = "10.1.0.0/24" },
            Status = new() { Capacity = Map.Of(("example.com/gpu", new Quantity(2))), Conditions = [new() { Type = "Other", Status = "True" }] },
        });
        await Registration().RegisterAsync(default);
        Assert.Equal(("1", "host1"), (Node.Metadata.Labels["mine"], Node.Metadata.Labels["kubernetes.io/hostname"]));
        Assert.Equal("2", Node.Status.Capacity["example.com/gpu"].ToString());
        Assert.Equal("2", Node.Status.Allocatable["example.com/gpu"].ToString()); // as much as somebody said there is
        Assert.Contains(Node.Status.Conditions, c => c.Type == "Other");
    }

    [Fact]
    public async Task Labels_that_were_asked_for_are_over_the_machines_and_later_only_the_machines_are_put_right()
    {
        KubeletOptions Labelled(KubeletOptions o) => o with { NodeLabels = Map.Of(("kubernetes.io/hostname", "other"), ("team", "blue"), ("topology.kubernetes.io/zone", "z")), Unschedulable = true };
        await Registration(Labelled).RegisterAsync(default);
        Assert.Equal(("other", "blue", "z", true), (Node.Metadata.Labels["kubernetes.io/hostname"], Node.Metadata.Labels["team"], Node.Metadata.Labels["topology.kubernetes.io/zone"], Node.Spec.Unschedulable));

        _api.Put(Node with { Metadata = Node.Metadata with { Labels = Map.Of(("team", "red"), ("topology.kubernetes.io/zone", "y")) } });
        await Registration(Labelled).RegisterAsync(default);
        Assert.Equal(("other", "red", "z"), (Node.Metadata.Labels["kubernetes.io/hostname"], Node.Metadata.Labels["team"], Node.Metadata.Labels["topology.kubernetes.io/zone"]));
    }

    [Fact]
    public async Task Where_a_cloud_knows_the_addresses_the_node_waits_for_them()
    {
        await Registration(o => o with { ExternalCloud = true }).RegisterAsync(default);
        Assert.Empty(Node.Status.Addresses);
        Assert.Contains(Node.Spec.Taints, t => t is { Key: "node.cloudprovider.kubernetes.io/uninitialized", Value: "true", Effect: "NoSchedule" });

        Seq<NodeAddress> given = [new() { Type = "ExternalIP", Address = "1.2.3.4" }];
        _api.Put(Node with { Status = Node.Status with { Addresses = given } });
        await Registration(o => o with { ExternalCloud = true, NodeIPs = ["10.0.0.1"] }).UpdateAsync(default);
        Assert.Equal(given, Node.Status.Addresses);
    }

    [Fact]
    public async Task An_address_given_by_hand_is_told_to_the_cloud()
    {
        await Registration(o => o with { ExternalCloud = true, NodeIPs = ["10.0.0.1"] }).RegisterAsync(default);
        Assert.Equal("10.0.0.1", Node.Metadata.Annotations["alpha.kubernetes.io/provided-node-ip"]);
        Assert.Equal(["InternalIP 10.0.0.1", "Hostname host1"], Node.Status.Addresses.Select(a => $"{a.Type} {a.Address}"));
    }

    [Fact]
    public async Task How_long_a_new_node_took_is_told()
    {
        var figures = new KubeletFigures();
        var registration = Registration(figures: figures);
        _time.Advance(TimeSpan.FromSeconds(2));
        await registration.RegisterAsync(default);
        var text = new PrometheusText();
        figures.Render(text);
        Assert.Contains("\nkubelet_node_startup_pre_registration_duration_seconds 2\n", text.ToString());
        Assert.Contains("\nkubelet_node_startup_registration_duration_seconds 0\n", text.ToString());
        Assert.Contains("\nkubelet_node_startup_post_registration_duration_seconds 0\n", text.ToString());

        figures = new();
        await Registration(figures: figures).RegisterAsync(default);
        text = new();
        figures.Render(text);
        Assert.DoesNotContain("kubelet_node_startup", text.ToString()); // it was there
    }

    [Fact]
    public async Task The_lease_is_created_once_and_renewed()
    {
        var registration = Registration();
        await registration.RegisterAsync(default);
        await registration.RenewAsync(default);
        _time.Advance(TimeSpan.FromSeconds(10));
        await registration.RenewAsync(default);
        var lease = _api.Get<Lease>(new("kube-node-lease", "n1"))!;
        Assert.Equal(("n1", 40, _time.GetUtcNow()), (lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime));
        Assert.Equal(Node.Metadata.Uid, lease.Metadata.OwnerReferences[0].Uid);
    }
}
