using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Client.Tests.Informer;

public sealed class SharedCacheTests
{
    static SharedCache<Pod> Filled(params Pod[] pods)
    {
        var cache = new SharedCache<Pod>();
        cache.AddIndex("node", p => p.Spec.NodeName.Length > 0 ? [p.Spec.NodeName] : []);
        cache.Apply(new(SyncKind.Init));
        foreach (var pod in pods) cache.Apply(new(SyncKind.InitItem, pod));
        cache.Apply(new(SyncKind.InitDone));
        return cache;
    }

    static IEnumerable<string> Names(IEnumerable<Pod> pods) => pods.Select(p => p.Metadata.Name).Order();

    [Fact]
    public void Namespaces_indexes_and_selectors_find_what_they_should()
    {
        var cache = Filled(Make.Pod("a", "1", node: "n1", labels: Api.Map.Of(("app", "web"))), Make.Pod("b", "2", ns: "other", node: "n1"), Make.Pod("c", "3"));
        Assert.Equal(["a", "b", "c"], Names(cache.All));
        Assert.Equal(["a", "c"], Names(cache.In("default")));
        Assert.Empty(cache.In("none"));
        Assert.Equal(["a", "b"], Names(cache.ByIndex("node", "n1")));
        Assert.Equal(["a"], Names(cache.Matching("default", Selector.Parse("app=web"))));
        Assert.Equal(["b", "c"], Names(cache.Matching("", Selector.Parse("!app"))));
    }

    [Fact]
    public void An_index_follows_changes_and_deletions()
    {
        var cache = Filled(Make.Pod("a", "1", node: "n1"));
        cache.Apply(new(SyncKind.Applied, Make.Pod("a", "2", node: "n2")));
        Assert.Empty(cache.ByIndex("node", "n1"));
        Assert.Equal(["a"], Names(cache.ByIndex("node", "n2")));
        // The last state is no longer on the node: what counts is what was indexed.
        cache.Apply(new(SyncKind.Deleted, Make.Pod("a", "3", node: "n3")));
        Assert.Empty(cache.ByIndex("node", "n2"));
        Assert.Empty(cache.All);
    }

    [Fact]
    public void An_index_may_come_late()
    {
        var cache = Filled(Make.Pod("a", "1"), Make.Pod("b", "2"));
        cache.AddIndex("name", p => [p.Metadata.Name]);
        cache.AddIndex("name", _ => throw new InvalidOperationException("there is one already"));
        Assert.Equal(["b"], Names(cache.ByIndex("name", "b")));
    }

    [Fact]
    public void A_snapshot_does_not_change_any_more()
    {
        var cache = Filled(Make.Pod("a", "1"));
        var (all, some) = (cache.All, cache.In("default"));
        cache.Apply(new(SyncKind.Applied, Make.Pod("b", "2")));
        Assert.Equal(["a"], Names(all));
        Assert.Equal(["a"], Names(some));
        Assert.Equal(["a", "b"], Names(cache.All));
    }

    [Fact]
    public void A_late_subscriber_is_told_all_there_is()
    {
        var cache = Filled(Make.Pod("a", "1"), Make.Pod("b", "2"));
        List<string> seen = [];
        var subscription = cache.Subscribe(e => seen.Add((e.Old is null ? "+" : e.New is null ? "-" : "~") + e.Object.Metadata.Name));
        cache.Apply(new(SyncKind.Deleted, Make.Pod("a", "3")));
        subscription.Dispose();
        cache.Apply(new(SyncKind.Deleted, Make.Pod("b", "4")));
        Assert.Equal(["+a", "+b", "-a"], seen.Take(2).Order().Concat(seen.Skip(2)));
    }

    [Fact]
    public void A_subscriber_that_fails_does_not_take_the_change_from_others()
    {
        var cache = Filled();
        int told = 0;
        cache.Subscribe(_ => throw new InvalidOperationException("told so"));
        cache.Subscribe(_ => told++);
        cache.Apply(new(SyncKind.Applied, Make.Pod("a", "1")));
        Assert.Equal(1, told);
        Assert.NotNull(cache.Find(new("default", "a")));
    }

    [Fact]
    public void The_state_can_be_read_from_within_a_call()
    {
        var cache = Filled();
        string? found = null;
        cache.Subscribe(e => found = cache.Find(Key.Of(e.Object))?.Metadata.ResourceVersion);
        cache.Apply(new(SyncKind.Applied, Make.Pod("a", "7")));
        Assert.Equal("7", found);
    }

    [Fact]
    public void The_same_version_in_a_new_list_keeps_its_instance_and_tells_nobody()
    {
        var pod = Make.Pod("a", "1");
        var cache = Filled(pod);
        int told = 0;
        cache.Subscribe(_ => told++);
        cache.Apply(new(SyncKind.Init));
        cache.Apply(new(SyncKind.InitItem, Make.Pod("a", "1")));
        cache.Apply(new(SyncKind.InitDone));
        Assert.Same(pod, cache.Find(new("default", "a")));
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task Waiting_for_sync_ends_with_the_list_or_the_token()
    {
        var cache = new SharedCache<Pod>();
        using var stop = new CancellationTokenSource();
        var waiting = cache.WhenSyncedAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        cache.Apply(new(SyncKind.Init));
        cache.Apply(new(SyncKind.InitDone));
        await cache.WhenSyncedAsync(CancellationToken.None);
    }
}
