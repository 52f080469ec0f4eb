using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Informer;

public sealed class InformerFactoryTests
{
    [Fact]
    public async Task Components_share_an_informer_for_each_resource_and_part()
    {
        var server = new ScriptedTransport();
        var time = new FakeTime();
        var factory = new InformerFactory(server, time);
        var (one, two) = (new ClusterAccess(server, factory, "one", time), new ClusterAccess(server, factory, "two", time));
        var pods = one.Cache<Pod>();
        Assert.Same(pods, two.Cache<Pod>());
        Assert.Same(one.Cache<Pod>(new() { FieldSelector = "spec.nodeName=n1" }), two.Cache<Pod>(new() { FieldSelector = "spec.nodeName=n1" }));
        Assert.NotSame(pods, one.Cache<Pod>(new() { FieldSelector = "spec.nodeName=n1" }));
        Assert.True(server.Quiet);

        using var stop = new CancellationTokenSource();
        var run = factory.RunAsync(stop.Token);
        string[] asked = [(await server.NextAsync()).Line, (await server.NextAsync()).Line];
        Assert.Equal(["GET /api/v1/pods", "GET /api/v1/pods?fieldSelector=spec.nodeName=n1"], asked.Order());

        var maps = two.Cache<ConfigMap>();
        (await server.ExpectAsync("GET /api/v1/configmaps")).Answer("3", Make.Map("a", "1"));
        await maps.WhenSyncedAsync(CancellationToken.None);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public void Triggers_find_owners_and_their_scope()
    {
        var cache = new SharedCache<Pod>();
        List<Key> keys = [];
        using var triggers = new QueueTriggers(keys.Add);
        triggers.OwnerOf(cache, "ReplicaSet", "apps").OwnerOf(cache, "Node");
        static Pod Owned(string name, string version, string apiVersion, string kind, string owner, bool controller = true)
        {
            var pod = Make.Pod(name, version);
            return pod with { Metadata = pod.Metadata with { OwnerReferences = [new() { ApiVersion = apiVersion, Kind = kind, Name = owner, Controller = controller }] } };
        }
        cache.Apply(new(SyncKind.Applied, Owned("a", "1", "apps/v1", "ReplicaSet", "web")));
        cache.Apply(new(SyncKind.Applied, Owned("b", "2", "v1", "Node", "n1")));
        cache.Apply(new(SyncKind.Applied, Owned("c", "3", "other/v1", "ReplicaSet", "no")));
        cache.Apply(new(SyncKind.Applied, Owned("d", "4", "apps/v1", "ReplicaSet", "no", controller: false)));
        Assert.Equal([new("default", "web"), new("", "n1")], keys);
        keys.Clear();
        // Handed over from one owner to another: both are concerned.
        cache.Apply(new(SyncKind.Applied, Owned("a", "5", "apps/v1", "ReplicaSet", "next")));
        Assert.Equal([new("default", "web"), new("default", "next")], keys);
    }
}
