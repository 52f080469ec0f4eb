using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Store.Encryption;

/// <summary>AES-CBC with one key: encrypts, and needs no rotation by count; it does not authenticate.</summary>
public sealed class AesCbcProvider(string name, byte[] secret) : IValueProvider
{
    const int Block = 16;

    public ReadOnlyMemory<byte> Prefix { get; } = Encoding.UTF8.GetBytes($"k8s:enc:aescbc:v1:{name}:");

    public ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct)
    {
        using var aes = Aes.Create();
        aes.Key = secret;
        byte[] both = new byte[Block + aes.GetCiphertextLengthCbc(plain.Length)];
        var vector = both.AsSpan(0, Block);
        RandomNumberGenerator.Fill(vector);
        aes.EncryptCbc(plain.Span, vector, both.AsSpan(Block));
        return new(both);
    }

    public ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct)
    {
        if (stored.Length < 2 * Block) throw new EncryptionException("the stored data was shorter than the required size");
        if (stored.Length % Block != 0) throw new EncryptionException($"the stored data is not a multiple of {Block}");
        using var aes = Aes.Create();
        aes.Key = secret;
        try { return new(new Decrypted(aes.DecryptCbc(stored.Span[Block..], stored.Span[..Block]), false)); }
        catch (CryptographicException e) { throw new EncryptionException("invalid padding on input", e); }
    }
}
