using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Bootstrap;

/// <summary>The roles that every cluster has, resource by resource and verb by verb, as upstream's documentation and policy have them.</summary>
public sealed class RoleTableTests : IAsyncLifetime
{
    static readonly string[] s_verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    const string Letters = "glwcupdD";

    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, new(), CancellationToken.None);
        // What the aggregation controller puts together.
        string[] view = ["system:aggregate-to-view"], edit = [.. view, "system:aggregate-to-edit"], admin = [.. edit, "system:aggregate-to-admin"];
        foreach (var (name, roles) in new[] { ("view", view), ("edit", edit), ("admin", admin) })
            foreach (string role in roles) await BindAsync(name, role);
        foreach (string role in (string[])["system:kube-scheduler", "system:kube-controller-manager", "system:node-proxier", "system:kube-dns", "system:monitoring", "system:node-bootstrapper", "system:auth-delegator",
            "system:kubelet-api-admin", "system:node-problem-detector", "system:persistent-volume-provisioner", "system:volume-scheduler"]) await BindAsync(role, role);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task BindAsync(string user, string role) => await _server.MakeAsync(new ClusterRoleBinding
    {
        Metadata = new() { Name = $"test:{user}:{role}" }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = role }, Subjects = [User("test:" + user)],
    });

    async Task<string> MayAsync(string user, string group, string resource)
    {
        string may = "";
        int slash = resource.IndexOf('/');
        for (int i = 0; i < s_verbs.Length; i++)
        {
            var decision = await _server.Security.Authorizer.AuthorizeAsync(new()
            {
                User = new("test:" + user, []), Verb = s_verbs[i], IsResourceRequest = true, ApiGroup = group, Resource = slash < 0 ? resource : resource[..slash], Subresource = slash < 0 ? "" : resource[(slash + 1)..],
                Namespace = "default", Name = "x",
            }, CancellationToken.None);
            if (decision.Verdict == Verdict.Allow) may += Letters[i];
        }
        return may switch { "" => "-", "glw" => "R", "cupdD" => "W", "glwcupdD" => "RW", _ => may };
    }

    /// <summary>R: get, list, watch. W: create, update, patch, delete, deletecollection. Otherwise the letters of get, list, watch, create, update, patch, delete, and D for collections.</summary>
    [Theory]
    [InlineData("", "pods", "RW", "RW", "R")]
    [InlineData("", "pods/status", "R", "R", "R")]
    [InlineData("", "pods/log", "R", "R", "R")]
    [InlineData("", "pods/exec", "RW", "RW", "-")]
    [InlineData("", "pods/attach", "RW", "RW", "-")]
    [InlineData("", "pods/portforward", "RW", "RW", "-")]
    [InlineData("", "pods/proxy", "RW", "RW", "-")]
    [InlineData("", "pods/eviction", "c", "c", "-")]
    [InlineData("", "pods/ephemeralcontainers", "-", "-", "-")]
    [InlineData("", "configmaps", "RW", "RW", "R")]
    [InlineData("", "secrets", "RW", "RW", "-")]
    [InlineData("", "services", "RW", "RW", "R")]
    [InlineData("", "services/status", "R", "R", "R")]
    [InlineData("", "services/proxy", "RW", "RW", "-")]
    [InlineData("", "serviceaccounts", "RW", "RW", "R")]
    [InlineData("", "serviceaccounts/token", "c", "c", "-")]
    [InlineData("", "persistentvolumeclaims", "RW", "RW", "R")]
    [InlineData("", "persistentvolumes", "-", "-", "-")]
    [InlineData("", "replicationcontrollers/scale", "RW", "RW", "R")]
    // Nobody edits these since endpoints could point at what a NetworkPolicy protects.
    [InlineData("", "endpoints", "R", "R", "R")]
    [InlineData("discovery.k8s.io", "endpointslices", "R", "R", "R")]
    [InlineData("", "events", "RW", "RW", "R")]
    [InlineData("", "namespaces", "R", "R", "R")]
    [InlineData("", "nodes", "-", "-", "-")]
    [InlineData("", "limitranges", "R", "R", "R")]
    [InlineData("", "resourcequotas", "R", "R", "R")]
    [InlineData("apps", "deployments", "RW", "RW", "R")]
    [InlineData("apps", "deployments/scale", "RW", "RW", "R")]
    [InlineData("apps", "deployments/status", "R", "R", "R")]
    [InlineData("apps", "statefulsets", "RW", "RW", "R")]
    [InlineData("apps", "daemonsets", "RW", "RW", "R")]
    [InlineData("apps", "replicasets", "RW", "RW", "R")]
    [InlineData("apps", "controllerrevisions", "R", "R", "R")]
    [InlineData("batch", "jobs", "RW", "RW", "R")]
    [InlineData("batch", "cronjobs", "RW", "RW", "R")]
    [InlineData("autoscaling", "horizontalpodautoscalers", "RW", "RW", "R")]
    [InlineData("policy", "poddisruptionbudgets", "RW", "RW", "R")]
    [InlineData("networking.k8s.io", "ingresses", "RW", "RW", "R")]
    [InlineData("networking.k8s.io", "networkpolicies", "RW", "RW", "R")]
    [InlineData("networking.k8s.io", "ingressclasses", "-", "-", "-")]
    [InlineData("coordination.k8s.io", "leases", "RW", "RW", "-")]
    [InlineData("resource.k8s.io", "resourceclaims", "RW", "RW", "R")]
    [InlineData("resource.k8s.io", "resourceclaimtemplates", "RW", "RW", "R")]
    [InlineData("resource.k8s.io", "resourceslices", "-", "-", "-")]
    [InlineData("rbac.authorization.k8s.io", "roles", "RW", "-", "-")]
    [InlineData("rbac.authorization.k8s.io", "rolebindings", "RW", "-", "-")]
    [InlineData("rbac.authorization.k8s.io", "clusterroles", "-", "-", "-")]
    [InlineData("authorization.k8s.io", "localsubjectaccessreviews", "c", "-", "-")]
    [InlineData("apiextensions.k8s.io", "customresourcedefinitions", "-", "-", "-")]
    [InlineData("storage.k8s.io", "storageclasses", "-", "-", "-")]
    [InlineData("certificates.k8s.io", "certificatesigningrequests", "-", "-", "-")]
    public async Task Admins_editors_and_viewers(string group, string resource, string admin, string edit, string view) =>
        Assert.Equal((admin, edit, view), (await MayAsync("admin", group, resource), await MayAsync("edit", group, resource), await MayAsync("view", group, resource)));

    [Theory]
    [InlineData("system:kube-scheduler", "", "pods", "glwd")]
    [InlineData("system:kube-scheduler", "", "pods/binding", "c")]
    [InlineData("system:kube-scheduler", "", "bindings", "c")]
    [InlineData("system:kube-scheduler", "", "pods/status", "up")]
    [InlineData("system:kube-scheduler", "", "nodes", "R")]
    [InlineData("system:kube-scheduler", "", "secrets", "-")]
    [InlineData("system:kube-scheduler", "", "persistentvolumeclaims", "R")]
    [InlineData("system:kube-scheduler", "storage.k8s.io", "volumeattachments", "R")]
    [InlineData("system:kube-scheduler", "resource.k8s.io", "resourceclaims/status", "up")]
    [InlineData("system:kube-scheduler", "events.k8s.io", "events", "cup")]
    [InlineData("system:volume-scheduler", "", "persistentvolumes", "glwup")]
    [InlineData("system:volume-scheduler", "storage.k8s.io", "storageclasses", "R")]
    [InlineData("system:kube-controller-manager", "", "secrets", "glwcud")]
    [InlineData("system:kube-controller-manager", "", "serviceaccounts", "glwcud")]
    [InlineData("system:kube-controller-manager", "", "serviceaccounts/token", "lwc")]
    [InlineData("system:kube-controller-manager", "apps", "deployments", "lw")]
    [InlineData("system:kube-controller-manager", "", "pods", "lw")]
    [InlineData("system:node-proxier", "", "services", "lw")]
    [InlineData("system:node-proxier", "", "nodes", "R")]
    [InlineData("system:node-proxier", "discovery.k8s.io", "endpointslices", "lw")]
    [InlineData("system:kube-dns", "", "services", "lw")]
    [InlineData("system:kube-dns", "", "pods", "-")]
    [InlineData("system:node-bootstrapper", "certificates.k8s.io", "certificatesigningrequests", "glwc")]
    [InlineData("system:auth-delegator", "authentication.k8s.io", "tokenreviews", "c")]
    [InlineData("system:auth-delegator", "authorization.k8s.io", "subjectaccessreviews", "c")]
    [InlineData("system:auth-delegator", "authorization.k8s.io", "localsubjectaccessreviews", "-")]
    [InlineData("system:kubelet-api-admin", "", "nodes", "R")]
    [InlineData("system:kubelet-api-admin", "", "nodes/proxy", "RW")]
    [InlineData("system:kubelet-api-admin", "", "nodes/stats", "RW")]
    [InlineData("system:node-problem-detector", "", "nodes", "g")]
    [InlineData("system:node-problem-detector", "", "nodes/status", "p")]
    [InlineData("system:persistent-volume-provisioner", "", "persistentvolumes", "glwcd")]
    [InlineData("system:persistent-volume-provisioner", "", "persistentvolumeclaims", "glwu")]
    [InlineData("system:monitoring", "", "pods", "-")]
    public async Task Components(string role, string group, string resource, string verbs) => Assert.Equal(verbs, await MayAsync(role, group, resource));

    [Theory]
    [InlineData("system:unauthenticated", "/healthz,/livez,/readyz,/version,/version/", "/metrics,/api,/apis,/openapi/v2,/healthz/etcd,/livez/ping,/")]
    [InlineData("system:authenticated", "/healthz,/livez,/readyz,/version,/api,/api/v1,/apis/apps/v1,/openapi/v3,/openapi/v2", "/metrics,/healthz/etcd,/logs,/")]
    [InlineData("system:serviceaccounts", "/.well-known/openid-configuration,/openid/v1/jwks", "/metrics,/openid/v1/keys")]
    [InlineData("system:monitoring", "/metrics,/metrics/slis,/healthz/etcd,/livez/ping,/readyz/etcd", "/logs,/apis")]
    public async Task Groups_of_everybody(string group, string allowed, string refused)
    {
        async Task<bool> May(string path) => (await _server.Security.Authorizer.AuthorizeAsync(new() { User = new("x", [group]), Verb = "get", IsResourceRequest = false, Path = path }, CancellationToken.None)).Verdict == Verdict.Allow;

        foreach (string path in allowed.Split(',')) Assert.True(await May(path), path);
        foreach (string path in refused.Split(',')) Assert.False(await May(path), path);
    }
}
