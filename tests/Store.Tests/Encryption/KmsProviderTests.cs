using Google.Protobuf;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using Hanbae.Store.Encryption;
using Hanbae.Store.Encryption.Kms;

namespace Hanbae.Store.Tests.Encryption;

public sealed class KmsProviderTests
{
    static readonly Key s_key = new("/registry/secrets/default/a");
    static readonly byte[] s_plain = "the quick brown fox"u8.ToArray();

    /// <summary>A key management plugin on a Unix socket: "encrypts" by turning bits, under a key that can be changed.</summary>
    sealed class Plugin : IAsyncDisposable
    {
        readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-kms-");
        GrpcServer? _server;

        public string KeyId { get; set; } = "1";
        public string Health { get; set; } = "ok";
        public int Encrypts, Decrypts;
        public string Endpoint => "unix://" + Path.Combine(_folder.FullName, "kms.sock");

        public static async Task<Plugin> StartAsync()
        {
            var plugin = new Plugin();
            plugin._server = await GrpcServer.StartAsync(plugin.Endpoint, new GrpcService()
                .Unary(KmsMethods.Status, (_, _) => Task.FromResult(new StatusResponse { Version = "v2", Healthz = plugin.Health, KeyId = plugin.KeyId }))
                .Unary(KmsMethods.Encrypt, (r, _) =>
                {
                    Interlocked.Increment(ref plugin.Encrypts);
                    var response = new EncryptResponse { Ciphertext = Turned(r.Plaintext), KeyId = plugin.KeyId };
                    response.Annotations.Add("made-by.example.com", ByteString.CopyFromUtf8("test"));
                    return Task.FromResult(response);
                })
                .Unary(KmsMethods.Decrypt, (r, _) =>
                {
                    Interlocked.Increment(ref plugin.Decrypts);
                    if (r.Annotations["made-by.example.com"].ToStringUtf8() != "test") throw new GrpcException(GrpcStatus.InvalidArgument, "annotations are missing");
                    return Task.FromResult(new DecryptResponse { Plaintext = Turned(r.Ciphertext) });
                }));
            return plugin;
        }

        static ByteString Turned(ByteString bytes) => ByteString.CopyFrom([.. bytes.Select(b => (byte)~b)]);

        public async ValueTask DisposeAsync()
        {
            if (_server is not null) await _server.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }

    static KmsProvider Provider(Plugin plugin, TimeProvider time) => new("mine", plugin.Endpoint, TimeSpan.FromMinutes(1), time);

    [Fact]
    public async Task The_plugin_is_asked_once_per_seed_and_another_process_reads_it()
    {
        await using var plugin = await Plugin.StartAsync();
        var time = new Settable();
        using var writer = Provider(plugin, time);
        byte[] first = await writer.EncryptAsync(s_plain, s_key, default), second = await writer.EncryptAsync(s_plain, s_key, default);
        Assert.NotEqual(first, second);
        Assert.Equal((1, 0), (plugin.Encrypts, plugin.Decrypts));

        using var reader = Provider(plugin, time);
        foreach (byte[] stored in (byte[][])[first, second])
        {
            var read = await reader.DecryptAsync(stored, s_key, default);
            Assert.Equal(s_plain, read.Plain);
            Assert.False(read.Stale);
        }
        Assert.Equal(1, plugin.Decrypts);
        await Assert.ThrowsAsync<EncryptionException>(async () => await reader.DecryptAsync(first, new("/registry/secrets/default/b"), default));
        // As KEP-3299 has it on disk.
        var kept = EncryptedObject.Parser.ParseFrom(first);
        Assert.Equal(("1", EncryptedDekSourceType.HkdfSha256XnonceAesGcmSeed, 32 + 12 + s_plain.Length + 16), (kept.KeyId, kept.EncryptedDekSourceType, kept.EncryptedData.Length));
    }

    [Fact]
    public async Task Another_key_id_makes_what_was_written_stale()
    {
        await using var plugin = await Plugin.StartAsync();
        var time = new Settable();
        using var provider = Provider(plugin, time);
        byte[] stored = await provider.EncryptAsync(s_plain, s_key, default);
        plugin.KeyId = "2";
        Assert.False((await provider.DecryptAsync(stored, s_key, default)).Stale);
        time.Now += TimeSpan.FromSeconds(61);
        Assert.True((await provider.DecryptAsync(stored, s_key, default)).Stale);
        Assert.Equal("2", EncryptedObject.Parser.ParseFrom(await provider.EncryptAsync(s_plain, s_key, default)).KeyId);
        Assert.Equal(2, plugin.Encrypts);
    }

    [Fact]
    public async Task A_sick_plugin_stops_writes_only_after_three_minutes()
    {
        await using var plugin = await Plugin.StartAsync();
        var time = new Settable();
        using var provider = Provider(plugin, time);
        await provider.EncryptAsync(s_plain, s_key, default);
        plugin.Health = "no key";
        time.Now += TimeSpan.FromMinutes(2);
        await provider.EncryptAsync(s_plain, s_key, default);
        time.Now += TimeSpan.FromMinutes(2);
        var thrown = await Assert.ThrowsAsync<EncryptionException>(async () => await provider.EncryptAsync(s_plain, s_key, default));
        Assert.Contains("no key", thrown.Message, StringComparison.Ordinal);
    }

    sealed class Settable : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
