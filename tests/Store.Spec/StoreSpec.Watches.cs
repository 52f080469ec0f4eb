namespace Hanbae.Store.Spec;

public abstract partial class StoreSpec
{
    static string Said(Change change) => change.Kind == ChangeKind.Progress ? "progress"
        : $"{(change.IsCreate ? "create" : change.Kind == ChangeKind.Put ? "update" : "delete")} {change.Key.Path[(change.Key.Path.LastIndexOf('/') + 1)..]}={Text(change.Value)}";

    [Fact]
    public async Task A_watch_tells_history_then_progress_then_what_happens()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("a"), "2");
        await PutAsync(new Key("/registry/minions/n"), "1");
        await DeleteAsync(Pod("a"));
        await PutAsync(new Key("/registry/minions/n"), "2");

        await using var watch = Watch(Pods, After(1));
        var history = await watch.UntilProgressAsync();
        await PutAsync(Pod("b"), "1");
        await DeleteAsync(Pod("b"));
        var live = await watch.UntilAsync(After(7));

        Assert.Equal(["update a=2", "delete a=2", "progress"], history.Select(Said));
        Assert.Equal([After(2), After(4), After(5)], history.Select(c => c.Revision));
        Assert.Equal(["create b=1", "delete b=1"], live.Select(Said));
        Assert.Equal([(After(6), After(6)), (After(7), After(6))], live.Select(c => (c.Revision, c.CreateRevision)));
    }

    [Fact]
    public async Task A_watch_may_begin_in_the_future()
    {
        await using var watch = Watch(Pods, After(2));
        var next = watch.NextAsync();
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("b"), "1");
        await PutAsync(Pod("c"), "1");

        var first = await next;
        Assert.Equal((After(3), "create c=1"), (first.Revision, Said(first)));
    }

    [Fact]
    public async Task Progress_comes_when_asked_for_and_only_with_news()
    {
        await using var watch = Watch(Pods, Start);
        Assert.Equal(Start, (await watch.NextAsync()).Revision);

        await Store.RequestProgressAsync(Pods, Ct);
        await PutAsync(new Key("/registry/minions/n"), "1");
        await PutAsync(new Key("/registry/minions/n"), "2");
        await Store.RequestProgressAsync(Pods, Ct);
        var progress = await watch.NextAsync();
        Assert.Equal((ChangeKind.Progress, After(2)), (progress.Kind, progress.Revision));

        await PutAsync(Pod("a"), "1");
        await Store.RequestProgressAsync(Pods, Ct);
        await PutAsync(Pod("b"), "1");
        var later = await watch.UntilAsync(After(4));
        Assert.Equal(["create a=1", "create b=1"], later.Select(Said));
    }

    [Fact]
    public async Task Progress_never_overtakes_a_change()
    {
        await using var watch = Watch(Pods, Start);
        await watch.UntilProgressAsync();
        var writing = Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++)
            {
                await PutAsync(i % 3 == 0 ? new Key("/registry/minions/n") : Pod("a"), $"{i}");
                await Store.RequestProgressAsync(Pods, Ct);
            }
        });

        var said = new List<Change> { await watch.NextAsync() };
        while (said[^1].Revision < After(300)) said.Add(await watch.NextAsync());
        await writing;

        Assert.Equal(said.Select(c => c.Revision).Distinct().Order(), said.Select(c => c.Revision));
        Assert.Equal(Enumerable.Range(0, 300).Where(i => i % 3 != 0).Select(i => After(i + 1)), said.Where(c => c.Kind == ChangeKind.Put).Select(c => c.Revision));
    }

    [Fact]
    public async Task Watchers_that_join_while_others_write_miss_nothing_and_see_nothing_twice()
    {
        const int writers = 8, writes = 150, watchers = 24;
        var writing = Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            for (int i = 0; i < writes; i++)
            {
                var key = Pod($"{w}-{i % 10}");
                if (i % 7 == 6 && await Store.GetAsync(key, Ct) is { } old) await Store.DeleteIfAsync(key, old.ModRevision, Ct);
                else await PutAsync(key, $"{i}");
            }
        })).ToArray();
        var watching = Enumerable.Range(0, watchers).Select(w => Task.Run(async () =>
        {
            // Half begin at the start, half wherever the store is by then.
            var after = w % 2 == 0 ? Start : (await Store.ListAsync(Pods, null, 1, Ct)).Revision;
            await using var watch = Watch(Pods, after);
            return (after, changes: await watch.UntilAsync(After(writers * writes)));
        })).ToArray();
        await Task.WhenAll(writing);

        foreach (var (after, changes) in await Task.WhenAll(watching))
            Assert.Equal(Enumerable.Range(1, (int)(After(writers * writes).Value - after.Value)).Select(i => after.Value + i), changes.Select(c => c.Revision.Value));
    }

    [Fact]
    public async Task A_watcher_hears_of_its_range_only()
    {
        await using var one = Watch(KeyRange.One(Pod("b")), Start);
        await using var all = Watch(KeyRange.All, Start);
        await using var rest = Watch(Pods.After(Pod("b")), Start);
        await using var space = Watch(KeyRange.Prefix("/registry/pods/default/"), Start);
        foreach (var watch in new[] { one, all, rest, space }) await watch.UntilProgressAsync();

        foreach (string name in new[] { "a", "b", "b0", "c" }) await PutAsync(Pod(name), "1");
        await PutAsync(new Key("/registry/pods/other/b"), "1");
        await PutAsync(new Key("/registry/minions/b"), "1");
        await Store.RequestProgressAsync(KeyRange.All, Ct);

        Assert.Equal([After(2)], (await one.UntilAsync(After(6))).Select(c => c.Revision));
        Assert.Equal([After(1), After(2), After(3), After(4), After(5), After(6)], (await all.UntilAsync(After(6))).Select(c => c.Revision));
        Assert.Equal([After(3), After(4), After(5)], (await rest.UntilAsync(After(6))).Select(c => c.Revision));
        Assert.Equal([After(1), After(2), After(3), After(4)], (await space.UntilAsync(After(6))).Select(c => c.Revision));
    }

    [Fact]
    public async Task A_watcher_that_falls_behind_is_ended_and_may_resume()
    {
        await UseAsync(watchBuffer: 8);
        await using var slow = Watch(Pods, Start);
        await slow.UntilProgressAsync();
        for (int i = 0; i < 50; i++) await PutAsync(Pod("a"), $"{i}");

        var seen = new List<Change>();
        var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => { while (true) seen.Add(await slow.NextAsync()); });
        await using var again = Watch(Pods, seen[^1].Revision);
        seen.AddRange(await again.UntilAsync(After(50)));

        Assert.Equal(Unavailable.SlowWatcher, thrown.Reason);
        Assert.Equal(Enumerable.Range(1, 50).Select(After), seen.Select(c => c.Revision));
    }

    [Fact]
    public async Task Cancelling_ends_a_watch()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var watch = new Watching(Store.WatchAsync(Pods, Start, stop.Token), stop.Token);
        await watch.UntilProgressAsync();
        var next = watch.NextAsync();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task Compaction_forgets_the_past_and_nothing_else()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("b"), "1");
        await PutAsync(Pod("a"), "2");
        await DeleteAsync(Pod("b"));
        await PutAsync(Pod("a"), "3");
        await PutAsync(Pod("c"), "1");
        await using var live = Watch(Pods, Start);
        await live.UntilProgressAsync();

        await Store.CompactAsync(After(4), Ct);

        var list = await Assert.ThrowsAsync<CompactedException>(async () => await Store.ListAsync(Pods, After(3), 0, Ct));
        var watch = await Assert.ThrowsAsync<CompactedException>(async () => await Watch(Pods, After(3)).NextAsync());
        Assert.Equal((After(3), After(4), After(6)), (list.Asked, list.Oldest, list.Current));
        Assert.Equal((After(3), After(4), After(6)), (watch.Asked, watch.Oldest, watch.Current));
        Assert.Equal(["a=2", "a=3", "a=3 c=1"], [await ListAsync(Pods, After(4)), await ListAsync(Pods, After(5)), await ListAsync(Pods)]);
        await using (var rest = Watch(Pods, After(4)))
            Assert.Equal(["update a=3", "create c=1", "progress"], (await rest.UntilProgressAsync()).Select(Said));
        Assert.Equal(After(6), await Store.CurrentAsync(Ct));

        await PutAsync(Pod("b"), "2");
        Assert.Equal("create b=2", Said(await live.NextAsync()));
    }

    [Fact]
    public async Task Compaction_up_to_the_newest_revision_keeps_the_newest_values()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("b"), "1");
        await DeleteAsync(Pod("b"));
        await Store.CompactAsync(After(3), Ct);

        Assert.Equal("a=1", await ListAsync(Pods, After(3)));
        Assert.Equal(After(4), (await PutAsync(Pod("b"), "2")).ModRevision);
        Assert.Equal(After(5), (await PutAsync(Pod("a"), "2")).ModRevision);
        await Store.CompactAsync(After(5), Ct);
        Assert.Equal("a=2 b=2", await ListAsync(Pods));
    }

    [Fact]
    public async Task Compacting_less_than_before_changes_nothing_and_compacting_the_future_is_refused()
    {
        for (int i = 0; i < 5; i++) await PutAsync(Pod("a"), $"{i}");
        await Store.CompactAsync(After(3), Ct);
        await Store.CompactAsync(After(2), Ct);
        var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => await Store.CompactAsync(After(6), Ct));

        Assert.Equal(Unavailable.FutureRevision, thrown.Reason);
        Assert.Equal("a=2", await ListAsync(Pods, After(3)));
        await Assert.ThrowsAsync<CompactedException>(async () => await ListAsync(Pods, After(2)));
    }
}
