using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Cpus;

namespace Hanbae.Kubelet.Tests.Placement;

public sealed class StaticCpusTests
{
    static CpuSet Set(string list) => CpuSet.Parse(list);

    static StaticCpus Policy(Topology machine, string reserved = "0", Func<CpuPolicyOptions, CpuPolicyOptions>? options = null) =>
        new(machine, options?.Invoke(new()) ?? new(), Set(reserved));

    static CpuState State(string shared, params (string Pod, string Container, string Cpus)[] given) =>
        given.Aggregate(CpuState.Empty with { Shared = Set(shared) }, (state, g) => state.Give(g.Pod, g.Container, Set(g.Cpus)) with { Shared = Set(shared) });

    static string Has(CpuState state, Pod pod, string container = "a") => $"{state.Find(pod.Metadata.Uid, container)} of {state.Shared}";

    [Theory]
    [InlineData("1", "1Gi", "1", "1Gi", 1)]
    [InlineData("2000m", "1Gi", "2", "1Gi", 2)]
    [InlineData("1500m", "1Gi", "1500m", "1Gi", 0)] // not whole
    [InlineData("1", "1Gi", "2", "1Gi", 0)] // not Guaranteed
    [InlineData("", "", "", "", 0)]
    public void Only_whole_CPUs_of_Guaranteed_Pods_are_exclusive(string request, string memory, string limit, string most, int wanted)
    {
        Map<Quantity> Of(string cpu, string bytes) => cpu.Length == 0 ? default : Map.Of(("cpu", Quantity.Parse(cpu)), ("memory", Quantity.Parse(bytes)));
        var container = new Container { Name = "a", Resources = new() { Requests = Of(request, memory), Limits = Of(limit, most) } };
        Assert.Equal(wanted, StaticCpus.Wanted(Make.Pod(container), container));
    }

    [Fact]
    public void A_Pod_of_resources_as_a_whole_gets_none()
    {
        var pod = Placed.Pod(Placed.Container("a", 1));
        pod = pod with { Spec = pod.Spec with { Resources = pod.Spec.Containers[0].Resources } };
        Assert.Equal(0, StaticCpus.Wanted(pod, pod.Spec.Containers[0]));
    }

    [Theory]
    [InlineData("one", "0-7", 1, "4 of 0-3,5-7")]
    [InlineData("one", "0,2-3,5-7", 2, "2,6 of 0,3,5,7")]
    [InlineData("alternating", "0-11", 6, "1,3,5,7,9,11 of 0,2,4,6,8,10")]
    [InlineData("four", "0-79", 40, "20-39,60-79 of 0-19,40-59")]
    public void A_container_takes_its_CPUs_off_the_shared_ones(string machine, string shared, int count, string outcome)
    {
        var pod = Placed.Pod(Placed.Container("a", count));
        var topology = machine == "one" ? Machines.OneSocket : machine == "four" ? Machines.FourNodes : Machines.TwoSocketsAlternating;
        Assert.Equal(outcome, Has(Policy(topology).Allocate(State(shared), pod, pod.Spec.Containers[0], TopologyHint.None), pod));
    }

    [Fact]
    public void What_is_not_there_is_refused_and_what_was_given_stays()
    {
        var pod = Placed.Pod(Placed.Container("a", 8));
        Assert.Equal("not enough cpus available to satisfy request: requested=8, available=7",
            Assert.Throws<NotEnoughCpusException>(() => Policy(Machines.OneSocket).Allocate(State("0-7"), pod, pod.Spec.Containers[0], TopologyHint.None)).Message);
        var small = Placed.Pod(Placed.Container("a", 1));
        var state = State("0-3", (small.Metadata.Uid, "a", "4-7"));
        Assert.Equal(state, Policy(Machines.OneSocket).Allocate(state, small, small.Spec.Containers[0], TopologyHint.None));
    }

