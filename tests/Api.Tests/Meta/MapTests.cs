using Hanbae.Api;

namespace Hanbae.Api.Tests.Meta;

public sealed class MapTests
{
    [Fact]
    public void A_map_is_sorted_and_the_last_of_equal_keys_stands()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int i = 0; i < 500; i++)
        {
            var pairs = Enumerable.Range(0, random.Next(40)).Select(n => KeyValuePair.Create("k" + random.Next(20), n)).ToArray();
            var expected = pairs.GroupBy(p => p.Key).Select(g => g.Last()).OrderBy(p => p.Key, StringComparer.Ordinal);
            Assert.True(expected.SequenceEqual(pairs.ToMap()), $"seed {seed}: {string.Join(' ', pairs)}");
        }
    }
}
