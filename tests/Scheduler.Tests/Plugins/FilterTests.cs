using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Plugins;
using NodeAffinity = Hanbae.Scheduler.Plugins.NodeAffinity;

namespace Hanbae.Scheduler.Tests.Plugins;

public sealed class FilterTests
{
    static readonly Node Zoned = Make.Node("n1").Labels(("zone", "a"), ("cores", "16"));

    [Fact]
    public void A_cordoned_node_takes_only_who_tolerates_the_cordon()
    {
        Assert.Equal("node(s) were unschedulable", Reason(new NodeUnschedulable(), Make.Pod("a"), Make.Node("n").Cordoned()));
        Assert.Null(Reason(new NodeUnschedulable(), Make.Pod("a"), Make.Node("n")));
        Assert.Null(Reason(new NodeUnschedulable(), Tolerating(new() { Key = "node.kubernetes.io/unschedulable", Operator = "Exists" }), Make.Node("n").Cordoned()));
    }

    [Fact]
    public void A_Pod_that_names_its_node_gets_no_other()
    {
        var pod = Make.Pod("a").With(s => s with { NodeName = "n1" });
        Assert.Null(Reason(new NodeName(), pod, Make.Node("n1")));
        Assert.Equal("node(s) didn't match the requested node name", Reason(new NodeName(), pod, Make.Node("n2")));
    }

    [Theory]
    [InlineData("", "", "", "", true)]
    [InlineData("gpu", "Equal", "yes", "", true)]
    [InlineData("gpu", "", "yes", "NoSchedule", true)]
    [InlineData("gpu", "Equal", "no", "", false)]
    [InlineData("gpu", "Exists", "", "NoExecute", false)]
    [InlineData("", "Exists", "", "", true)]
    [InlineData("gpu", "Exists", "", "", true)]
    [InlineData("cpu", "Exists", "", "", false)]
    public void A_taint_is_tolerated_by_key_value_and_effect(string key, string op, string value, string effect, bool fits)
    {
        // The first case has no toleration and no taint.
        var node = key + op == "" ? Make.Node("n") : Make.Node("n").Taint("gpu", "yes");
        var pod = key + op == "" ? Make.Pod("a") : Tolerating(new() { Key = key, Operator = op, Value = value, Effect = effect });
        Assert.Equal(fits ? null : "node(s) had untolerated taint(s)", Reason(new TaintToleration(), pod, node));
    }

    [Theory]
    [InlineData("Gt", "10", "16", true)]
    [InlineData("Gt", "16", "16", false)]
    [InlineData("Lt", "20", "16", true)]
    [InlineData("Lt", "20", "many", false)]
    public void A_taint_may_be_tolerated_by_number(string op, string value, string taint, bool fits) =>
        Assert.Equal(fits, Reason(new TaintToleration(), Tolerating(new() { Key = "k", Operator = op, Value = value }), Make.Node("n").Taint("k", taint)) is null);

    [Fact]
    public void A_soft_taint_refuses_nobody() => Assert.Null(Reason(new TaintToleration(), Make.Pod("a"), Make.Node("n").Taint("k", effect: "PreferNoSchedule")));

    [Theory]
    [InlineData("zone", "In", "a,b", true)]
    [InlineData("zone", "In", "b", false)]
    [InlineData("zone", "NotIn", "b", true)]
    [InlineData("other", "NotIn", "b", true)]
    [InlineData("zone", "Exists", "", true)]
    [InlineData("other", "DoesNotExist", "", true)]
    [InlineData("zone", "DoesNotExist", "", false)]
    [InlineData("cores", "Gt", "8", true)]
    [InlineData("cores", "Gt", "16", false)]
    [InlineData("cores", "Lt", "32", true)]
    [InlineData("zone", "Gt", "8", false)]
    [InlineData("zone", "Like", "a", false)]
    public void Affinity_is_met_by_labels(string key, string op, string values, bool fits)
    {
        var pod = Affine(new NodeSelectorTerm { MatchExpressions = [new() { Key = key, Operator = op, Values = values.Length == 0 ? default : (Seq<string>)values.Split(',') }] });
        Assert.Equal(fits ? null : "node(s) didn't match Pod's node affinity/selector", Reason(new NodeAffinity(), pod, Zoned));
    }

