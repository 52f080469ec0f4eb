using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Somebody who may write roles tries to give himself more than he has.</summary>
public sealed class EscalationTests : IAsyncLifetime
{
    const string Group = "rbac.authorization.k8s.io", Roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    static readonly Identity s_bob = new("bob", ["system:authenticated"]);
    static readonly PolicyRule s_everything = Rule("*", "*", "*");
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await _server.MakeAsync(new ClusterRole { Metadata = new() { Name = "root" }, Rules = [s_everything] });
        await _server.BindAsync("role-writers", User("bob"), Rule("create,get,update,patch,delete", Group, "clusterroles,clusterrolebindings,roles,rolebindings"), Rule("get,list", "", "pods"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    static RoleRef To(string role) => new() { ApiGroup = Group, Kind = "ClusterRole", Name = role };
    Task<ApiResult> MakeRoleAsync(string name, params PolicyRule[] rules) => _server.CreateAsync(s_bob, new ClusterRole { Metadata = new() { Name = name }, Rules = rules });

    [Fact]
    public async Task Nobody_writes_himself_rights()
    {
        Assert.Equal(403, (await MakeRoleAsync("more", s_everything)).Code);
        Assert.Equal(403, (await MakeRoleAsync("more", Rule("get", "", "secrets"))).Code);
        Assert.Equal(403, (await MakeRoleAsync("more", Rule("get", "", "pods/exec"))).Code);
        Assert.Equal(403, (await MakeRoleAsync("more", Rule("impersonate", "", "users"))).Code);
        Assert.Equal(403, (await MakeRoleAsync("more", new PolicyRule { Verbs = ["get"], NonResourceURLs = ["*"] })).Code);
        Assert.Equal(201, (await MakeRoleAsync("same", Rule("get", "", "pods"))).Code);
        var own = await _server.GetAsync<ClusterRole>("", "role-writers");
        Assert.Equal(403, (await _server.CallAsync(s_bob, "PUT", Roles + "/role-writers", own with { Rules = [.. own.Rules, s_everything] })).Code);
    }

    [Fact]
    [Trait("Attack", "RBAC escalation by bind")]
    public async Task Nobody_binds_what_he_does_not_hold()
    {
        Subject[] me = [User("bob")];
        Assert.Equal(403, (await _server.CreateAsync(s_bob, new ClusterRoleBinding { Metadata = new() { Name = "mine" }, RoleRef = To("root"), Subjects = me })).Code);
        Assert.Equal(403, (await _server.CreateAsync(s_bob, new RoleBinding { Metadata = new() { Name = "mine", Namespace = "kube-system" }, RoleRef = To("root"), Subjects = me })).Code);
        // Nor what is not there yet, to be written later by somebody who trusts the name.
        Assert.Equal(404, (await _server.CreateAsync(s_bob, new ClusterRoleBinding { Metadata = new() { Name = "mine" }, RoleRef = To("to-come"), Subjects = me })).Code);
        // Joining a binding that exists is binding, too.
        await _server.MakeAsync(new ClusterRoleBinding { Metadata = new() { Name = "theirs" }, RoleRef = To("root"), Subjects = [User("root")] });
        var theirs = await _server.GetAsync<ClusterRoleBinding>("", "theirs");
        Assert.Equal(403, (await _server.CallAsync(s_bob, "PUT", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/theirs", theirs with { Subjects = [.. theirs.Subjects, User("bob")] })).Code);
    }

    [Fact]
    [Trait("Attack", "RBAC escalation by aggregation")]
    public async Task Nobody_has_others_rights_gathered_for_him()
    {
        // A role that gathers could gather anything; a role that is gathered must not say more than its writer may.
        Assert.Equal(403, (await _server.CreateAsync(s_bob, new ClusterRole
        {
            Metadata = new() { Name = "gatherer" }, AggregationRule = new() { ClusterRoleSelectors = [new() { MatchLabels = Map.Of(("any", "thing")) }] },
        })).Code);
        Assert.Equal(403, (await _server.CreateAsync(s_bob, new ClusterRole
        {
            Metadata = new() { Name = "gathered", Labels = Map.Of(("rbac.authorization.k8s.io/aggregate-to-view", "true")) }, Rules = [Rule("get", "", "secrets")],
        })).Code);
        Assert.Equal(201, (await MakeRoleAsync("plain", Rule("get", "", "pods"))).Code);
        var plain = await _server.GetAsync<ClusterRole>("", "plain");
        Assert.Equal(403, (await _server.CallAsync(s_bob, "PUT", Roles + "/plain", plain with { AggregationRule = new() { ClusterRoleSelectors = [new LabelSelector { MatchLabels = Map.Of(("any", "thing")) }] } })).Code);
    }

    [Fact]
    [Trait("Attack", "RBAC escalation by escalate")]
    public async Task Escalate_and_bind_are_for_what_they_name()
    {
        await _server.BindAsync("binder", User("bob"), Rule("bind", Group, "clusterroles", "same"), Rule("escalate", Group, "clusterroles", "mine"));
        Assert.Equal(201, (await MakeRoleAsync("mine", s_everything)).Code);
        Assert.Equal(403, (await MakeRoleAsync("yours", s_everything)).Code);
        await _server.MakeAsync(new ClusterRole { Metadata = new() { Name = "same" }, Rules = [s_everything] });
        Assert.Equal(201, (await _server.CreateAsync(s_bob, new ClusterRoleBinding { Metadata = new() { Name = "ok" }, RoleRef = To("same"), Subjects = [User("eve")] })).Code);
        Assert.Equal(403, (await _server.CreateAsync(s_bob, new ClusterRoleBinding { Metadata = new() { Name = "no" }, RoleRef = To("root"), Subjects = [User("eve")] })).Code);
    }

    [Fact]
    [Trait("Attack", "a node reading other nodes' secrets")]
    public async Task A_node_sees_nothing_of_other_nodes()
    {
        var node = new Identity("system:node:n1", ["system:nodes", "system:authenticated"]);
        await _server.MakeAsync(new Secret { Metadata = new() { Name = "theirs", Namespace = "default" } });
        var pod = Pod("web");
        await _server.MakeAsync(pod with { Spec = pod.Spec with { NodeName = "n2", Volumes = [new() { Name = "s", Secret = new() { SecretName = "theirs" } }] } });

        foreach (string path in (string[])["/api/v1/namespaces/default/secrets/theirs", "/api/v1/namespaces/default/secrets", "/api/v1/secrets", "/api/v1/namespaces/default/pods/web", "/api/v1/nodes/n2", "/api/v1/namespaces/kube-node-lease/configmaps"])
            Assert.Equal(403, (await _server.CallAsync(node, "GET", path)).Code);
        Assert.Equal(403, (await _server.CallAsync(node, "GET", "/api/v1/secrets", null, ("fieldSelector", "metadata.name=theirs"))).Code);
        // Nor does a Pod of its own making open it: mirror Pods name no Secrets.
        var itself = await _server.MakeAsync(new Node { Metadata = new() { Name = "n1" } });
        var mirror = Pod("mirror") with { Metadata = new() { Name = "mirror", Namespace = "default", Annotations = Map.Of(("kubernetes.io/config.mirror", "1")), OwnerReferences = [new() { ApiVersion = "v1", Kind = "Node", Name = "n1", Uid = itself.Metadata.Uid, Controller = true }] }, Spec = pod.Spec with { NodeName = "n1", Volumes = [new() { Name = "s", Secret = new() { SecretName = "theirs" } }] } };
        Assert.Contains("can not create pods that reference secrets", Message(await _server.CreateAsync(node, mirror)), StringComparison.Ordinal);
        Assert.Equal(403, (await _server.CallAsync(node, "GET", "/api/v1/namespaces/default/secrets/theirs")).Code);
    }
}
