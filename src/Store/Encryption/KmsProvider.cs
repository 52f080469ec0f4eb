using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Hanbae.Grpc;
using Hanbae.Store.Encryption.Kms;

namespace Hanbae.Store.Encryption;

/// <summary>Encrypts with keys that a key management plugin keeps (KMS v2): it is asked once per seed, not once per value.</summary>
/// <remarks>
/// As KEP-3299: a random seed is encrypted by the plugin; from it and 32 random bytes each value gets an AES-256-GCM key of its own (HKDF). The plugin's
/// status is asked for once a minute of use, and a sick one never holds up a read; another key id means a new seed, and what is under the old id is stale.
/// Bound: 1,000 seeds are remembered for reading.
/// </remarks>
public sealed class KmsProvider : IValueProvider, IDisposable
{
    const int SeedSize = 32, InfoSize = 32, MostSeeds = 1000;
    static readonly TimeSpan s_ask = TimeSpan.FromMinutes(1), s_trust = TimeSpan.FromMinutes(3);

    sealed record Seed(byte[] Key, EncryptResponse Encrypted, DateTimeOffset Checked);

    readonly string _name;
    readonly GrpcChannel _channel;
    readonly TimeSpan _timeout;
    readonly TimeProvider _time;
    readonly SemaphoreSlim _asking = new(1, 1);
    readonly Lock _gate = new();
    readonly Dictionary<string, byte[]> _seeds = [];
    volatile Seed? _seed;
    /// <summary>When the plugin was last asked for its status, whatever it answered; under <see cref="_asking"/>, read without.</summary>
    DateTimeOffset _tried = DateTimeOffset.MinValue;

    public KmsProvider(string name, string endpoint, TimeSpan timeout, TimeProvider time)
    {
        (_name, _timeout, _time, _channel) = (name, timeout, time, new(endpoint));
        Prefix = Encoding.UTF8.GetBytes($"k8s:enc:kms:v2:{name}:");
    }

    public ReadOnlyMemory<byte> Prefix { get; }

    public async ValueTask<byte[]> EncryptAsync(ReadOnlyMemory<byte> plain, Key key, CancellationToken ct)
    {
        var seed = await SeedAsync(ct).ConfigureAwait(false);
        byte[] info = RandomNumberGenerator.GetBytes(InfoSize);
        var value = new EncryptedObject
        {
            EncryptedData = ByteString.CopyFrom([.. info, .. AesGcmProvider.Seal(Derived(seed.Key, info), plain.Span, key)]),
            KeyId = seed.Encrypted.KeyId, EncryptedDekSource = seed.Encrypted.Ciphertext, EncryptedDekSourceType = EncryptedDekSourceType.HkdfSha256XnonceAesGcmSeed,
        };
        value.Annotations.Add(seed.Encrypted.Annotations);
        return value.ToByteArray();
    }

    public async ValueTask<Decrypted> DecryptAsync(ReadOnlyMemory<byte> stored, Key key, CancellationToken ct)
    {
        EncryptedObject value;
        try { value = EncryptedObject.Parser.ParseFrom(stored.Span); }
        catch (InvalidProtocolBufferException e) { throw new EncryptionException("failed to unmarshal at EncryptedObject: " + e.Message, e); }
        byte[] seed = await SourceAsync(value, ct).ConfigureAwait(false);
        var data = value.EncryptedData.Memory;
        byte[] plain;
        bool hashed = value.EncryptedDekSourceType == EncryptedDekSourceType.HkdfSha256XnonceAesGcmSeed;
        if (hashed)
        {
            if (data.Length < InfoSize) throw new EncryptionException("the stored data was shorter than the required size");
            plain = AesGcmProvider.Open(Derived(seed, data.Span[..InfoSize]), data.Span[InfoSize..], key);
        }
        else plain = AesGcmProvider.Open(seed, data.Span, key);
        return new(plain, !hashed || await KeyIdAsync(ct).ConfigureAwait(false) is { } current && value.KeyId != current);
    }

