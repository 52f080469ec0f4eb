using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hanbae.Store.Encryption;

/// <summary>A store that tells what it wrote otherwise than it would today, so that an update that changes nothing still writes it anew.</summary>
public interface IStaleStore
{
    ValueTask<bool> IsStaleAsync(Key key, CancellationToken ct);
}

/// <summary>Encrypts on the way into any store, and decrypts on the way out: the disk sees values only as the rules say, keys as they are.</summary>
/// <remarks>
/// The rules may change at any time; values say themselves how they were encrypted. What cannot be decrypted is <see cref="UnavailableException"/>
/// with the reason when it is asked for itself; in lists and watches it stands as it is stored (<see cref="Ciphertext.Is"/>): one such value keeps
/// nobody from the others, and is not left out as if it were not there. The array that a writer handed in is still the one that watchers get.
/// </remarks>
public sealed class EncryptedStore(IStore inner, Func<EncryptionRules> rules) : IStore, IStaleStore
{
    /// <summary>What was written as what, for as long as somebody holds it.</summary>
    readonly ConditionalWeakTable<byte[], byte[]> _plain = [];

    public async ValueTask<Entry?> GetAsync(Key key, CancellationToken ct) =>
        await inner.GetAsync(key, ct).ConfigureAwait(false) is { } entry ? await OpenAsync(entry, ct).ConfigureAwait(false) : null;

    public async ValueTask<bool> IsStaleAsync(Key key, CancellationToken ct)
    {
        if (rules().For(key) is not { } chain || await inner.GetAsync(key, ct).ConfigureAwait(false) is not { } entry) return false;
        try { return (await chain.DecryptAsync(entry.Value, key, ct).ConfigureAwait(false)).Stale; }
        catch (EncryptionException e) { throw Unreadable(key, e); }
    }

    public async ValueTask<Page> ListAsync(KeyRange range, Revision? at, int limit, CancellationToken ct) =>
        await OpenAsync(await inner.ListAsync(range, at, limit, ct).ConfigureAwait(false), ct).ConfigureAwait(false);

    public async IAsyncEnumerable<Page> ReadAsync(KeyRange range, Revision? at, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var page in inner.ReadAsync(range, at, ct).ConfigureAwait(false)) yield return await OpenAsync(page, ct).ConfigureAwait(false);
    }

    public async ValueTask<PutResult> PutIfAsync(Key key, ReadOnlyMemory<byte> value, Revision expected, CancellationToken ct)
    {
        StoreLimits.Check(value);
        if (rules().For(key) is not { IsIdentity: false } chain)
        {
            var asIs = await inner.PutIfAsync(key, value, expected, ct).ConfigureAwait(false);
            return asIs is { Succeeded: false, Entry: { } other } ? asIs with { Entry = await OpenAsync(other, ct).ConfigureAwait(false) } : asIs;
        }
        byte[] stored;
        try { stored = await chain.EncryptAsync(value, key, ct).ConfigureAwait(false); }
        catch (EncryptionException e) { throw new UnavailableException(Unavailable.Failed, $"unable to transform key \"{key}\": {e.Message}", inner: e); }
        if (MemoryMarshal.TryGetArray(value, out var array) && array.Array is { } plain && array.Offset == 0 && array.Count == plain.Length) _plain.Add(stored, plain);
        var result = await inner.PutIfAsync(key, stored, expected, ct).ConfigureAwait(false);
        return result.Entry is not { } entry ? result
            : result with { Entry = result.Succeeded ? entry with { Value = value } : await OpenAsync(entry, ct).ConfigureAwait(false) };
    }

    public async ValueTask<DeleteResult> DeleteIfAsync(Key key, Revision expected, CancellationToken ct)
    {
        var result = await inner.DeleteIfAsync(key, expected, ct).ConfigureAwait(false);
        if (result.Entry is not { } entry) return result;
        // What is gone need not be read.
        return result with { Entry = result.Succeeded ? entry with { Value = await LookAsync(entry.Key, entry.Value, ct).ConfigureAwait(false) } : await OpenAsync(entry, ct).ConfigureAwait(false) };
    }

    public async IAsyncEnumerable<Change> WatchAsync(KeyRange range, Revision after, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var change in inner.WatchAsync(range, after, ct).ConfigureAwait(false))
            yield return change.Kind == ChangeKind.Progress || !IsTouched(change.Key, change.Value) ? change : change with { Value = await LookAsync(change.Key, change.Value, ct).ConfigureAwait(false) };
    }

    public ValueTask<Revision> CurrentAsync(CancellationToken ct) => inner.CurrentAsync(ct);
    public ValueTask RequestProgressAsync(KeyRange range, CancellationToken ct) => inner.RequestProgressAsync(range, ct);
    public ValueTask CompactAsync(Revision before, CancellationToken ct) => inner.CompactAsync(before, ct);
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    async ValueTask<Page> OpenAsync(Page page, CancellationToken ct)
    {
        Entry[]? opened = null;
        for (int i = 0; i < page.Entries.Count; i++)
        {
            var entry = page.Entries[i];
            if (!IsTouched(entry.Key, entry.Value)) continue;
            opened ??= [.. page.Entries];
            opened[i] = entry with { Value = await LookAsync(entry.Key, entry.Value, ct).ConfigureAwait(false) };
        }
        return opened is null ? page : page with { Entries = opened };
    }

    async ValueTask<Entry> OpenAsync(Entry entry, CancellationToken ct) =>
        IsTouched(entry.Key, entry.Value) ? entry with { Value = await OpenAsync(entry.Key, entry.Value, ct).ConfigureAwait(false) } : entry;

    /// <summary>Encrypted, or of a resource of which values as they are may not be taken for true.</summary>
    bool IsTouched(Key key, ReadOnlyMemory<byte> value) =>
        Ciphertext.Is(value.Span) || rules() is { Rules.IsEmpty: false } some && some.For(key) is { } chain && !chain.Providers.Any(p => p.Prefix.Length == 0);

    /// <returns>As it is stored when it cannot be decrypted, and never as it is where that may not be.</returns>
    async ValueTask<ReadOnlyMemory<byte>> LookAsync(Key key, ReadOnlyMemory<byte> value, CancellationToken ct)
    {
        try { return IsTouched(key, value) ? await OpenAsync(key, value, ct).ConfigureAwait(false) : value; }
        catch (UnavailableException e) when (e.Reason == Unavailable.Unreadable) { return Ciphertext.Is(value.Span) ? value : Ciphertext.Refused; }
    }

    async ValueTask<ReadOnlyMemory<byte>> OpenAsync(Key key, ReadOnlyMemory<byte> value, CancellationToken ct)
    {
        if (MemoryMarshal.TryGetArray(value, out var array) && array.Array is { } stored && _plain.TryGetValue(stored, out byte[]? plain)) return plain;
        try
        {
            var chain = rules().For(key) ?? throw new EncryptionException("identity transformer tried to read encrypted data");
            return (await chain.DecryptAsync(value, key, ct).ConfigureAwait(false)).Plain;
        }
        catch (EncryptionException e) { throw Unreadable(key, e); }
    }

    static UnavailableException Unreadable(Key key, EncryptionException e) =>
        new(Unavailable.Unreadable, $"unable to transform key \"{key}\": {e.Message}", inner: e);
}
