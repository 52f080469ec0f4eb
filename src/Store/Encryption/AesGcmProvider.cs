using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Store.Encryption;

/// <summary>AES-GCM with one key: encrypts and authenticates. Its random nonces want a new key every 200,000 writes, as upstream says.</summary>
public sealed class AesGcmProvider(string name, ReadOnlyMemory<byte> secret) : IValueProvider
{
    internal const int NonceSize = 12, TagSize = 16;

    public ReadOnlyMemory<byte> Prefix { get; } = Encoding.UTF8.GetBytes($"k8s:enc:aesgcm:v1:{name}:");

    public ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct) => new(Seal(secret.Span, plain.Span, key));

    public ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct) => new(new Decrypted(Open(secret.Span, stored.Span, key), false));

    /// <returns>Nonce, ciphertext, tag: Go's order.</returns>
    internal static byte[] Seal(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> plain, Key key)
    {
        byte[] both = new byte[NonceSize + plain.Length + TagSize];
        var nonce = both.AsSpan(0, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(secret, TagSize);
        aes.Encrypt(nonce, plain, both.AsSpan(NonceSize, plain.Length), both.AsSpan(NonceSize + plain.Length), Encoding.UTF8.GetBytes(key.Path));
        return both;
    }

    internal static byte[] Open(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> stored, Key key)
    {
        if (stored.Length < NonceSize + TagSize) throw new EncryptionException("the stored data was shorter than the required size");
        byte[] plain = new byte[stored.Length - NonceSize - TagSize];
        using var aes = new AesGcm(secret, TagSize);
        try { aes.Decrypt(stored[..NonceSize], stored[NonceSize..^TagSize], stored[^TagSize..], plain, Encoding.UTF8.GetBytes(key.Path)); }
        catch (CryptographicException e) { throw new EncryptionException("cipher: message authentication failed", e); }
        return plain;
    }
}
