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

    /// <summary>The example that NaCl tests itself with.</summary>
    [Fact]
    public async Task Secretbox_is_nonce_tag_and_ciphertext_as_NaCl_s()
    {
        byte[] secret = Convert.FromHexString("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"), nonce = Convert.FromHexString("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
        byte[] plain = Convert.FromHexString("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705");
        string box = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";
        byte[] stored = SecretboxProvider.Seal(secret, nonce, plain);
        Assert.Equal(Convert.ToHexStringLower(nonce) + box, Convert.ToHexStringLower(stored));

        var provider = new SecretboxProvider("key1", secret);
        Assert.Equal(plain, (await provider.DecryptAsync(stored, s_key, default)).Plain);
        foreach (int at in (int[])[0, 24, 40, stored.Length - 1])
        {
            byte[] forged = [.. stored];
            forged[at] ^= 1;
            await Assert.ThrowsAsync<EncryptionException>(async () => await provider.DecryptAsync(forged, s_key, default));
        }
        await Assert.ThrowsAsync<EncryptionException>(async () => await provider.DecryptAsync(stored.AsMemory(0, 39), s_key, default));
    }

    [Fact]
    public async Task Nothing_is_written_twice_alike()
    {
        foreach (var provider in (IValueProvider[])[new AesGcmProvider("k", new byte[32]), new AesCbcProvider("k", new byte[32]), new SecretboxProvider("k", new byte[32])])
            Assert.NotEqual(await provider.EncryptAsync(s_plain, s_key, default), await provider.EncryptAsync(s_plain, s_key, default));
    }
}
