using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Tests.FlowControl;

public sealed class ShuffleShardingTests
{
    [Theory, InlineData(64, 6), InlineData(128, 6), InlineData(16, 4), InlineData(3, 3), InlineData(1, 1)]
    public void A_hand_has_different_cards_of_the_deck_and_all_cards_are_dealt_alike(int deck, int size)
    {
        int[] dealt = new int[deck];
        var hand = new int[size];
        for (int i = 0; i < 20_000; i++)
        {
            ShuffleSharding.Deal(ShuffleSharding.Hash(7, "user-" + i), deck, hand);
            Assert.Equal(size, hand.Distinct().Count());
            foreach (int card in hand) dealt[card]++;
        }
        double mean = 20_000.0 * size / deck;
        Assert.All(dealt, n => Assert.InRange(n, mean * 0.75, mean * 1.25));
    }

    [Fact]
    public void A_hash_always_gives_the_same_hand_and_small_decks_every_hand()
    {
        var seen = new HashSet<string>();
        var hand = new int[3];
        for (ulong hash = 0; hash < 60; hash++)
        {
            ShuffleSharding.Deal(hash, 5, hand);
            var again = new int[3];
            ShuffleSharding.Deal(hash, 5, again);
            Assert.Equal(hand, again);
            seen.Add(string.Join(',', hand));
        }
        // 5 × 4 × 3 ordered hands, each once.
        Assert.Equal(60, seen.Count);
    }

    /// <summary>KEP-1040's point: with 128 queues and hands of 6, one flow hardly ever has all its queues in the hands of 16 others.</summary>
    /// <remarks>Over many herds, since hashes are seeded by chance, and one herd may lie unusually wide.</remarks>
    [Fact]
    public void Few_flows_are_shut_in_by_many_elephants()
    {
        var hand = new int[6];
        int shut = 0;
        for (ulong herd = 0; herd < 50; herd++)
        {
            var elephants = new HashSet<int>();
            for (int i = 0; i < 16; i++)
            {
                ShuffleSharding.Deal(ShuffleSharding.Hash(herd, "elephant-" + i), 128, hand);
                elephants.UnionWith(hand);
            }
            for (int i = 0; i < 1_000; i++)
            {
                ShuffleSharding.Deal(ShuffleSharding.Hash(herd, "mouse-" + i), 128, hand);
                if (hand.All(elephants.Contains)) shut++;
            }
        }
        Assert.InRange(shut, 1, 50_000 / 20);
    }
}
