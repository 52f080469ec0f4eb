using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests.Cache;

/// <summary>The tree against a dictionary that is sorted anew for every question.</summary>
public sealed class SortedTests
{
    static readonly ConfigMap s_any = new();

    static Item Make(string key) => Item.Unstored(s_any, key);

    static string Key(int i) => $"ns-{i % 7}/{i:00000}";

    static Item[] In(Sorted.Range range)
    {
        var items = new List<Item>();
        foreach (var item in range) items.Add(item);
        return [.. items];
    }

    static void Agree(Sorted sorted, Dictionary<string, Item> items, Random random)
    {
        Item[] all = [.. items.Values.OrderBy(i => i.Key, StringComparer.Ordinal)];
        Assert.Equal(all.Length, sorted.Count);
        Assert.Equal(all, In(sorted.Between("", "")));
        for (int i = 0; i < 20; i++)
        {
            string prefix = random.Next(3) switch { 0 => "", 1 => $"ns-{random.Next(9)}/", _ => Key(random.Next(20_000))[..random.Next(1, 10)] };
            string start = random.Next(4) switch { 0 => "", 1 => Key(random.Next(20_000)) + "\0", 2 => "z", _ => Key(random.Next(20_000)) };
            Item[] expected = [.. all.Where(x => x.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(x.Key, start) >= 0)];
            Assert.Equal(expected, In(sorted.Between(start, prefix)));
            Assert.Equal(expected.Length, sorted.CountBetween(start, prefix));
            string key = Key(random.Next(20_000));
            Assert.Same(items.GetValueOrDefault(key), sorted.Find(key));
        }
    }

    [Theory]
    [InlineData(1, 20_000)]
    [InlineData(2, 300)]
    [InlineData(3, 20_000)]
    public void What_is_put_and_removed_at_random_is_there_in_order(int seed, int keys)
    {
        var random = new Random(seed);
        var items = new Dictionary<string, Item>();
        var sorted = Sorted.Empty;
        // It grows past two levels of pieces and shrinks to nothing again.
        foreach (int removals in (int[])[1, 3, 9, 10])
        {
            for (int i = 0; i < 15_000; i++)
            {
                string key = Key(random.Next(keys));
                if (random.Next(10) >= removals)
                {
                    var item = Make(key);
                    sorted = sorted.Set(item, out var previous);
                    Assert.Same(items.GetValueOrDefault(key), previous);
                    items[key] = item;
                }
                else
                {
                    var before = sorted;
                    sorted = sorted.Remove(key, out var previous);
                    Assert.Same(items.GetValueOrDefault(key), previous);
                    if (!items.Remove(key)) Assert.Same(before, sorted);
                }
            }
            Agree(sorted, items, random);
        }
        foreach (string key in items.Keys.ToArray()) sorted = sorted.Remove(key, out _);
        Agree(sorted, [], random);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(96)]
    [InlineData(97)]
    [InlineData(20_000)]
    public void What_is_given_whole_and_what_comes_in_order_is_there(int count)
    {
        Item[] items = [.. Enumerable.Range(0, count).Select(i => Make(Key(i))).OrderBy(i => i.Key, StringComparer.Ordinal)];
        var one = items.ToDictionary(i => i.Key);
        Agree(Sorted.From([.. items]), one, new(1));
        Agree(items.Aggregate(Sorted.Empty, (s, i) => s.Set(i, out _)), one, new(2));
        Agree(items.Reverse().Aggregate(Sorted.Empty, (s, i) => s.Set(i, out _)), one, new(3));
    }

    [Fact]
    public void A_version_keeps_what_it_has_whatever_is_written_later()
    {
        var random = new Random(5);
        Item[] items = [.. Enumerable.Range(0, 20_000).Select(i => Make(Key(i))).OrderBy(i => i.Key, StringComparer.Ordinal)];
        var first = Sorted.From([.. items]);
        var later = first;
        for (int i = 0; i < 5000; i++) later = random.Next(2) == 0 ? later.Remove(Key(random.Next(20_000)), out _) : later.Set(Make(Key(random.Next(30_000))), out _);

        Assert.Equal(items, In(first.Between("", "")));
        var (old, now) = (items.ToDictionary(i => i.Key), In(later.Between("", "")).ToDictionary(i => i.Key));
        var expected = old.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Select(k => (Old: old.GetValueOrDefault(k), New: now.GetValueOrDefault(k))).Where(d => !ReferenceEquals(d.Old, d.New));
        Assert.Equal(expected, Sorted.Differences(first, later));
        Assert.Equal(items.Select(i => ((Item?)null, (Item?)i)), Sorted.Differences(Sorted.Empty, first));
        Assert.Equal(items.Select(i => ((Item?)i, (Item?)null)), Sorted.Differences(first, Sorted.Empty));
        Assert.Empty(Sorted.Differences(first, first));
    }

    [Fact]
    public void What_a_write_allocates_does_not_grow_with_what_is_there()
    {
        static long Of(int count)
        {
            var sorted = Sorted.From([.. Enumerable.Range(0, count).Select(i => Make($"{i:0000000}"))]);
            Item[] items = [.. Enumerable.Range(0, 200).Select(i => Make($"{i * (count / 200):0000000}"))];
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var item in items) sorted = sorted.Set(item, out _);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Of(1000);

        Assert.InRange(Of(200_000), 0, 3 * Of(10_000));
    }
}
