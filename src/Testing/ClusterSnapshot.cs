using Hanbae.Server.Auth.Tokens;
using Hanbae.Store.Memory;

namespace Hanbae.Testing;

/// <summary>All that a cluster held at one moment: clusters may begin from it as often as one likes, at no cost but their own changes.</summary>
public sealed class ClusterSnapshot
{
    internal ClusterSnapshot(MemoryStore state, TokenKey key) => (State, Key) = (state, key);

    /// <summary>Nobody writes to it.</summary>
    internal MemoryStore State { get; }
    /// <summary>So that tokens given before hold after.</summary>
    internal TokenKey Key { get; }
}