    static byte[] Derived(byte[] seed, ReadOnlySpan<byte> info)
    {
        byte[] key = new byte[SeedSize];
        HKDF.Expand(HashAlgorithmName.SHA256, seed, key, info);
        return key;
    }

    /// <summary>The id of the key that is written with, as far as it is known: a read waits for one answer a minute, and never fails for want of it.</summary>
    async ValueTask<string?> KeyIdAsync(CancellationToken ct)
    {
        // Who is asking already, or was refused lately, need not be asked again by each read.
        if (_time.GetUtcNow() - _tried >= s_ask && _asking.CurrentCount > 0)
            try { await SeedAsync(ct).ConfigureAwait(false); }
            catch (EncryptionException) { }
        return _seed?.Encrypted.KeyId;
    }

    /// <summary>The seed of what is written now.</summary>
    async ValueTask<Seed> SeedAsync(CancellationToken ct)
    {
        if (_seed is { } fresh && _time.GetUtcNow() - fresh.Checked < s_ask) return fresh;
        await _asking.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var now = _time.GetUtcNow();
            if (_seed is { } seed && (now - seed.Checked < s_ask || now - seed.Checked < s_trust && now - _tried < s_ask)) return seed;
            _tried = now;
            try
            {
                var status = await CallAsync(KmsMethods.Status, new StatusRequest(), ct).ConfigureAwait(false);
                if (status.Version is not ("v2" or "v2beta1")) throw new EncryptionException($"expected KMSv2 API version v2, got {status.Version}");
                if (status.Healthz != "ok") throw new EncryptionException($"got unexpected healthz status: {status.Healthz}");
                if (status.KeyId.Length is 0 or > 1024) throw new EncryptionException("the plugin's key_id must have 1 to 1,024 bytes");
                if (_seed is { } same && same.Encrypted.KeyId == status.KeyId) return _seed = same with { Checked = now };
                byte[] key = RandomNumberGenerator.GetBytes(SeedSize);
                var encrypted = await CallAsync(KmsMethods.Encrypt, new EncryptRequest { Plaintext = ByteString.CopyFrom(key), Uid = Guid.NewGuid().ToString() }, ct).ConfigureAwait(false);
                Remember(encrypted.Ciphertext, key);
                return _seed = new(key, encrypted, now);
            }
            // A plugin that is being restarted stops nobody's writes.
            catch (EncryptionException) when (_seed is { } old && now - old.Checked < s_trust) { return old; }
        }
        finally { _asking.Release(); }
    }

    async ValueTask<byte[]> SourceAsync(EncryptedObject value, CancellationToken ct)
    {
        lock (_gate)
            if (_seeds.TryGetValue(value.EncryptedDekSource.ToBase64(), out byte[]? known)) return known;
        var request = new DecryptRequest { Ciphertext = value.EncryptedDekSource, KeyId = value.KeyId, Uid = Guid.NewGuid().ToString() };
        request.Annotations.Add(value.Annotations);
        byte[] source = (await CallAsync(KmsMethods.Decrypt, request, ct).ConfigureAwait(false)).Plaintext.ToByteArray();
        if (source.Length != SeedSize) throw new EncryptionException($"the plugin gave a key of {source.Length} bytes, not {SeedSize}");
        Remember(value.EncryptedDekSource, source);
        return source;
    }

    void Remember(ByteString encrypted, byte[] seed)
    {
        lock (_gate)
        {
            if (_seeds.Count >= MostSeeds) _seeds.Clear();
            _seeds[encrypted.ToBase64()] = seed;
        }
    }

    async Task<TResponse> CallAsync<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, TRequest request, CancellationToken ct)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse>
    {
        try { return await _channel.UnaryAsync(method, request, new() { Timeout = _timeout }, ct).ConfigureAwait(false); }
        catch (GrpcException e) { throw new EncryptionException($"kms plugin {_name}: {method.Name}: {e.Message}", e); }
    }

    public void Dispose()
    {
        _channel.Dispose();
        _asking.Dispose();
    }
}