    [Fact]
    public void Terms_of_affinity_are_alternatives_and_an_empty_one_matches_nothing()
    {
        NodeSelectorTerm Zone(string zone) => new() { MatchExpressions = [new() { Key = "zone", Operator = "In", Values = [zone] }] };
        Assert.Null(Reason(new NodeAffinity(), Affine(Zone("x"), Zone("a")), Zoned));
        Assert.NotNull(Reason(new NodeAffinity(), Affine(new NodeSelectorTerm()), Zoned));
        Assert.NotNull(Reason(new NodeAffinity(), Affine(), Zoned));
        Assert.Null(Reason(new NodeAffinity(), Affine(new NodeSelectorTerm { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = ["n1"] }] }), Zoned));
        Assert.NotNull(Reason(new NodeAffinity(), Make.Pod("a").With(s => s with { NodeSelector = Map.Of(("zone", "a"), ("disk", "ssd")) }), Zoned));
    }

    [Theory]
    [InlineData("", "TCP", 80, "", "TCP", 80, false)]
    [InlineData("", "TCP", 80, "", "UDP", 80, true)]
    [InlineData("", "TCP", 80, "", "TCP", 81, true)]
    [InlineData("127.0.0.1", "TCP", 80, "127.0.0.2", "TCP", 80, true)]
    [InlineData("127.0.0.1", "TCP", 80, "0.0.0.0", "", 80, false)]
    public void A_port_of_the_node_is_for_one_Pod(string ip, string protocol, int port, string otherIp, string otherProtocol, int otherPort, bool fits)
    {
        Pod Holding(string name, string address, string proto, int number) =>
            Make.Pod(name).With(s => s with { Containers = [Make.Container() with { Ports = [new() { HostIP = address, Protocol = proto, HostPort = number, ContainerPortValue = number }] }] });
        Assert.Equal(fits ? null : "node(s) didn't have free ports for the requested pod ports",
            Reason(new NodePorts(), Holding("a", ip, protocol, port), Make.Node("n"), Holding("b", otherIp, otherProtocol, otherPort)));
    }

    [Fact]
    public void What_a_node_lacks_is_all_named_and_hopeless_only_where_it_would_be_if_empty()
    {
        var fit = new NodeResourcesFit(new());
        var node = Make.Node("n", "1", "1Gi", pods: 1);
        Assert.Null(Reason(fit, Make.Pod("a", "1", "1Gi"), node));
        var full = fit.Filter(Make.Pod("a", "1", "1Gi").Info(), node.Info(Make.Pod("b", "1m", "1Mi")));
        Assert.Equal(("Too many pods\nInsufficient cpu\nInsufficient memory", false), (full.Reason, full.Hopeless));
        var never = fit.Filter(Make.Pod("a", "2").Info(), node.Info());
        Assert.Equal(("Insufficient cpu", true), (never.Reason, never.Hopeless));
        // Who asks for nothing fits on a node that is overcommitted.
        Assert.Null(Reason(fit, Make.Pod("a"), Make.Node("n", "1"), Make.Pod("b", "3")));
    }

    [Fact]
    public void A_node_without_an_extended_resource_lacks_it() =>
        Assert.Equal("Insufficient example.com/gpu", Reason(new NodeResourcesFit(new()),
            Make.Pod("a").With(s => s with { Overhead = Map.Of(("example.com/gpu", Quantity.Parse("1"))) }), Make.Node("n")));

    static string? Reason(IFilter filter, Pod pod, Node node, params Pod[] others) => filter.Filter(pod.Info(), node.Info(others)).Reason;

    static Pod Tolerating(Toleration toleration) => Make.Pod("a").With(s => s with { Tolerations = [toleration] });

    static Pod Affine(params NodeSelectorTerm[] terms) => Make.Pod("a").With(s => s with
    {
        Affinity = new() { NodeAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = new() { NodeSelectorTerms = terms } } },
    });
}
