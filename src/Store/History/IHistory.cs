namespace Hanbae.Store.History;

/// <summary>Who made which version of an object when, for longer than the store keeps revisions: what "who changed this?" is answered from.</summary>
/// <remarks>Beside the store, not part of it: a deed is noted after its write was acknowledged, and the last second of deeds may be lost with the process.</remarks>
public interface IHistory : IAsyncDisposable
{
    /// <summary>Returns at once and never fails: what cannot be kept is forgotten, oldest first.</summary>
    void Note(Deed deed);

    /// <summary>All that is kept of a key, the oldest first, what was noted before this call included.</summary>
    /// <exception cref="UnavailableException"/>
    ValueTask<IReadOnlyList<Deed>> OfAsync(Key key, CancellationToken ct);
}

/// <summary>One write of one object.</summary>
/// <param name="Value">The object as it was stored; empty when it was deleted. Shared, never changed.</param>
/// <param name="Verb">create, update, patch, apply or delete.</param>
/// <param name="Manager">The field manager that the request named, or its user agent's name.</param>
/// <param name="Subresource">Empty for the object itself.</param>
public sealed record Deed(Key Key, Revision Revision, DateTimeOffset Time, string User, string Verb, string Manager, string Subresource, ReadOnlyMemory<byte> Value);

/// <summary>How much history there is.</summary>
public sealed record HistoryLimits
{
    /// <summary>Older deeds go, but for the newest of an object.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(7);
    /// <summary>Of one object.</summary>
    public int KeepEach { get; init; } = 100;
    /// <summary>Of all values together; the oldest deeds go first.</summary>
    public long KeepBytes { get; init; } = 64 << 20;
    /// <summary>Deeds noted and not yet kept; beyond it the oldest are forgotten.</summary>
    public int Waiting { get; init; } = 10_000;
}
