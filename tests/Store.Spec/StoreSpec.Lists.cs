namespace Hanbae.Store.Spec;

public abstract partial class StoreSpec
{
    [Fact]
    public async Task A_list_is_in_byte_order_and_keeps_to_its_range()
    {
        // U+FF5E comes before U+1F600 in UTF-8 but after it in UTF-16.
        string[] names = ["a", "a-b", "a.b", "a0", "b", "é", "～", "\U0001F600"];
        foreach (string name in names.Reverse()) await PutAsync(Pod(name), "1");
        await PutAsync(new Key("/registry/pods/default2/x"), "1");
        await PutAsync(new Key("/registry/podtemplates/default/x"), "1");
        await PutAsync(new Key("/registry/pod"), "1");

        var page = await Store.ListAsync(KeyRange.Prefix("/registry/pods/default/"), null, 0, Ct);

        Assert.Equal(names, page.Entries.Select(e => e.Key.Path[(e.Key.Path.LastIndexOf('/') + 1)..]));
        Assert.Equal((false, 0L, After(11)), (page.More, page.Remaining, page.Revision));
        Assert.Equal(11, (await Store.ListAsync(KeyRange.All, null, 0, Ct)).Entries.Count(e => e.ModRevision > Start));
        Assert.Equal("a=1", await ListAsync(KeyRange.One(Pod("a"))));
        Assert.Equal("", await ListAsync(KeyRange.Prefix("/registry/services/")));
    }

    [Fact]
    public async Task Pages_of_a_list_are_of_one_revision_whatever_is_written_meanwhile()
    {
        foreach (char name in "abcdefg") await PutAsync(Pod($"{name}"), "1");

        var words = new List<string>();
        var rests = new List<long?>();
        Revision? at = null;
        for (var range = Pods; ;)
        {
            var page = await Store.ListAsync(range, at, 3, Ct);
            words.Add(Words(page.Entries));
            rests.Add(page.Remaining);
            at ??= page.Revision;
            Assert.Equal(After(7), page.Revision);
            if (!page.More) break;
            range = range.After(page.Entries[^1].Key);
            await PutAsync(Pod("e"), "2");
            await DeleteAsync(Pod(words.Count == 1 ? "d" : "g"));
            await PutAsync(Pod($"c{words.Count}"), "new");
        }

        Assert.Equal(["a=1 b=1 c=1", "d=1 e=1 f=1", "g=1"], words);
        Assert.Equal([4, 1, 0], rests);
        Assert.Equal("a=1 b=1 c=1 c1=new c2=new e=2 f=1", await ListAsync(Pods));
    }

    [Fact]
    public async Task A_list_at_a_revision_is_what_was_there_then()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("b"), "1");
        await PutAsync(Pod("a"), "2");
        await DeleteAsync(Pod("b"));
        await PutAsync(Pod("b"), "3");
        await DeleteAsync(Pod("a"));

        var seen = new List<string>();
        for (int writes = 0; writes <= 6; writes++) seen.Add(await ListAsync(Pods, After(writes)));

        Assert.Equal(["", "a=1", "a=1 b=1", "a=2 b=1", "a=2", "a=2 b=3", "b=3"], seen);
        var then = (await Store.ListAsync(Pods, After(5), 1, Ct));
        Assert.Equal((After(3), After(1), true, 1L), (then.Entries[0].ModRevision, then.Entries[0].CreateRevision, then.More, then.Remaining));
    }

    [Fact]
    public async Task A_limit_that_just_fits_leaves_no_more()
    {
        await PutAsync(Pod("a"), "1");
        await PutAsync(Pod("b"), "1");
        await PutAsync(Pod("c"), "1");
        await DeleteAsync(Pod("c"));

        var page = await Store.ListAsync(Pods, null, 2, Ct);

        Assert.Equal((2, false, 0L), (page.Entries.Count, page.More, page.Remaining));
    }

    [Fact]
    public async Task A_revision_that_is_yet_to_come_cannot_be_listed()
    {
        var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => await Store.ListAsync(Pods, After(1), 0, Ct));

        Assert.Equal((Unavailable.FutureRevision, Start), (thrown.Reason, thrown.Current));
    }

    [Fact]
    public async Task Reading_a_whole_range_is_listing_it_at_one_revision()
    {
        for (int i = 0; i < 2500; i += 50)
            await Task.WhenAll(Enumerable.Range(i, 50).Select(n => PutAsync(Pod($"{n:d4}"), $"{n}")));
        string expected = await ListAsync(Pods);

        var read = new List<Entry>();
        bool more = true;
        await foreach (var page in Store.ReadAsync(Pods, null, Ct))
        {
            Assert.True(more);
            Assert.Equal(After(2500), page.Revision);
            if (read.Count == 0) await PutAsync(Pod("2499"), "new");
            read.AddRange(page.Entries);
            more = page.More;
        }

        Assert.False(more);
        Assert.Equal(expected, Words(read));

        var empty = new List<Page>();
        await foreach (var page in Store.ReadAsync(KeyRange.Prefix("/registry/services/"), null, Ct)) empty.Add(page);
        Assert.Equal((0, After(2501), false), (Assert.Single(empty).Entries.Count, empty[0].Revision, empty[0].More));
    }

    [Fact]
    public async Task What_is_read_while_others_write_and_compact_is_whole()
    {
        // 20 keys that are always there, and 20 that come and go; a value names its key.
        const int keys = 20, writes = 600;
        for (int i = 0; i < keys; i++) await PutAsync(Pod($"stays-{i:d2}"), $"stays-{i:d2}");
        using var stop = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (int i = w; i < writes; i += 4)
            {
                await PutAsync(Pod($"stays-{i % keys:d2}"), $"stays-{i % keys:d2}");
                var comes = Pod($"comes-{i % keys:d2}");
                if (await Store.GetAsync(comes, Ct) is { } entry) await Store.DeleteIfAsync(comes, entry.ModRevision, Ct);
                else await Store.PutIfAsync(comes, Bytes($"comes-{i % keys:d2}"), Revision.None, Ct);
            }
        })));
        var compacting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await Store.CompactAsync(await Store.CurrentAsync(Ct), Ct);
        });

        int compacted = 0, whole = 0;
        while (!writing.IsCompleted || whole == 0)
        {
            var first = await Store.ListAsync(Pods, null, 5, Ct);
            try
            {
                var rest = await Store.ListAsync(Pods.After(first.Entries[^1].Key), first.Revision, 0, Ct);
                Check([.. first.Entries, .. rest.Entries], first.Revision, keys);
                Assert.Equal(first.Remaining, rest.Entries.Count);
                whole++;
            }
            catch (CompactedException)
            {
                compacted++;
            }
            var now = await Store.ListAsync(Pods, null, 0, Ct);
            Check(now.Entries, now.Revision, keys);
        }
        await writing;
        await stop.CancelAsync();
        await compacting;
        Assert.True(whole > 0, $"all {compacted} were compacted");

        static void Check(IReadOnlyList<Entry> entries, Revision revision, int keys)
        {
            Assert.Equal(keys, entries.Count(e => e.Key.Path.Contains("stays", StringComparison.Ordinal)));
            Assert.All(entries, e => Assert.EndsWith(Text(e.Value), e.Key.Path, StringComparison.Ordinal));
            Assert.All(entries, e => Assert.NotEqual(0, e.Value.Length));
            Assert.All(entries, e => Assert.True(e.CreateRevision <= e.ModRevision && e.ModRevision <= revision && e.CreateRevision > Revision.None));
        }
    }
}
