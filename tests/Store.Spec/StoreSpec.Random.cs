namespace Hanbae.Store.Spec;

public abstract partial class StoreSpec
{
    /// <summary>Seeds that once failed stay here by number; 0 draws a new one each run.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(0)]
    public async Task Whatever_happens_in_whatever_order_the_obvious_model_agrees(int seed)
    {
        if (seed == 0) seed = Random.Shared.Next();
        try
        {
            await RunAsync(new Random(seed), new Model(Start), rounds: 150);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Assert.Fail($"seed {seed}: {e}");
        }
    }

    async Task RunAsync(Random random, Model model, int rounds)
    {
        string[] keys = [.. Enumerable.Range(0, 12).Select(i => Pod($"{i:d2}").Path)];
        var watches = new List<(Revision After, Watching Watch)>();
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                await WriteSomeAsync(random, model, keys, round);
                switch (random.Next(6))
                {
                    case 0:
                        var after = Pick(random, model);
                        watches.Add((after, Watch(Pods, after)));
                        break;
                    case 1 or 2:
                        await CheckListAsync(model, Pick(random, model), limit: random.Next(6));
                        break;
                    case 3:
                        await CheckListAsync(model, null, limit: random.Next(6));
                        break;
                    case 4 when random.Next(8) == 0:
                        // A watch that has not begun would find its past gone: let them all begin first.
                        foreach (var (from, watch) in watches) await CheckWatchAsync(model, from, watch);
                        watches.Clear();
                        model.Oldest = Pick(random, model);
                        await Store.CompactAsync(model.Oldest, Ct);
                        break;
                }
            }
            foreach (var (after, watch) in watches) await CheckWatchAsync(model, after, watch);
        }
        finally
        {
            foreach (var (_, watch) in watches) await watch.DisposeAsync();
        }
    }

    static Revision Pick(Random random, Model model) => new(random.NextInt64(model.Oldest.Value, model.Current.Value + 1));

    /// <summary>Several writes at once; then the model takes them in the order that the store says, and must agree with each answer.</summary>
    async Task WriteSomeAsync(Random random, Model model, string[] keys, int round)
    {
        var before = model.Current;
        var running = new List<(string Key, string? Value, Revision Expected, Task<(bool Succeeded, Revision Revision, Entry? Entry)> Result)>();
        for (int i = random.Next(1, 9); i > 0; i--)
        {
            string key = keys[random.Next(keys.Length)];
            string? value = random.Next(3) == 0 ? null : $"{round}-{i}";
            var expected = random.Next(5) == 0 ? new Revision(random.NextInt64(0, before.Value + 3)) : model.At(key, before);
            running.Add((key, value, expected, value is null ? Delete(key, expected) : Put(key, value, expected)));
        }
        foreach (var write in running) await write.Result;

        foreach (var (key, value, expected, result) in running.Where(w => w.Result.Result.Succeeded).OrderBy(w => w.Result.Result.Revision.Value))
        {
            Assert.Equal(expected, model.At(key, model.Current));
            Assert.True(value is not null || expected != Revision.None, "deleted what was not there");
            Assert.Equal(model.Current.Next, (await result).Revision);
            model.Add(key, value);
        }
        foreach (var (key, value, expected, result) in running.Where(w => !w.Result.Result.Succeeded))
        {
            var found = (await result).Entry?.ModRevision ?? Revision.None;
            Assert.True(found != expected || (value is null && found == Revision.None), $"refused {key} at {expected} though it was there");
            Assert.Contains(Enumerable.Range(0, (int)(model.Current.Value - before.Value) + 1), i => model.At(key, new(before.Value + i)) == found);
        }
        Assert.Equal(model.Current, await Store.CurrentAsync(Ct));

        async Task<(bool, Revision, Entry?)> Put(string key, string value, Revision expected)
        {
            var put = await Store.PutIfAsync(new(key), Bytes(value), expected, Ct);
            return (put.Succeeded, put.Entry?.ModRevision ?? Revision.None, put.Entry);
        }

        async Task<(bool, Revision, Entry?)> Delete(string key, Revision expected)
        {
            var delete = await Store.DeleteIfAsync(new(key), expected, Ct);
            return (delete.Succeeded, delete.Revision, delete.Entry);
        }
    }

    async Task CheckListAsync(Model model, Revision? at, int limit)
    {
        var expected = model.List(at ?? model.Current);
        var listed = new List<Entry>();
        for (var range = Pods; ;)
        {
            var page = await Store.ListAsync(range, at, limit, Ct);
            at = page.Revision;
            listed.AddRange(page.Entries);
            Assert.Equal(expected.Count - listed.Count, page.Remaining);
            if (!page.More) break;
            range = range.After(page.Entries[^1].Key);
        }
        Assert.Equal(expected, listed.Select(e => (e.Key.Path, Text(e.Value), e.ModRevision)));
    }

    async Task CheckWatchAsync(Model model, Revision after, Watching watch)
    {
        await Store.RequestProgressAsync(Pods, Ct);
        var expected = model.Since(after).Select(w => (w.Key, w.Revision, w.Value is null)).ToList();
        var seen = await watch.UntilAsync(model.Current);
        Assert.Equal(expected, seen.Select(c => (c.Key.Path, c.Revision, c.Kind == ChangeKind.Delete)));
    }
}
