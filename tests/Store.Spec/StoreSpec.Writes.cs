namespace Hanbae.Store.Spec;

public abstract partial class StoreSpec
{
    [Fact]
    public async Task Revisions_grow_by_one_per_write_and_are_shared_by_all_keys()
    {
        var a = await PutAsync(Pod("a"), "1");
        var node = await PutAsync(new Key("/registry/minions/n"), "1");
        var deleted = await DeleteAsync(Pod("a"));
        var again = await PutAsync(Pod("a"), "2");

        Assert.Equal([After(1), After(2), After(3), After(4)], [a.ModRevision, node.ModRevision, deleted, again.ModRevision]);
        Assert.Equal(After(4), await Store.CurrentAsync(Ct));
    }

    [Fact]
    public async Task What_was_put_is_what_is_got()
    {
        var put = await Store.PutIfAsync(Pod("a"), Bytes("1"), Revision.None, Ct);

        Assert.True(put.Succeeded);
        foreach (var entry in new[] { put.Entry, await Store.GetAsync(Pod("a"), Ct) })
        {
            Assert.NotNull(entry);
            Assert.Equal((Pod("a"), "1", After(1), After(1)), (entry.Key, Text(entry.Value), entry.ModRevision, entry.CreateRevision));
        }
        Assert.Null(await Store.GetAsync(Pod("b"), Ct));
    }

    [Fact]
    public async Task An_update_keeps_the_create_revision_and_a_new_life_gets_a_new_one()
    {
        await PutAsync(Pod("a"), "1");
        var updated = await PutAsync(Pod("a"), "2");
        await DeleteAsync(Pod("a"));
        var reborn = await PutAsync(Pod("a"), "3");

        Assert.Equal((After(2), After(1)), (updated.ModRevision, updated.CreateRevision));
        Assert.Equal((After(4), After(4)), (reborn.ModRevision, reborn.CreateRevision));
        Assert.Equal(After(4), (await Store.GetAsync(Pod("a"), Ct))!.CreateRevision);
    }

    [Fact]
    public async Task A_put_that_expects_another_revision_gets_the_entry_in_the_way()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("a"), "2");

        foreach (var expected in new[] { Revision.None, After(1), After(3) })
        {
            var put = await Store.PutIfAsync(Pod("a"), Bytes("x"), expected, Ct);
            Assert.False(put.Succeeded);
            Assert.Equal((After(2), After(1), "2"), (put.Entry!.ModRevision, put.Entry.CreateRevision, Text(put.Entry.Value)));
        }
        Assert.Equal(After(2), await Store.CurrentAsync(Ct));
    }

    [Fact]
    public async Task A_put_that_expects_a_key_that_is_absent_gets_nothing_back()
    {
        Assert.Equal(new PutResult(false, null), await Store.PutIfAsync(Pod("a"), Bytes("x"), After(1), Ct));
        await PutAsync(Pod("a"), "1");
        await DeleteAsync(Pod("a"));
        Assert.Equal(new PutResult(false, null), await Store.PutIfAsync(Pod("a"), Bytes("x"), After(1), Ct));
        Assert.Equal(new PutResult(false, null), await Store.PutIfAsync(Pod("a"), Bytes("x"), After(2), Ct));
    }

    [Fact]
    public async Task A_delete_gives_what_it_deleted()
    {
        await PutAsync(Pod("a"), "1");
        var delete = await Store.DeleteIfAsync(Pod("a"), After(1), Ct);

        Assert.Equal((true, After(2)), (delete.Succeeded, delete.Revision));
        Assert.Equal((After(1), "1"), (delete.Entry!.ModRevision, Text(delete.Entry.Value)));
        Assert.Null(await Store.GetAsync(Pod("a"), Ct));
    }

    [Fact]
    public async Task A_delete_that_expects_another_revision_gets_the_entry_in_the_way()
    {
        Assert.Equal(new DeleteResult(false, null, Revision.None), await Store.DeleteIfAsync(Pod("a"), After(1), Ct));
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("a"), "2");

        foreach (var expected in new[] { Revision.None, After(1), After(3) })
        {
            var delete = await Store.DeleteIfAsync(Pod("a"), expected, Ct);
            Assert.Equal((false, Revision.None), (delete.Succeeded, delete.Revision));
            Assert.Equal((After(2), "2"), (delete.Entry!.ModRevision, Text(delete.Entry.Value)));
        }
        Assert.Equal(After(2), await Store.CurrentAsync(Ct));
    }

    [Fact]
    public async Task Of_many_writers_that_expect_the_same_revision_one_wins()
    {
        var expected = Revision.None;
        for (int round = 0; round < 20; round++)
        {
            var puts = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.PutIfAsync(Pod("a"), Bytes($"{i}"), expected, Ct).AsTask())));

            var winner = Assert.Single(puts, p => p.Succeeded).Entry!;
            Assert.All(puts, p => Assert.Equal(winner.ModRevision, p.Entry!.ModRevision));
            expected = winner.ModRevision;
        }
        Assert.Equal(After(20), await Store.CurrentAsync(Ct));
    }

    [Fact]
    public async Task Values_may_be_empty_or_large_but_not_too_large()
    {
        var largest = new byte[StoreLimits.MaxValueBytes];
        Random.Shared.NextBytes(largest);

        Assert.True((await Store.PutIfAsync(Pod("empty"), default, Revision.None, Ct)).Succeeded);
        Assert.True((await Store.PutIfAsync(Pod("large"), largest, Revision.None, Ct)).Succeeded);
        var refused = await Assert.ThrowsAsync<ValueTooLargeException>(async () => await Store.PutIfAsync(Pod("more"), new byte[largest.Length + 1], Revision.None, Ct));

        Assert.Contains("8388608", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await Store.GetAsync(Pod("empty"), Ct))!.Value.Length);
        Assert.True((await Store.GetAsync(Pod("large"), Ct))!.Value.Span.SequenceEqual(largest));
        Assert.Null(await Store.GetAsync(Pod("more"), Ct));
    }

    [Fact]
    public async Task A_cancelled_call_does_nothing()
    {
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.PutIfAsync(Pod("a"), Bytes("1"), Revision.None, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.DeleteIfAsync(Pod("a"), Revision.None, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.ListAsync(Pods, null, 0, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.GetAsync(Pod("a"), cancelled));

        Assert.Equal(Start, await Store.CurrentAsync(Ct));
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        await PutAsync(Pod("a"), "1");
        await using var watch = Watch(Pods, Start);
        await watch.UntilProgressAsync();
        var next = watch.NextAsync();

        await Store.DisposeAsync();

        foreach (var call in new Func<Task>[]
        {
            () => next,
            () => Store.GetAsync(Pod("a"), Ct).AsTask(),
            () => Store.ListAsync(Pods, null, 0, Ct).AsTask(),
            () => Store.PutIfAsync(Pod("b"), Bytes("1"), Revision.None, Ct).AsTask(),
            () => Store.DeleteIfAsync(Pod("a"), After(1), Ct).AsTask(),
            () => Store.CompactAsync(After(1), Ct).AsTask(),
            () => Watch(Pods, Start).NextAsync(),
        })
        {
            var thrown = await Assert.ThrowsAsync<UnavailableException>(call);
            Assert.Equal(Unavailable.Closed, thrown.Reason);
        }
    }
}
