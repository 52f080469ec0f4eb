using Hanbae.Server.Auth.Authenticators;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Acting as somebody else: for everything by the old verb, for one thing by the new ones (KEP-5284).</summary>
public sealed class ImpersonationTests : IAsyncLifetime
{
    const string Authentication = "authentication.k8s.io";
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync(o => o with { StaticTokens = StaticTokens.Parse("s3cret,bob,uid1\n") });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", Authentication, "selfsubjectreviews"));
        await _server.BindAsync("readers", User("ann"), Rule("list,get", "", "pods"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    Task<TestServer.Answer> WhoAmIAsync(params (string, string)[] headers) => _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: [("Authorization", "Bearer s3cret"), .. headers]);

    Task<TestServer.Answer> ListAsync(params (string, string)[] headers) => _server.Http.SendAsync("GET", "/api/v1/namespaces/default/pods", headers: [("Authorization", "Bearer s3cret"), .. headers]);

    [Fact]
    public async Task All_of_a_user_can_be_taken_on_and_each_part_is_a_right_of_its_own()
    {
        await _server.BindAsync("old", User("bob"), Rule("impersonate", "", "users", "ann"), Rule("impersonate", "", "groups", "devs"),
            Rule("impersonate", Authentication, "uids", "u-1"), Rule("impersonate", Authentication, "userextras/scopes", "view"));
        (string, string) user = ("Impersonate-User", "ann");

        var whole = await WhoAmIAsync(user, ("Impersonate-Group", "devs"), ("Impersonate-Uid", "u-1"), ("Impersonate-Extra-Scopes", "view"));

        Assert.Equal("{\"username\":\"ann\",\"uid\":\"u-1\",\"groups\":[\"devs\",\"system:authenticated\"],\"extra\":{\"scopes\":[\"view\"]}}", whole.Text("status", "userInfo"));
        Assert.Equal(403, (await WhoAmIAsync(user, ("Impersonate-Group", "ops"))).Code);
        Assert.Equal(403, (await WhoAmIAsync(user, ("Impersonate-Group", "system:masters"))).Code);
        Assert.Equal(403, (await WhoAmIAsync(user, ("Impersonate-Uid", "u-2"))).Code);
        Assert.Equal(403, (await WhoAmIAsync(user, ("Impersonate-Extra-Scopes", "edit"))).Code);
        Assert.Equal(403, (await WhoAmIAsync(user, ("Impersonate-Extra-Other", "view"))).Code);
    }

    [Fact]
    public async Task Parts_without_a_name_are_no_request()
    {
        Assert.Equal(400, (await WhoAmIAsync(("Impersonate-Group", "system:masters"))).Code);
        Assert.Equal(400, (await WhoAmIAsync(("Impersonate-Uid", "1"))).Code);
        Assert.Equal(400, (await WhoAmIAsync(("Impersonate-Extra-Scopes", "view"))).Code);
    }

    [Fact]
    public async Task Who_is_nobody_stays_nobody()
    {
        await _server.BindAsync("old", User("bob"), Rule("impersonate", "", "users,groups"));
        await _server.BindAsync("nobody", Group("system:unauthenticated"), Rule("create", Authentication, "selfsubjectreviews"));

        Assert.Equal("[\"system:unauthenticated\"]", (await WhoAmIAsync(("Impersonate-User", "system:anonymous"))).Text("status", "userInfo", "groups"));
        Assert.Equal("[\"system:unauthenticated\"]", (await WhoAmIAsync(("Impersonate-User", "ann"), ("Impersonate-Group", "system:unauthenticated"))).Text("status", "userInfo", "groups"));
    }

    [Fact]
    public async Task A_right_to_one_thing_as_another_is_a_right_to_that_only()
    {
        await _server.BindAsync("who", User("bob"), Rule("impersonate:user-info", Authentication, "users", "ann"));
        Assert.Equal("pods is forbidden: User \"bob\" cannot impersonate-on:user-info:list resource \"pods\" in API group \"\" in the namespace \"default\"", (await ListAsync(("Impersonate-User", "ann"))).Message);
        await _server.BindAsync("what", "default", User("bob"), Rule("impersonate-on:user-info:list", "", "pods"));

        Assert.Equal(200, (await ListAsync(("Impersonate-User", "ann"))).Code);
        Assert.Equal(403, (await ListAsync(("Impersonate-User", "eve"))).Code);
        Assert.Equal(403, (await WhoAmIAsync(("Impersonate-User", "ann"))).Code);
        Assert.Equal(403, (await _server.Http.SendAsync("GET", "/api/v1/namespaces/kube-system/pods", headers: [("Authorization", "Bearer s3cret"), ("Impersonate-User", "ann")])).Code);
        // What the other may not do, nobody does in his name.
        Assert.Equal(403, (await _server.Http.SendAsync("DELETE", "/api/v1/namespaces/default/pods/x", headers: [("Authorization", "Bearer s3cret"), ("Impersonate-User", "ann")])).Code);
    }

    [Fact]
    [Trait("Attack", "RBAC escalation by impersonate")]
    public async Task Nobody_becomes_a_master_a_node_or_an_account_by_the_right_to_users()
    {
        await _server.BindAsync("who", User("bob"), Rule("impersonate:user-info", Authentication, "users,groups,uids,userextras/*"), Rule("impersonate-on:user-info:list", "", "pods"));

        Assert.Equal(200, (await ListAsync(("Impersonate-User", "ann"), ("Impersonate-Group", "devs"))).Code);
        Assert.Contains("impersonating the system:masters group is not allowed", (await ListAsync(("Impersonate-User", "ann"), ("Impersonate-Group", "system:masters"))).Message);
        Assert.Contains("impersonating the empty string group is not allowed", (await ListAsync(("Impersonate-User", "ann"), ("Impersonate-Group", ""))).Message);
        Assert.Contains("impersonating an invalid key in extra is not allowed", (await ListAsync(("Impersonate-User", "ann"), ("Impersonate-Extra-Plain", "x"))).Message);
        Assert.Equal(403, (await ListAsync(("Impersonate-User", "system:node:n1"))).Code);
        Assert.Equal(403, (await ListAsync(("Impersonate-User", "system:serviceaccount:default:robot"))).Code);
    }

    [Fact]
    public async Task An_agent_may_act_as_the_node_that_it_runs_on_and_as_no_other()
    {
        await _server.MakeAsync(new Api.Core.V1.Node { Metadata = new() { Name = "n1" } });
        await _server.MakeAsync(Pod("agent") with { Spec = Pod("agent").Spec with { NodeName = "n1" } });
        var request = (Api.Authentication.V1.TokenRequest)Good(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
            new Api.Authentication.V1.TokenRequest { Spec = new() { BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = "agent" } } })).Object!;
        await _server.BindAsync("agents", new() { Kind = "ServiceAccount", Namespace = "default", Name = "default" }, Rule("impersonate:associated-node", Authentication, "nodes"), Rule("impersonate-on:associated-node:list", "", "pods"));
        Task<TestServer.Answer> As(string node, string query) => _server.Http.SendAsync("GET", "/api/v1/pods" + query, headers: [("Authorization", "Bearer " + request.Status.Token), ("Impersonate-User", "system:node:" + node)]);

        Assert.Equal(200, (await As("n1", "?fieldSelector=spec.nodeName%3Dn1")).Code);
        Assert.Equal(403, (await As("n1", "")).Code);
        Assert.Equal(403, (await As("n2", "?fieldSelector=spec.nodeName%3Dn2")).Code);
    }
}
