using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Garbage;

public sealed class CollectTests
{
    static readonly string[] Run = ["garbagecollector"];
    /// <summary>Of a kind that is not served.</summary>
    static readonly OwnerReference s_thing = new() { ApiVersion = "example.com/v1", Kind = "Thing", Name = "x", Uid = "uid-x" };

    /// <summary>A set with two Pods, one of them owned by a second set too.</summary>
    static void Family(FakeApi api)
    {
        var set = api.Put(Make.ReplicaSet("web", 2));
        api.Put(Make.Pod("a", of: set));
        var other = api.Put(Make.ReplicaSet("other", 2));
        var shared = Make.Pod("b", of: set);
        api.Put(shared with { Metadata = shared.Metadata with { OwnerReferences = shared.Metadata.OwnerReferences.Add(other.ControllerRef() with { Controller = null }) } });
    }

    static Task DeleteAsync(TestCluster cluster, string name, string policy) =>
        cluster.Client.DeleteAsync<ReplicaSet>(new("default", name), new() { PropagationPolicy = policy }, CancellationToken.None);

    [Fact]
    public async Task What_an_owner_leaves_behind_is_deleted_unless_another_owns_it_too()
    {
        await using var cluster = new TestCluster(Run, Family);
        await DeleteAsync(cluster, "web", "Background");

        await cluster.UntilAsync(api => api.Find<Pod>("a") is null && api.Find<Pod>("b")!.Metadata.OwnerReferences.Count == 1);
        Assert.Equal("other", cluster.Api.Find<Pod>("b")!.Metadata.OwnerReferences[0].Name);
    }

