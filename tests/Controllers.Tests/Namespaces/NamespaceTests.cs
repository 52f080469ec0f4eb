using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;
using Hanbae.Controllers.Namespaces;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Namespaces;

public sealed class NamespaceTests
{
    static Namespace Space(string name) => new() { Metadata = new() { Name = name }, Spec = new() { Finalizers = ["kubernetes"] }, Status = new() { Phase = "Active" } };

    [Fact]
    public async Task A_namespace_gets_its_account_and_the_root_certificates_and_keeps_them()
    {
        await using var cluster = new TestCluster(["serviceaccount", "root-ca-cert-publisher"], options: new() { RootCa = "PEM" });
        cluster.Api.Put(Space("team"));
        await cluster.UntilAsync(api => api.Find<ServiceAccount>("default", "team") is not null && api.Find<ConfigMap>("kube-root-ca.crt", "team")?.Data["ca.crt"] == "PEM");

        cluster.Api.Remove<ServiceAccount>("default", "team");
        const string Description = "kubernetes.io/description";
        Assert.StartsWith("Contains a CA bundle that can be used to verify the kube-apiserver", cluster.Api.Find<ConfigMap>("kube-root-ca.crt", "team")!.Metadata.Annotations[Description]);
        cluster.Api.Change<ConfigMap>("kube-root-ca.crt", m => m with { Metadata = m.Metadata with { Annotations = default } }, "team");
        await cluster.UntilAsync(api => api.Find<ConfigMap>("kube-root-ca.crt", "team")!.Metadata.Annotations.ContainsKey(Description));
        cluster.Api.Change<ConfigMap>("kube-root-ca.crt", m => m with { Data = Map.Of(("ca.crt", "forged")) }, "team");
        await cluster.UntilAsync(api => api.Find<ServiceAccount>("default", "team") is not null && api.Find<ConfigMap>("kube-root-ca.crt", "team")!.Data["ca.crt"] == "PEM");
    }

