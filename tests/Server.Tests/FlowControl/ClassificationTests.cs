using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Server.Bootstrap;
using Hanbae.Api.Rest;
using Hanbae.Server.FlowControl;
using Hanbae.Server.InProcess;

namespace Hanbae.Server.Tests.FlowControl;

public sealed class ClassificationTests
{
    static string SchemaOf(Identity user, string method, string path)
    {
        var all = FlowConfiguration.Of(FlowObjects.Suggested.Schemas, FlowObjects.Suggested.Levels, null, 600, TimeProvider.System);
        var request = InProcessContext.Of(new() { Method = method, Path = path, Identity = user }, CancellationToken.None);
        var schema = all.Classify(user, request.Info, request.Path);
        return schema.Name + " " + schema.Level.Name;
    }

    static Identity User(string name, params string[] groups) => FlowRig.User(name, groups);

    [Fact]
    public void The_suggested_schemas_send_everybody_where_upstreams_do()
    {
        var node = User("system:node:n1", "system:nodes");
        var deployments = User("system:serviceaccount:kube-system:deployment-controller", "system:serviceaccounts", "system:serviceaccounts:kube-system");
        Assert.Equal("exempt exempt", SchemaOf(User("admin", "system:masters"), "GET", "/api/v1/pods"));
        Assert.Equal("probes exempt", SchemaOf(new("system:anonymous", ["system:unauthenticated"]), "GET", "/readyz"));
        Assert.Equal("global-default global-default", SchemaOf(new("system:anonymous", ["system:unauthenticated"]), "GET", "/readyz/etcd"));
        Assert.Equal("system-leader-election leader-election", SchemaOf(User("system:kube-scheduler"), "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler"));
        Assert.Equal("kube-scheduler workload-high", SchemaOf(User("system:kube-scheduler"), "POST", "/api/v1/namespaces/default/pods/x/binding"));
        Assert.Equal("system-node-high node-high", SchemaOf(node, "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"));
        Assert.Equal("system-node-high node-high", SchemaOf(node, "PATCH", "/api/v1/nodes/n1/status"));
        Assert.Equal("system-nodes system", SchemaOf(node, "GET", "/api/v1/namespaces/default/secrets/s"));
        Assert.Equal("system-leader-election leader-election", SchemaOf(deployments, "GET", "/apis/coordination.k8s.io/v1/namespaces/x/leases/y"));
        Assert.Equal("kube-system-service-accounts workload-high", SchemaOf(deployments, "GET", "/apis/apps/v1/deployments"));
        Assert.Equal("service-accounts workload-low", SchemaOf(User("system:serviceaccount:default:app", "system:serviceaccounts"), "GET", "/api/v1/pods"));
        Assert.Equal("global-default global-default", SchemaOf(User("jane"), "GET", "/api/v1/pods"));
        Assert.Equal("catch-all catch-all", SchemaOf(new("nobody", []), "GET", "/api/v1/pods"));
    }

    static CompiledSchema Compiled(params PolicyRulesWithSubjects[] rules)
    {
        var schema = new FlowSchema { Metadata = new() { Name = "s" }, Spec = new() { PriorityLevelConfiguration = new() { Name = "exempt" }, MatchingPrecedence = 5, Rules = [.. rules] } };
        return FlowConfiguration.Of([schema], [], null, 600, TimeProvider.System).Schemas.Single(s => s.Name == "s");
    }

    static bool Matches(CompiledSchema schema, string user, string method, string path)
    {
        var request = InProcessContext.Of(new() { Method = method, Path = path, Identity = User(user) }, CancellationToken.None);
        return schema.Matches(User(user), request.Info, request.Path);
    }

