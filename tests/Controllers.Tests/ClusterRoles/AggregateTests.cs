using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Controllers.Nodes;

namespace Hanbae.Controllers.Tests.ClusterRoles;

public sealed class AggregateTests
{
    static ClusterRole Role(string name, string resource) => new()
    {
        Metadata = new() { Name = name, Labels = Map.Of(("to", "all")) }, Rules = [new PolicyRule { Verbs = ["get"], ApiGroups = [""], Resources = [resource] }],
    };

    [Fact]
    public async Task A_role_has_the_rules_of_its_parts_each_once()
    {
        await using var cluster = new TestCluster(["clusterrole-aggregation"]);
        cluster.Api.Put(Role("b", "pods"));
        cluster.Api.Put(new ClusterRole { Metadata = new() { Name = "all" }, AggregationRule = new() { ClusterRoleSelectors = [new() { MatchLabels = Map.Of(("to", "all")) }] } });
        string Rules() => string.Join(' ', cluster.Api.Find<ClusterRole>("all", "")!.Rules.Select(r => r.Resources[0]));
        await cluster.UntilAsync(_ => Rules() == "pods");
        cluster.Api.Put(Role("a", "nodes"));
        cluster.Api.Put(Role("c", "pods"));
        await cluster.UntilAsync(_ => Rules() == "nodes pods");
        cluster.Api.Remove<ClusterRole>("a", "");
        await cluster.UntilAsync(_ => Rules() == "pods");
    }

    [Fact]
    public async Task Nodes_are_told_how_long_they_may_keep_secrets()
    {
        await using var cluster = new TestCluster(["ttl"]);
        cluster.Api.Put(Make.Node("n"));
        await cluster.UntilAsync(api => api.Find<Node>("n", "")!.Metadata.Annotations["node.alpha.kubernetes.io/ttl"] == "0");
    }

    [Theory]
    [InlineData(100, 0, 0)]
    [InlineData(101, 0, 1)]
    [InlineData(95, 1, 1)]
    [InlineData(89, 1, 0)]
    [InlineData(5000, 0, 4)]
    public void The_thresholds_overlap(int nodes, int step, int next) => Assert.Equal(next, SecretTtl.StepFor(nodes, step));
}