    [Fact]
    public async Task A_resource_that_cannot_be_listed_holds_nothing_else_up_for_long()
    {
        await using var cluster = new TestCluster(Run, api =>
        {
            Family(api);
            api.Intercept = r => r is { Method: "GET", Path: "/apis/apps/v1/daemonsets" } ? new() { Code = 500, Object = new Status { Code = 500, Reason = "InternalError", Message = "conversion webhook failed" } } : null;
        });
        cluster.Creep = TimeSpan.FromSeconds(1);
        await DeleteAsync(cluster, "web", "Background");
        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("b"));
    }

    [Fact]
    public async Task An_owner_that_no_watch_has_told_of_is_missed_all_the_same()
    {
        // Listed before it was there as far as the collector can tell, and watched from after: its making is never told.
        await using var cluster = new TestCluster(Run, api =>
        {
            Family(api);
            string version = api.Find<Pod>("b")!.Metadata.ResourceVersion;
            api.Intercept = r => r is { Method: "GET", Path: "/apis/apps/v1/replicasets" } ? new() { Code = 200, List = new(new() { ResourceVersion = version }, []) } : null;
        });
        await cluster.UntilAsync(api => api.Requests.Any(r => r is { Method: "GET", Path: "/apis/apps/v1/namespaces/default/replicasets/web" }));
        Assert.NotNull(cluster.Api.Find<Pod>("a"));

        cluster.Api.Remove<ReplicaSet>("web");
        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
    }

    [Fact]
    public async Task Who_is_seen_by_no_watch_is_looked_at_until_he_goes()
    {
        // As when a watch is away from before the owner is made until it is gone: only the dependents are told of.
        await using var cluster = new TestCluster(Run, api =>
        {
            Family(api);
            api.Intercept = r => r is { Method: "GET", Path: "/apis/apps/v1/replicasets" } ? new() { Code = 200, List = new(new() { ResourceVersion = "1000000" }, []) } : null;
        });
        await cluster.UntilAsync(api => api.Requests.Any(r => r is { Method: "GET", Path: "/apis/apps/v1/namespaces/default/replicasets/web" }));

        cluster.Api.Remove<ReplicaSet>("web");
        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
    }

    [Fact]
    public async Task Orphans_stay_and_lose_their_owner()
    {
        await using var cluster = new TestCluster(Run, Family);
        await DeleteAsync(cluster, "web", "Orphan");

        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web") is null);
        Assert.Empty(cluster.Api.Find<Pod>("a")!.Metadata.OwnerReferences);
        Assert.Equal("other", Assert.Single(cluster.Api.Find<Pod>("b")!.Metadata.OwnerReferences).Name);
    }

    [Fact]
    public async Task A_foreground_deletion_ends_with_the_owner()
    {
        await using var cluster = new TestCluster(Run, api =>
        {
            var set = api.Put(Make.ReplicaSet("web", 1));
            var pod = Make.Pod("a", of: set);
            api.Put(pod with { Metadata = pod.Metadata with { Finalizers = ["example.com/wait"] } });
        });
        await DeleteAsync(cluster, "web", "Foreground");

        await cluster.UntilAsync(api => api.Find<Pod>("a")!.Metadata.DeletionTimestamp is not null);
        Assert.NotNull(cluster.Api.Find<ReplicaSet>("web"));
        cluster.Api.Remove<Pod>("a");
        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web") is null);
    }

    [Fact]
    public async Task An_object_whose_owner_never_was_is_deleted_after_a_live_look()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.Pod("a", of: Make.ReplicaSet("never", 1)));

        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
        Assert.Contains(cluster.Api.Requests, r => r is { Method: "GET", Path: "/apis/apps/v1/namespaces/default/replicasets/never" });
    }

    [Fact]
    public async Task An_owner_of_the_same_name_but_another_uid_is_no_owner()
    {
        await using var cluster = new TestCluster(Run, api => api.Put(Make.ReplicaSet("web", 1)));
        var former = Make.ReplicaSet("web", 1);
        cluster.Api.Put(Make.Pod("a", of: former with { Metadata = former.Metadata with { Uid = "uid-of-former" } }));

        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
        Assert.NotNull(cluster.Api.Find<ReplicaSet>("web"));
    }

    [Fact]
    public async Task Owners_that_cannot_be_looked_at_are_left_the_benefit_of_the_doubt()
    {
        var node = new Node { Metadata = new() { Name = "n1", Uid = "uid-of-n1", OwnerReferences = [Make.ReplicaSet("gone", 1).ControllerRef()] } };
        var custom = Make.Pod("custom");
        // What can be said of the other owner changes nothing, as upstream.
        custom = custom with { Metadata = custom.Metadata with { OwnerReferences = [Make.ReplicaSet("gone", 1).ControllerRef(), s_thing] } };
        await using var cluster = new TestCluster(Run, api => { api.Put(node); api.Put(custom); });
        // The last in line: when it is gone the others were looked at, or are about to be.
        cluster.Api.Put(Make.Pod("a", of: Make.ReplicaSet("never", 1)));
        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);

        Assert.NotNull(cluster.Api.Find<Node>("n1", ""));
        Assert.Equal(2, cluster.Api.Find<Pod>("custom")!.Metadata.OwnerReferences.Count);
    }

    [Fact]
    public async Task An_owner_whose_kind_comes_to_be_served_is_looked_at_then()
    {
        static string Group(string name, string resource, string kind, string verbs) => $$"""
            {"items":[{"metadata":{"name":"{{name}}"},"versions":[{"version":"v1","resources":[
            {"resource":"{{resource}}","responseKind":{"group":"","version":"","kind":"{{kind}}"},"scope":"Namespaced","verbs":[{{verbs}}]}]}]}]}
            """;
        static ApiResult Json(string body) => new() { Code = 200, Body = Encoding.UTF8.GetBytes(body) };
        bool served = false;
        var custom = Make.Pod("custom");
        await using var cluster = new TestCluster(Run, api =>
        {
            api.Put(custom with { Metadata = custom.Metadata with { OwnerReferences = [s_thing] } });
            api.Intercept = r => r switch
            {
                { Path: "/api" } => Json(Group("", "pods", "Pod", "\"delete\",\"get\",\"list\",\"patch\",\"watch\"")),
                { Path: "/apis" } => Json(Volatile.Read(ref served) ? Group("example.com", "things", "Thing", "\"get\"") : """{"items":[]}"""),
                { Path: "/apis/example.com/v1/namespaces/default/things/x" } => new() { Code = 404, Object = new Status { Code = 404, Reason = "NotFound" } },
                _ => null,
            };
        });
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => api.Requests.Any(r => r is { Method: "GET", Path: "/api/v1/namespaces/default/pods/custom" }));
        Assert.NotNull(cluster.Api.Find<Pod>("custom"));

        Volatile.Write(ref served, true);
        await cluster.UntilAsync(api => api.Find<Pod>("custom") is null);
    }

    [Fact]
    public async Task An_owner_in_another_namespace_owns_nothing()
    {
        var set = Make.ReplicaSet("web", 1);
        set = set with { Metadata = set.Metadata with { Namespace = "elsewhere", Uid = "uid-of-web" } };
        // A node is owned by nobody of any namespace: it stays, and is told so.
        var node = new Node { Metadata = new() { Name = "n1", Uid = "uid-of-n1", OwnerReferences = [set.ControllerRef()] } };
        await using var cluster = new TestCluster(Run, api => { api.Put(set); api.Put(Make.Pod("a", of: set)); api.Put(node); });

        await cluster.UntilAsync(api => api.Find<Pod>("a") is null);
        await cluster.UntilAsync(_ => cluster.Events.Told.Count >= 2);
        Assert.NotNull(cluster.Api.Find<ReplicaSet>("web", "elsewhere"));
        Assert.NotNull(cluster.Api.Find<Node>("n1", ""));
        Assert.Contains(("OwnerRefInvalidNamespace", "ownerRef [apps/v1/ReplicaSet, namespace: default, name: web, uid: uid-of-web] does not exist in namespace \"default\""), cluster.Events.Told);
        Assert.Contains(("OwnerRefInvalidNamespace", "ownerRef [apps/v1/ReplicaSet, namespace: , name: web, uid: uid-of-web] does not exist in namespace \"\""), cluster.Events.Told);
    }

    [Theory]
    [InlineData("ReplicaSet", "another")]
    [InlineData("Deployment", "web")]
    public async Task An_owner_of_another_kind_or_name_than_its_uid_owns_nothing(string kind, string name)
    {
        await using var cluster = new TestCluster(Run, api =>
        {
            var set = api.Put(Make.ReplicaSet("web", 1));
            api.Put(Make.Pod("right", of: set));
            var pod = Make.Pod("wrong", of: set);
            api.Put(pod with { Metadata = pod.Metadata with { OwnerReferences = [set.ControllerRef() with { Kind = kind, Name = name }] } });
        });

        await cluster.UntilAsync(api => api.Find<Pod>("wrong") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("right"));
    }
}