    [Fact]
    public void Plain_init_containers_hand_their_CPUs_on_and_sidecars_keep_theirs()
    {
        var pod = Placed.Pod(Placed.Container("a", 4), Placed.Container("b", 1)).Init(Placed.Container("i", 4), Placed.Container("s", 1) with { RestartPolicy = "Always" });
        var policy = Policy(Machines.OneSocket);
        var state = State("0-7");
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers)) state = policy.Allocate(state, pod, container, TopologyHint.None);
        var (i, s, a, b) = (state.Find(pod.Metadata.Uid, "i")!, state.Find(pod.Metadata.Uid, "s")!, state.Find(pod.Metadata.Uid, "a")!, state.Find(pod.Metadata.Uid, "b")!);
        Assert.Equal(i, a);
        Assert.Equal(6, s.Union(a).Union(b).Count);
        Assert.Equal(6, state.Exclusive.Count);
        Assert.Equal("0-7", state.Release(pod.Metadata.Uid).Shared.ToString());
    }

    [Theory]
    [InlineData("0", 3, "SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2")]
    [InlineData("0", 8, "SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, requested CPUs = 8, CPUs per core = 2")]
    [InlineData("0-1", 6, "SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 4, requested CPUs = 6, CPUs per core = 2")]
    public void Whole_cores_only_are_whole_cores(string reserved, int count, string why)
    {
        var pod = Placed.Pod(Placed.Container("a", count));
        var e = Assert.Throws<PlacementException>(() => Policy(Machines.OneSocket, reserved, o => o with { FullCores = true }).Allocate(State("0-7"), pod, pod.Spec.Containers[0], TopologyHint.None));
        Assert.Equal(("SMTAlignmentError", why), (e.Reason, e.Message));
    }

    [Fact]
    public void Whole_cores_are_given()
    {
        var pod = Placed.Pod(Placed.Container("a", 2));
        Assert.Equal("1,5 of 0,2-4,6-7", Has(Policy(Machines.OneSocket, options: o => o with { FullCores = true }).Allocate(State("0-7"), pod, pod.Spec.Containers[0], TopologyHint.None), pod));
    }

    [Theory]
    [InlineData(2, "1,7 of 0,2-6,8-11")]
    [InlineData(8, "1-3,5,7-9,11 of 0,4,6,10")] // the rest from elsewhere
    public void A_hint_is_followed_as_far_as_it_goes(int count, string outcome)
    {
        var pod = Placed.Pod(Placed.Container("a", count));
        Assert.Equal(outcome, Has(Policy(Machines.TwoSocketsAlternating).Allocate(State("0-11"), pod, pod.Spec.Containers[0], new(NumaMask.Of(1), true)), pod));
    }

    [Fact]
    public void Aligned_by_socket_a_hint_means_its_whole_socket()
    {
        var pod = Placed.Pod(Placed.Container("a", 30));
        var policy = Policy(Machines.FourNodes, "0", o => o with { AlignBySocket = true });
        var given = policy.Allocate(State("0-79"), pod, pod.Spec.Containers[0], new(NumaMask.Of(2), true)).Find(pod.Metadata.Uid, "a")!;
        Assert.All(given, id => Assert.Equal(1, Machines.FourNodes[id].Socket));
    }

    static string Text(IReadOnlyList<ResourceHints> hints) => hints is [] ? "none" : string.Join(' ', hints.Single().Hints!.Value.Select(h => $"{h.Nodes}{(h.Preferred ? "+" : "")}"));

    [Theory]
    [InlineData(0, "0-11", "none")]
    [InlineData(2, "0-11", "01+ 10+ 11")]
    [InlineData(6, "0-11", "10+ 11")] // one of the first node is reserved
    [InlineData(7, "0-11", "11+")]
    [InlineData(11, "0-11", "11+")]
    [InlineData(12, "0-11", "")]
    [InlineData(2, "0-2,4,6,8,10", "01+ 11")]
    public void Hints_are_the_nodes_that_have_enough(int count, string shared, string hints)
    {
        var pod = Placed.Pod(Placed.Container("a", count));
        var policy = Policy(Machines.TwoSocketsAlternating);
        Assert.Equal(hints, Text(policy.Hints(State(shared), pod, pod.Spec.Containers[0])));
        Assert.Equal(hints, Text(policy.Hints(State(shared), pod)));
    }

    [Fact]
    public void What_a_container_has_is_hinted_again()
    {
        var pod = Placed.Pod(Placed.Container("a", 2));
        var policy = Policy(Machines.TwoSocketsAlternating);
        Assert.Equal("10+ 11", Text(policy.Hints(State("0-4,6-10", (pod.Metadata.Uid, "a", "5,11")), pod, pod.Spec.Containers[0])));
        Assert.Equal("", Text(policy.Hints(State("0-4,6-11", (pod.Metadata.Uid, "a", "5")), pod, pod.Spec.Containers[0]))); // it asks for another number than it has
    }

    [Fact]
    public void Aligned_by_socket_two_nodes_of_a_socket_are_as_good_as_one()
    {
        var pod = Placed.Pod(Placed.Container("a", 2));
        string hints = Text(Policy(Machines.FourNodes, options: o => o with { AlignBySocket = true }).Hints(State("0-79"), pod, pod.Spec.Containers[0]));
        Assert.Contains(" 11+ ", hints);
        Assert.Contains(" 101 ", hints);
    }

    [Theory]
    [InlineData("", "0-7", false, null)]
    [InlineData("1-7", "", false, "not all reserved cpus: \"0\" are present in defaultCpuSet: \"1-7\"")]
    [InlineData("0-7", "", true, "some of strictly reserved cpus: \"0\" are present in defaultCpuSet: \"0-7\"")]
    [InlineData("", "1-7", true, null)]
    [InlineData("0-6", "", false, "current set of available CPUs \"0-7\" doesn't match with CPUs in state \"0-6\"")]
    public void The_kept_state_must_fit_the_machine(string shared, string fresh, bool strict, string? why)
    {
        var policy = Policy(Machines.OneSocket, options: o => o with { StrictReservation = strict });
        if (why is null) Assert.Equal(fresh, policy.Start(CpuState.Empty with { Shared = Set(shared) }).Shared.ToString());
        else Assert.Equal(why, Assert.Throws<PlacementSettingsException>(() => policy.Start(State(shared))).Message);
    }

    [Fact]
    public void Nobodys_CPUs_are_everybodys()
    {
        var policy = Policy(Machines.OneSocket);
        Assert.Equal("pod: p, container: a cpuset: \"1-2\" overlaps with default cpuset \"0,2-7\"", Assert.Throws<PlacementSettingsException>(() => policy.Start(State("0,2-7", ("p", "a", "1-2")))).Message);
        Assert.Equal("default cpuset cannot be empty", Assert.Throws<PlacementSettingsException>(() => policy.Start(State("", ("p", "a", "1-2")))).Message);
        Assert.Equal("0,3-7", policy.Start(State("0,3-7", ("p", "a", "1-2"))).Shared.ToString());
    }

    static StaticCpus Settled(string reserved, string system, string kube, Topology machine) => StaticCpus.Of(
        new() { NodeName = "n", Folders = new("/d", "/l"), ReservedSystemCpus = reserved, SystemReserved = Amount(system), KubeReserved = Amount(kube) }, machine, new());

    static Map<Quantity> Amount(string cpu) => cpu.Length == 0 ? default : Map.Of(("cpu", Quantity.Parse(cpu)));

    [Theory]
    [InlineData("", "1", "", "0")]
    [InlineData("", "500m", "1", "0,4")]
    [InlineData("", "2", "1", "0-1,4")]
    [InlineData("1,5", "2", "", "1,5")]
    public void The_reserved_CPUs_are_the_lowest_cores_or_those_that_are_named(string named, string system, string kube, string reserved) =>
        Assert.Equal(reserved, Settled(named, system, kube, Machines.OneSocket).Reserved.ToString());

    [Fact]
    public void Without_a_reservation_there_is_no_static_policy() => Assert.Equal(
        "the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero", Assert.Throws<PlacementSettingsException>(() => Settled("", "", "", Machines.OneSocket)).Message);

    [Theory]
    [InlineData("ours", "true", "unsupported cpumanager option: \"ours\" (true)")]
    [InlineData("full-pcpus-only", "maybe", "bad value for option \"full-pcpus-only\": strconv.ParseBool: parsing \"maybe\": invalid syntax")]
    public void Options_that_cannot_be_are_refused(string name, string value, string why) => Assert.Equal(why, Assert.Throws<PlacementSettingsException>(
        () => CpuPolicyOptions.Of(Map.Of((name, value)), Machines.OneSocket, TopologyPolicy.Of(new() { NodeName = "n", Folders = new("/d", "/l") }, Machines.OneSocket))).Message);

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        var none = TopologyPolicy.Of(new() { NodeName = "n", Folders = new("/d", "/l") }, Machines.OneSocket);
        var single = TopologyPolicy.Of(new() { NodeName = "n", Folders = new("/d", "/l"), TopologyManagerPolicy = "single-numa-node" }, Machines.OneSocket);
        Assert.Equal("static policy options full-pcpus-only and distribute-cpus-across-cores can not be used at the same time",
            Assert.Throws<PlacementSettingsException>(() => CpuPolicyOptions.Of(Map.Of(("full-pcpus-only", "true"), ("distribute-cpus-across-cores", "true")), Machines.OneSocket, none)).Message);
        Assert.Contains("incompatible", Assert.Throws<PlacementSettingsException>(() => CpuPolicyOptions.Of(Map.Of(("align-by-socket", "true")), Machines.OneSocket, single)).Message);
    }
}

/// <summary>Guaranteed Pods, each with a name of its own.</summary>
static class Placed
{
    static int s_pods;

    public static Container Container(string name, int cpus, string memory = "64Mi")
    {
        var all = Map.Of(("cpu", new Quantity(cpus)), ("memory", Quantity.Parse(memory)));
        return new() { Name = name, Image = "app:1", Resources = cpus == 0 ? new() : new() { Requests = all, Limits = all } };
    }

    public static Pod Pod(params Container[] containers)
    {
        string uid = "placed-" + Interlocked.Increment(ref s_pods);
        return Make.Pod(containers) with { Metadata = new() { Name = uid, Namespace = "default", Uid = uid, Generation = 1 } };
    }
}