    [Fact]
    public void Namespaces_and_cluster_scope_are_told_apart_and_subresources_are_named()
    {
        ResourcePolicyRule rule = new() { Verbs = ["get", "list"], ApiGroups = [""], Resources = ["pods", "pods/log", "nodes"], Namespaces = ["team"] };
        var schema = Compiled(new PolicyRulesWithSubjects { Subjects = [new() { Kind = "User", User = new() { Name = "*" } }], ResourceRules = [rule] });
        Assert.True(Matches(schema, "a", "GET", "/api/v1/namespaces/team/pods"));
        Assert.True(Matches(schema, "a", "GET", "/api/v1/namespaces/team/pods/x/log"));
        Assert.False(Matches(schema, "a", "GET", "/api/v1/namespaces/team/pods/x/status"));
        Assert.False(Matches(schema, "a", "GET", "/api/v1/namespaces/other/pods"));
        Assert.False(Matches(schema, "a", "GET", "/api/v1/pods"));
        Assert.False(Matches(schema, "a", "GET", "/api/v1/nodes/n"));
        Assert.False(Matches(schema, "a", "DELETE", "/api/v1/namespaces/team/pods/x"));
        Assert.False(Matches(schema, "a", "GET", "/apis/apps/v1/namespaces/team/deployments"));
        Assert.False(Matches(schema, "a", "GET", "/version"));
        var cluster = Compiled(new PolicyRulesWithSubjects { Subjects = [new() { Kind = "Group", Group = new() { Name = "*" } }], ResourceRules = [rule with { Namespaces = [], ClusterScope = true }] });
        Assert.True(Matches(cluster, "a", "GET", "/api/v1/nodes/n"));
        Assert.True(Matches(cluster, "a", "GET", "/api/v1/pods"));
        Assert.False(Matches(cluster, "a", "GET", "/api/v1/namespaces/team/pods"));
    }

    [Fact]
    public void Paths_match_whole_or_by_their_beginning()
    {
        var schema = Compiled(new PolicyRulesWithSubjects { Subjects = [new() { Kind = "User", User = new() { Name = "a" } }], NonResourceRules = [new() { Verbs = ["get"], NonResourceURLs = ["/version", "/debug/*"] }] });
        Assert.True(Matches(schema, "a", "GET", "/version"));
        Assert.True(Matches(schema, "a", "GET", "/debug/x/y"));
        Assert.False(Matches(schema, "a", "GET", "/version/x"));
        Assert.False(Matches(schema, "a", "POST", "/version"));
        Assert.False(Matches(schema, "b", "GET", "/version"));
    }

    [Fact]
    public void Service_accounts_match_by_name_or_by_namespace()
    {
        Subject Of(string name) => new() { Kind = "ServiceAccount", ServiceAccount = new() { Namespace = "ns", Name = name } };
        ResourcePolicyRule any = new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"], Namespaces = ["*"], ClusterScope = true };
        var one = Compiled(new PolicyRulesWithSubjects { Subjects = [Of("app")], ResourceRules = [any] });
        var all = Compiled(new PolicyRulesWithSubjects { Subjects = [Of("*")], ResourceRules = [any] });
        Assert.True(Matches(one, "system:serviceaccount:ns:app", "GET", "/api/v1/pods"));
        Assert.False(Matches(one, "system:serviceaccount:ns:apple", "GET", "/api/v1/pods"));
        Assert.False(Matches(one, "system:serviceaccount:ns2:app", "GET", "/api/v1/pods"));
        Assert.True(Matches(all, "system:serviceaccount:ns:other", "GET", "/api/v1/pods"));
        Assert.False(Matches(all, "system:serviceaccount:nso:ther", "GET", "/api/v1/pods"));
        Assert.False(Matches(all, "ns:other", "GET", "/api/v1/pods"));
    }

    [Fact]
    public void Seats_are_divided_by_shares_and_what_is_idle_is_lent()
    {
        var all = FlowConfiguration.Of(FlowObjects.Suggested.Schemas, FlowObjects.Suggested.Levels, null, 600, TimeProvider.System);
        // What upstream's metrics say of the same configuration and limits.
        Assert.Equal([13, 0, 49, 25, 98, 74, 98, 245], all.Levels.Values.Select(l => l.Nominal));
        Assert.Equal([13, 0, 24, 25, 73, 50, 49, 24], all.Levels.Values.Select(l => l.Least));
        Assert.Equal(all.Seats, all.Levels.Values.Sum(l => l.Nominal));
        Assert.All(all.Levels.Values, l => Assert.InRange(l.Current, l.Least, l.Most));
        // Ten: the most of one request, as upstream's work estimator has it, for any level of more than 66 seats.
        Assert.Equal(12, all.Levels["system"].MaxSeats);
    }
}
