namespace Hanbae.Server.FlowControl;

/// <summary>Gives each flow a few queues of many: two flows share all of theirs only by a rare chance, so one that floods its queues leaves others some.</summary>
static class ShuffleSharding
{
    /// <summary>Deals a hand of different cards out of a deck; what hash gives what hand never changes.</summary>
    /// <param name="hand">Filled with numbers below <paramref name="deck"/>; no longer than that.</param>
    public static void Deal(ulong hash, int deck, Span<int> hand)
    {
        Span<int> sorted = hand.Length <= 64 ? stackalloc int[hand.Length] : new int[hand.Length];
        for (int i = 0; i < hand.Length; i++)
        {
            ulong left = (ulong)(deck - i);
            int card = (int)(hash % left);
            hash /= left;
            // The card is counted among those that are still in the deck.
            int at = 0;
            while (at < i && sorted[at] <= card)
            {
                card++;
                at++;
            }
            for (int j = i; j > at; j--) sorted[j] = sorted[j - 1];
            sorted[at] = hand[i] = card;
        }
    }

    static readonly ulong s_seed = (ulong)Random.Shared.NextInt64() | 1;

    /// <summary>Of a flow: 64 bits that depend on every letter. Seeded, so that nobody can choose names that share another's queues.</summary>
    public static ulong Hash(ulong schema, string flow)
    {
        ulong h = s_seed ^ schema;
        foreach (char c in flow) h = (h ^ c) * 0x100000001B3UL;
        h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDUL;
        h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53UL;
        return h ^ (h >> 33);
    }
}
