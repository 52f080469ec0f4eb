using Hanbae.Store.History;

namespace Hanbae.Store.Encryption;

/// <summary>Keeps what is encrypted in the store encrypted in its history, too.</summary>
/// <remarks>Of a version whose key is gone only who made it is told: history is worth no failure.</remarks>
public sealed class EncryptedHistory(IHistory inner, Func<EncryptionRules> rules) : IHistory
{
    public void Note(Deed deed)
    {
        if (deed.Before is null || rules().For(deed.Key) is not { IsIdentity: false } chain)
        {
            inner.Note(deed);
            return;
        }
        var encrypting = chain.EncryptAsync(deed.Before.Stored(), deed.Key, CancellationToken.None);
        // With keys of its own this is done at once; a key's keeper may take its time, and order among deeds of one object is told by revision.
        if (encrypting.IsCompletedSuccessfully) inner.Note(deed with { Before = new StoredVersion(encrypting.Result) });
        else _ = NoteLaterAsync(deed, encrypting);
    }

    async Task NoteLaterAsync(Deed deed, ValueTask<byte[]> encrypting)
    {
        try { inner.Note(deed with { Before = new StoredVersion(await encrypting.ConfigureAwait(false)) }); }
        catch (EncryptionException) { } // never as it is, so not at all
    }

    public async ValueTask<IReadOnlyList<Deed>> OfAsync(Key key, CancellationToken ct)
    {
        var deeds = await inner.OfAsync(key, ct).ConfigureAwait(false);
        var chain = rules().For(key);
        List<Deed> opened = new(deeds.Count);
        foreach (var deed in deeds)
        {
            if (deed.Before?.Stored() is not { } stored || !Ciphertext.Is(stored)) { opened.Add(deed); continue; }
            // Who did what when is no secret.
            StoredVersion? before = null;
            try { if (chain is not null) before = new((await chain.DecryptAsync(stored, key, ct).ConfigureAwait(false)).Plain.ToArray()); }
            catch (EncryptionException) { }
            opened.Add(deed with { Before = before });
        }
        return opened;
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
