using System.Collections.Immutable;

namespace Hanbae.Store.Encryption;

/// <summary>The ways of one resource: the first one writes, whichever fits reads. So keys are changed without a moment in which something cannot be read.</summary>
public sealed class ProviderChain(ImmutableArray<IValueProvider> providers)
{
    public ImmutableArray<IValueProvider> Providers { get; } = providers;

    /// <summary>Nothing is encrypted, nor was it.</summary>
    public bool IsIdentity => Providers is [IdentityProvider];

    /// <exception cref="EncryptionException"/>
    public async ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct)
    {
        var first = Providers[0];
        byte[] encrypted = await first.EncryptAsync(plain, key, ct).ConfigureAwait(false);
        return first.Prefix.Length == 0 ? encrypted : [.. first.Prefix.Span, .. encrypted];
    }

    /// <exception cref="EncryptionException"/>
    public async ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct)
    {
        EncryptionException? why = null;
        for (int i = 0; i < Providers.Length; i++)
        {
            var provider = Providers[i];
            if (!stored.Span.StartsWith(provider.Prefix.Span) || provider.Prefix.Length == 0 && Ciphertext.Is(stored.Span)) continue;
            try
            {
                var read = await provider.DecryptAsync(stored[provider.Prefix.Length..], key, ct).ConfigureAwait(false);
                return read with { Stale = read.Stale || i > 0 };
            }
            // Another key may have the same name.
            catch (EncryptionException e) { why ??= e; }
        }
        throw why ?? new EncryptionException("no matching prefix found");
    }
}
