using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace Hanbae.Store.Encryption;

/// <summary>NaCl's secretbox, XSalsa20 and Poly1305, with one key: encrypts and authenticates; its random nonces are long enough for any number of writes.</summary>
/// <remarks>As upstream, it does not bind what is stored to its place.</remarks>
public sealed class SecretboxProvider(string name, byte[] secret) : IValueProvider
{
    const int NonceSize = 24, TagSize = 16, TagKeySize = 32;

    public ReadOnlyMemory<byte> Prefix { get; } = Encoding.UTF8.GetBytes($"k8s:enc:secretbox:v1:{name}:");

    public ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct) => new(Seal(secret, RandomNumberGenerator.GetBytes(NonceSize), plain.Span));

    public ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct) => new(new Decrypted(Open(secret, stored.Span), false));

    /// <returns>Nonce, tag, ciphertext: Go's order.</returns>
    internal static byte[] Seal(byte[] secret, byte[] nonce, ReadOnlySpan<byte> plain)
    {
        byte[] all = new byte[NonceSize + TagSize + plain.Length];
        nonce.CopyTo(all, 0);
        var (cipher, tagKey) = Begin(secret, nonce);
        cipher.ProcessBytes(plain, all.AsSpan(NonceSize + TagSize));
        Tag(tagKey, all.AsSpan(NonceSize + TagSize), all.AsSpan(NonceSize, TagSize));
        return all;
    }

    static byte[] Open(byte[] secret, ReadOnlySpan<byte> stored)
    {
        if (stored.Length < NonceSize + TagSize) throw new EncryptionException("the stored data was shorter than the required size");
        var (cipher, tagKey) = Begin(secret, stored[..NonceSize].ToArray());
        var hidden = stored[(NonceSize + TagSize)..];
        Span<byte> tag = stackalloc byte[TagSize];
        Tag(tagKey, hidden, tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, stored.Slice(NonceSize, TagSize))) throw new EncryptionException("message authentication failed");
        byte[] plain = new byte[hidden.Length];
        cipher.ProcessBytes(hidden, plain);
        return plain;
    }

    /// <summary>The stream's first bytes are the tag's key, the next ones hide the text.</summary>
    static (XSalsa20Engine Cipher, byte[] TagKey) Begin(byte[] secret, byte[] nonce)
    {
        var cipher = new XSalsa20Engine();
        cipher.Init(true, new ParametersWithIV(new KeyParameter(secret), nonce));
        byte[] tagKey = new byte[TagKeySize];
        cipher.ProcessBytes(tagKey, tagKey);
        return (cipher, tagKey);
    }

    static void Tag(byte[] key, ReadOnlySpan<byte> hidden, Span<byte> tag)
    {
        var mac = new Poly1305();
        mac.Init(new KeyParameter(key));
        mac.BlockUpdate(hidden);
        mac.DoFinal(tag);
    }
}
