using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Bootstrap;

public sealed class ClusterBootstrapTests : IAsyncLifetime
{
    static readonly BootstrapOptions Options = new() { Advertise = new(IPAddress.Parse("10.1.2.3"), 6443), ServiceAddress = IPAddress.Parse("10.96.0.1"), ClientAuthority = "PEM" };
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, Options, CancellationToken.None);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task<bool> MayAsync(Identity user, string method, string path) => (await _server.CallAsync(user, method, path)).Code is not 403;

    [Fact]
    public async Task A_second_start_changes_nothing()
    {
        long before = (await _server.Http.Store.CurrentAsync(CancellationToken.None)).Value;

        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, Options, CancellationToken.None);

        Assert.Equal(before, (await _server.Http.Store.CurrentAsync(CancellationToken.None)).Value);
    }

    [Fact]
    public async Task The_API_server_has_a_Service()
    {
        var service = await _server.GetAsync<Service>("default", "kubernetes");
        var slice = await _server.GetAsync<EndpointSlice>("default", "kubernetes");
        var endpoints = await _server.GetAsync<Endpoints>("default", "kubernetes");

        Assert.Equal("10.96.0.1", service.Spec.ClusterIP);
        Assert.Equal("10.1.2.3", slice.Endpoints[0].Addresses[0]);
        Assert.Equal("kubernetes", slice.Metadata.Labels["kubernetes.io/service-name"]);
        Assert.Equal("10.1.2.3", endpoints.Subsets[0].Addresses[0].Ip);
    }

    [Fact]
    public async Task A_server_that_moved_says_where_it_is_now()
    {
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, Options with { Advertise = new(IPAddress.Parse("10.1.2.4"), 7443) }, CancellationToken.None);

        Assert.Equal("10.1.2.4", (await _server.GetAsync<EndpointSlice>("default", "kubernetes")).Endpoints[0].Addresses[0]);
        Assert.Equal(7443, (await _server.GetAsync<Service>("default", "kubernetes")).Spec.Ports[0].TargetPort.Int);
    }

    [Fact]
    public async Task Editors_write_Pods_but_not_roles_and_viewers_read_no_secrets()
    {
        Identity Bound(string role) => new(role + "-user", ["system:authenticated"]);
        foreach (string role in (string[])["admin", "edit", "view"])
            await _server.MakeAsync(new RoleBinding { Metadata = new() { Name = role, Namespace = "default" }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = role }, Subjects = [User(role + "-user")] });

        const string pods = "/api/v1/namespaces/default/pods", secrets = "/api/v1/namespaces/default/secrets", roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
        Assert.True(await MayAsync(Bound("view"), "GET", pods));
        Assert.False(await MayAsync(Bound("view"), "GET", secrets));
        Assert.True(await MayAsync(Bound("edit"), "GET", secrets));
        Assert.True(await MayAsync(Bound("edit"), "DELETE", pods + "/none"));
        Assert.False(await MayAsync(Bound("edit"), "GET", roles));
        Assert.True(await MayAsync(Bound("admin"), "GET", roles));
        Assert.False(await MayAsync(Bound("admin"), "GET", "/api/v1/namespaces/kube-system/pods"));
    }

    [Fact]
    public async Task The_anonymous_see_health_and_version_only()
    {
        var anonymous = RequestContext.Anonymous;

        Assert.True(await MayAsync(anonymous, "GET", "/healthz"));
        Assert.True(await MayAsync(anonymous, "GET", "/version"));
        Assert.False(await MayAsync(anonymous, "GET", "/metrics"));
        Assert.False(await MayAsync(anonymous, "GET", "/api"));
        Assert.True(await MayAsync(new("ann", ["system:authenticated"]), "GET", "/api"));
    }

    [Fact]
    public async Task What_is_missing_from_a_default_role_is_put_back_and_what_was_added_stays()
    {
        var role = await _server.GetAsync<ClusterRole>("", "system:kube-dns");
        await PutAsync(role with { Rules = [Rule("get", "example.com", "things")] });
        var closed = await _server.GetAsync<ClusterRole>("", "system:heapster");
        await PutAsync(closed with { Rules = [], Metadata = closed.Metadata with { Annotations = closed.Metadata.Annotations.Set("rbac.authorization.kubernetes.io/autoupdate", "false") } });

        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, Options, CancellationToken.None);

        Assert.Equal(["things", "endpoints"], (await _server.GetAsync<ClusterRole>("", "system:kube-dns")).Rules.Select(r => r.Resources[0]));
        Assert.Empty((await _server.GetAsync<ClusterRole>("", "system:heapster")).Rules);
    }

    Task PutAsync(ClusterRole role) => _server.CallAsync(Admin, "PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/" + role.Metadata.Name, role).ContinueWith(t => Good(t.Result), TaskScheduler.Default);

    [Fact]
    public async Task Controllers_do_what_their_roles_say()
    {
        var controller = new Identity("system:serviceaccount:kube-system:replicaset-controller", ["system:serviceaccounts", "system:authenticated"]);

        Assert.True(await MayAsync(controller, "GET", "/apis/apps/v1/replicasets"));
        Assert.False(await MayAsync(controller, "GET", "/api/v1/secrets"));
        Assert.True(await MayAsync(new("system:kube-scheduler", ["system:authenticated"]), "GET", "/api/v1/nodes"));
    }
}
