using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

public sealed class RbacTests : IAsyncLifetime
{
    static readonly Identity Ann = new("ann", ["devs", "system:authenticated"]);
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync();
    public async Task DisposeAsync() => await _server.DisposeAsync();

    Task<ApiResult> ListPodsAsync(Identity user, string ns = "default") => _server.CallAsync(user, "GET", $"/api/v1/namespaces/{ns}/pods");

    [Theory]
    [InlineData("GET", "/api/v1/namespaces/default/pods", "pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"")]
    [InlineData("GET", "/api/v1/nodes/n1", "nodes \"n1\" is forbidden: User \"ann\" cannot get resource \"nodes\" in API group \"\" at the cluster scope")]
    [InlineData("GET", "/apis/apps/v1/namespaces/default/deployments/web/scale", "deployments.apps \"web\" is forbidden: User \"ann\" cannot get resource \"deployments/scale\" in API group \"apps\" in the namespace \"default\"")]
    [InlineData("GET", "/metrics", "forbidden: User \"ann\" cannot get path \"/metrics\"")]
    public async Task Who_has_no_role_is_refused_in_upstreams_words(string method, string path, string message)
    {
        var result = await _server.CallAsync(Ann, method, path);

        Assert.Equal(403, result.Code);
        Assert.Equal(message, Message(result));
    }

    [Fact]
    public async Task A_binding_counts_from_the_next_request_on_until_it_is_deleted()
    {
        await _server.BindAsync("readers", User("ann"), Rule("list", "", "pods"));
        Assert.Equal(200, (await ListPodsAsync(Ann)).Code);

        Good(await _server.DeleteAsync<ClusterRoleBinding>(Admin, "", "readers"));
        Assert.Equal(403, (await ListPodsAsync(Ann)).Code);
    }

    [Fact]
    public async Task A_changed_role_counts_from_the_next_request_on()
    {
        await _server.BindAsync("readers", Group("devs"), Rule("list", "", "services"));
        Assert.Equal(403, (await ListPodsAsync(Ann)).Code);

        var role = await _server.GetAsync<ClusterRole>("", "readers");
        Good(await _server.CallAsync(Admin, "PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/readers", role with { Rules = [Rule("*", "*", "*")] }));
        Assert.Equal(200, (await ListPodsAsync(Ann)).Code);
    }

    [Fact]
    public async Task A_role_binding_grants_in_its_namespace_only()
    {
        await _server.BindAsync("readers", "default", User("ann"), Rule("list", "", "pods"));

        Assert.Equal(200, (await ListPodsAsync(Ann)).Code);
        Assert.Equal(403, (await ListPodsAsync(Ann, "kube-system")).Code);
        Assert.Equal(403, (await _server.CallAsync(Ann, "GET", "/api/v1/pods")).Code);
    }

    [Fact]
    public async Task A_service_account_subject_without_namespace_is_of_the_bindings_namespace()
    {
        await _server.BindAsync("readers", "default", new() { Kind = "ServiceAccount", Name = "robot" }, Rule("list", "", "pods"));

        Assert.Equal(200, (await ListPodsAsync(new("system:serviceaccount:default:robot", []))).Code);
        Assert.Equal(403, (await ListPodsAsync(new("system:serviceaccount:other:robot", []))).Code);
    }

    [Theory]
    [InlineData("pods", "pods", "", "", true)]
    [InlineData("pods", "pods", "log", "", false)]
    [InlineData("pods/log", "pods", "log", "", true)]
    [InlineData("*", "pods", "log", "", true)]
    [InlineData("*/scale", "deployments", "scale", "", true)]
    [InlineData("*/scale", "deployments", "", "", false)]
    [InlineData("pods", "pods", "", "web", true)]
    [InlineData("pods", "pods", "", "db", false)]
    public async Task Rules_match_resources_subresources_and_names_as_upstreams(string rule, string resource, string subresource, string name, bool allowed)
    {
        await _server.BindAsync("rule", User("ann"), Rule("get", "*", rule, name.Length > 0 ? ["web"] : []));

        var result = Good(await _server.CreateAsync(Admin, new SubjectAccessReview
        {
            Spec = new() { User = "ann", ResourceAttributes = new() { Verb = "get", Group = "x", Namespace = "default", Resource = resource, Subresource = subresource, Name = name } },
        }));

        var status = ((SubjectAccessReview)result.Object!).Status;
        Assert.Equal(allowed, status.Allowed);
        Assert.Equal(allowed ? "RBAC: allowed by ClusterRoleBinding \"rule\" of ClusterRole \"rule\" to User \"ann\"" : "", status.Reason);
    }

    [Fact]
    public async Task A_binding_to_a_role_that_does_not_exist_is_said_in_the_reason()
    {
        await _server.BindAsync("gone", User("ann"), Rule("get", "", "pods"));
        Good(await _server.DeleteAsync<ClusterRole>(Admin, "", "gone"));

        var result = await ListPodsAsync(Ann);

        Assert.EndsWith("in the namespace \"default\": RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found", Message(result), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_is_granted_exactly_or_by_a_star_at_the_end()
    {
        await _server.BindAsync("paths", User("ann"), new PolicyRule { Verbs = ["get"], NonResourceURLs = ["/healthz", "/livez*"] });

        Assert.Equal(200, (await _server.CallAsync(Ann, "GET", "/healthz")).Code);
        Assert.Equal(200, (await _server.CallAsync(Ann, "GET", "/livez")).Code);
        Assert.Equal(403, (await _server.CallAsync(Ann, "GET", "/readyz")).Code);
    }

    [Fact]
    public async Task Nobody_grants_what_he_does_not_hold()
    {
        await _server.BindAsync("granter", User("ann"), Rule("create,update", "rbac.authorization.k8s.io", "clusterroles,clusterrolebindings"), Rule("get", "", "pods"));

        var result = await _server.CreateAsync(Ann, new ClusterRole { Metadata = new() { Name = "more" }, Rules = [Rule("get,list", "", "pods"), Rule("get", "", "secrets")] });

        Assert.Equal(403, result.Code);
        Assert.Equal("clusterroles.rbac.authorization.k8s.io \"more\" is forbidden: user \"ann\" (groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n"
            + "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}", Message(result));
        Assert.Equal(201, (await _server.CreateAsync(Ann, new ClusterRole { Metadata = new() { Name = "same" }, Rules = [Rule("get", "", "pods")] })).Code);
    }

    [Fact]
    public async Task Nobody_binds_a_role_he_does_not_hold_unless_he_may_bind_it()
    {
        await _server.BindAsync("granter", User("ann"), Rule("create", "rbac.authorization.k8s.io", "clusterrolebindings"), Rule("bind", "rbac.authorization.k8s.io", "clusterroles", "may"));
        await _server.MakeAsync(new ClusterRole { Metadata = new() { Name = "may" }, Rules = [Rule("*", "*", "*")] });
        await _server.MakeAsync(new ClusterRole { Metadata = new() { Name = "may-not" }, Rules = [Rule("*", "*", "*")] });
        ClusterRoleBinding To(string role) => new() { Metadata = new() { Name = role }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = role }, Subjects = [User("ann")] };

        Assert.Equal(403, (await _server.CreateAsync(Ann, To("may-not"))).Code);
        Assert.Equal(201, (await _server.CreateAsync(Ann, To("may"))).Code);
    }

    [Fact]
    public async Task Rules_of_oneself_are_listed()
    {
        await _server.BindAsync("readers", "default", User("ann"), Rule("list", "", "pods"));
        await _server.BindAsync("reviews", Group("system:authenticated"), Rule("create", "authorization.k8s.io", "selfsubjectrulesreviews"), new PolicyRule { Verbs = ["get"], NonResourceURLs = ["/version"] });

        var result = Good(await _server.CreateAsync(Ann, new SelfSubjectRulesReview { Spec = new() { Namespace = "default" } }));

        var status = ((SelfSubjectRulesReview)result.Object!).Status;
        Assert.False(status.Incomplete);
        Assert.Equal(["selfsubjectrulesreviews", "pods"], status.ResourceRules.Select(r => r.Resources[0]));
        Assert.Equal("/version", status.NonResourceRules[0].NonResourceURLs[0]);
    }

    [Fact]
    public async Task A_review_must_say_who_and_what()
    {
        var nobody = await _server.CreateAsync(Admin, new SubjectAccessReview { Spec = new() { ResourceAttributes = new() { Verb = "get", Resource = "pods" } } });
        var nothing = await _server.CreateAsync(Admin, new SubjectAccessReview { Spec = new() { User = "ann" } });

        Assert.Equal("SubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or group must be specified", Message(nobody));
        Assert.Equal("SubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified", Message(nothing));
    }
}
