namespace Hanbae.Store.Encryption;

/// <summary>Values as they are: reads what was written before there was encryption, or writes it so again.</summary>
public sealed class IdentityProvider : IValueProvider
{
    public ReadOnlyMemory<byte> Prefix => default;

    public ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct) => new(plain.ToArray());

    public ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct) => Ciphertext.Is(stored.Span)
        ? throw new EncryptionException("identity transformer tried to read encrypted data") : new(new Decrypted(stored.ToArray(), false));
}

/// <summary>Tells what was encrypted from what was not: no object begins like that.</summary>
public static class Ciphertext
{
    /// <summary>Stands for a value that is there as it is where it may not be.</summary>
    internal static ReadOnlyMemory<byte> Refused { get; } = "k8s:enc:identity:refused"u8.ToArray();

    public static bool Is(ReadOnlySpan<byte> stored) => stored.StartsWith("k8s:enc:"u8);
}