    [Fact]
    public async Task A_deleted_namespace_goes_with_all_it_holds_but_not_before()
    {
        await using var cluster = new TestCluster(["namespace"]);
        cluster.Creep = TimeSpan.FromSeconds(1);
        cluster.Api.Put(Space("team"));
        cluster.Api.Put(Make.ReplicaSet("web", 1) is var set ? set with { Metadata = set.Metadata with { Namespace = "team" } } : set);
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "held", Namespace = "team", Finalizers = ["example.com/wait"] } });
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "elsewhere", Namespace = "default" } });

        await cluster.Client.DeleteAsync<Namespace>(new("", "team"), DeleteOptions.Empty, CancellationToken.None);
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "")!.Status.Conditions.Exists(c => c is { Type: "NamespaceFinalizersRemaining", Status: "True" }));
        Assert.Equal("Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances",
            cluster.Api.Find<Namespace>("team", "")!.Status.Conditions.Find(c => c.Type == "NamespaceFinalizersRemaining")!.Message);
        Assert.Empty(cluster.Api.All<ReplicaSet>());

        cluster.Api.Change<ConfigMap>("held", m => m with { Metadata = m.Metadata with { Finalizers = default } }, "team");
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "") is null);
        Assert.NotNull(cluster.Api.Find<ConfigMap>("elsewhere"));
    }

    [Fact]
    public async Task What_the_cache_shows_still_and_is_gone_already_is_done()
    {
        var api = new FakeApi();
        var client = new ApiClient(api, TimeProvider.System);
        var cache = new SharedCache<Namespace>();
        api.Put(Space("team"));
        await client.DeleteAsync<Namespace>(new("", "team"), DeleteOptions.Empty, CancellationToken.None);
        cache.Apply(new(SyncKind.Init));
        cache.Apply(new(SyncKind.Applied, api.Find<Namespace>("team", "")!));
        cache.Apply(new(SyncKind.InitDone));
        var delete = new Delete(new OneCache<Namespace>(client, cache));

        Assert.Equal(Again.OnChange, await delete.ReconcileAsync(new("", "team"), CancellationToken.None));
        Assert.Null(api.Find<Namespace>("team", ""));
        Assert.Equal(Again.OnChange, await delete.ReconcileAsync(new("", "team"), CancellationToken.None));
    }

    [Fact]
    public async Task Nothing_else_goes_while_there_are_Pods()
    {
        await using var cluster = new TestCluster(["namespace"]);
        cluster.Creep = TimeSpan.FromSeconds(1);
        cluster.Api.Put(Space("team"));
        cluster.Api.Put(new Pod { Metadata = new() { Name = "slow", Namespace = "team", Finalizers = ["example.com/wait"] }, Spec = new() { Containers = [new() { Name = "c", Image = "i" }] } });
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "needed", Namespace = "team" } });

        await cluster.Client.DeleteAsync<Namespace>(new("", "team"), DeleteOptions.Empty, CancellationToken.None);
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "")!.Status.Conditions.Exists(c => c is { Type: "NamespaceContentRemaining", Status: "True" }));
        Assert.Equal("Some resources are remaining: pods. has 1 resource instances", cluster.Api.Find<Namespace>("team", "")!.Status.Conditions.Find(c => c.Type == "NamespaceContentRemaining")!.Message);
        Assert.NotNull(cluster.Api.Find<ConfigMap>("needed", "team"));

        cluster.Api.Change<Pod>("slow", p => p with { Metadata = p.Metadata with { Finalizers = default } }, "team");
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "") is null && api.Find<ConfigMap>("needed", "team") is null);
        // With what it owns, so that no kind leaves its own for the collector to find.
        Assert.Contains(cluster.Api.Requests, r => r is { Method: "DELETE", Path: "/api/v1/namespaces/team/configmaps", Object: DeleteOptions { PropagationPolicy: "Background" } });
    }

    [Fact]
    public async Task A_namespace_stays_while_somebodys_server_does_not_say_what_it_holds()
    {
        await using var cluster = new TestCluster(["namespace"]);
        cluster.Creep = TimeSpan.FromSeconds(1);
        cluster.Api.Put(Space("team"));
        cluster.Api.Intercept = r => r switch
        {
            { Method: "GET", Path: "/api" } => new() { Code = 200, Body = "{\"items\":[]}"u8.ToArray() },
            { Method: "GET", Path: "/apis" } => new() { Code = 200, Body = "{\"items\":[{\"metadata\":{\"name\":\"metrics.example.com\"},\"versions\":[{\"version\":\"v1beta1\",\"freshness\":\"Stale\"}]}]}"u8.ToArray() },
            _ => null,
        };

        await cluster.Client.DeleteAsync<Namespace>(new("", "team"), DeleteOptions.Empty, CancellationToken.None);
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "")!.Status.Conditions.Exists(c => c is { Type: "NamespaceDeletionDiscoveryFailure", Status: "True", Reason: "DiscoveryFailed" }));
        Assert.EndsWith("unable to retrieve the complete list of server APIs: metrics.example.com/v1beta1: stale GroupVersion discovery: metrics.example.com/v1beta1",
            cluster.Api.Find<Namespace>("team", "")!.Status.Conditions.Find(c => c.Type == "NamespaceDeletionDiscoveryFailure")!.Message);

        cluster.Api.Intercept = null;
        await cluster.UntilAsync(api => api.Find<Namespace>("team", "") is null);
    }

    [Fact]
    public void Everything_that_can_be_in_a_namespace_is_deleted_with_it()
    {
        var all = Contents.BuiltIn.Select(r => r.Gvr.GroupResource.ToString()).ToList();

        Assert.Superset(new HashSet<string> { "pods", "configmaps", "secrets", "deployments.apps", "jobs.batch", "endpointslices.discovery.k8s.io", "leases.coordination.k8s.io" }, all.ToHashSet());
        Assert.DoesNotContain("nodes", all);
        Assert.DoesNotContain("bindings", all);
        Assert.Equal(all.Count, all.Distinct().Count());
    }
}
