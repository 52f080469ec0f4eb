using Hanbae.Store.History;

namespace Hanbae.Store.Encryption;

/// <summary>Keeps what is encrypted in the store encrypted in its history, too.</summary>
/// <remarks>A version whose key is gone is left out: history is worth no failure.</remarks>
public sealed class EncryptedHistory(IHistory inner, Func<EncryptionRules> rules) : IHistory
{
    public void Note(Deed deed)
    {
        if (deed.Value.Length == 0 || rules().For(deed.Key) is not { IsIdentity: false } chain)
        {
            inner.Note(deed);
            return;
        }
        var encrypting = chain.EncryptAsync(deed.Value, deed.Key, CancellationToken.None);
        // With keys of its own this is done at once; a key's keeper may take its time, and order among deeds of one object is told by revision.
        if (encrypting.IsCompletedSuccessfully) inner.Note(deed with { Value = encrypting.Result });
        else _ = NoteLaterAsync(deed, encrypting);
    }

    async Task NoteLaterAsync(Deed deed, ValueTask<byte[]> encrypting)
    {
        try { inner.Note(deed with { Value = await encrypting.ConfigureAwait(false) }); }
        catch (EncryptionException) { } // never as it is, so not at all
    }

    public async ValueTask<IReadOnlyList<Deed>> OfAsync(Key key, CancellationToken ct)
    {
        var deeds = await inner.OfAsync(key, ct).ConfigureAwait(false);
        var chain = rules().For(key);
        List<Deed> opened = new(deeds.Count);
        foreach (var deed in deeds)
        {
            if (!Ciphertext.Is(deed.Value.Span)) { opened.Add(deed); continue; }
            try
            {
                if (chain is not null) opened.Add(deed with { Value = (await chain.DecryptAsync(deed.Value, key, ct).ConfigureAwait(false)).Plain });
            }
            catch (EncryptionException) { }
        }
        return opened;
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
