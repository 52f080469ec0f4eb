using System.Security.Cryptography;
using System.Text;
using Hanbae.Store.Encryption;

namespace Hanbae.Store.Tests.Encryption;

/// <summary>What stands in the store is laid out as upstream lays it out: one can read what the other wrote.</summary>
public sealed class ProviderTests
{
    static readonly Key s_key = new("/registry/secrets/default/a");
    static readonly byte[] s_plain = "the quick brown fox"u8.ToArray();

    [Theory]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(32)]
    public async Task Gcm_is_nonce_ciphertext_tag_with_the_key_s_path_authenticated(int size)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(size);
        byte[] stored = await new AesGcmProvider("key1", secret).EncryptAsync(s_plain, s_key, default);
        byte[] plain = new byte[s_plain.Length];
        using var aes = new AesGcm(secret, 16);
        aes.Decrypt(stored.AsSpan(0, 12), stored.AsSpan(12, plain.Length), stored.AsSpan(12 + plain.Length), plain, Encoding.UTF8.GetBytes("/registry/secrets/default/a"));
        Assert.Equal(s_plain, plain);
    }

    [Fact]
    public async Task Cbc_is_vector_and_padded_ciphertext()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(32);
        var provider = new AesCbcProvider("key1", secret);
        byte[] stored = await provider.EncryptAsync(s_plain, s_key, default);
        using var aes = Aes.Create();
        aes.Key = secret;
        Assert.Equal(s_plain, aes.DecryptCbc(stored.AsSpan(16), stored.AsSpan(0, 16)));
        Assert.Equal(s_plain, (await provider.DecryptAsync(stored, s_key, default)).Plain);
        await Assert.ThrowsAsync<EncryptionException>(async () => await new AesCbcProvider("key1", RandomNumberGenerator.GetBytes(32)).DecryptAsync(stored.AsMemory(0, 33), s_key, default));
    }

    [Fact]
    public async Task Nothing_is_written_twice_alike()
    {
        foreach (var provider in (IValueProvider[])[new AesGcmProvider("k", new byte[32]), new AesCbcProvider("k", new byte[32])])
            Assert.NotEqual(await provider.EncryptAsync(s_plain, s_key, default), await provider.EncryptAsync(s_plain, s_key, default));
    }
}
