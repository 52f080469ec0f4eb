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

/// <summary>One write of one object, and what it replaced: what it made is in the store, or is what the next deed replaced, so that nothing is kept twice.</summary>
/// <param name="Replaced">The revision of the version that was there before; none on creation.</param>
/// <param name="Before">That version; null on creation.</param>
/// <param name="Verb">create, update, patch, apply or delete.</param>
/// <param name="Manager">The field manager that the request named, or its user agent's name.</param>
/// <param name="Subresource">Empty for the object itself.</param>
public sealed record Deed(Key Key, Revision Revision, DateTimeOffset Time, string User, string Verb, string Manager, string Subresource, Revision Replaced = default, IVersion? Before = null);

/// <summary>A version of an object, in bytes when somebody wants them: writers of history come a second after the write.</summary>
public interface IVersion
{
    /// <summary>As it was stored.</summary>
    byte[] Stored();
}

/// <summary>A version whose bytes are at hand.</summary>
public sealed class StoredVersion(byte[] stored) : IVersion
{
    public byte[] Stored() => stored;
}

/// <summary>How much history there is.</summary>
public sealed record HistoryLimits
{
    /// <summary>Older deeds go.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(7);
    /// <summary>Of one object: so many of its status, and so many others.</summary>
    public int KeepEach { get; init; } = 100;
    /// <summary>Of all replaced versions together; the oldest deeds go first.</summary>
    public long KeepBytes { get; init; } = 64 << 20;
    /// <summary>Deeds noted and not yet kept; beyond it the oldest are forgotten.</summary>
    public int Waiting { get; init; } = 10_000;
}
