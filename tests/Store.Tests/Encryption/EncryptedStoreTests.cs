using System.Security.Cryptography;
using System.Text;
using Hanbae.Store.Encryption;
using Hanbae.Store.History;
using Hanbae.Store.Memory;
using Hanbae.Store.Spec;
using Hanbae.Store.Sqlite;

namespace Hanbae.Store.Tests.Encryption;

/// <summary>An encrypted store keeps to everything that a store keeps to.</summary>
public sealed class EncryptedStoreSpec : StoreSpec
{
    protected override Task<IStore> OpenAsync(int watchBuffer)
    {
        var rules = new EncryptionRules([new(["*.*"], new([new AesGcmProvider("k", RandomNumberGenerator.GetBytes(32))]))]);
        return Task.FromResult<IStore>(new EncryptedStore(new MemoryStore(new MemoryOptions { WatchBuffer = watchBuffer }), () => rules));
    }
}

/// <summary>The same over the store on disk.</summary>
public sealed class EncryptedSqliteSpec : StoreSpec
{
    readonly TemporaryFolder _folder = new();
    int _opened;

    protected override Task<IStore> OpenAsync(int watchBuffer)
    {
        var rules = new EncryptionRules([new(["*.*"], new([new AesGcmProvider("k", RandomNumberGenerator.GetBytes(32))]))]);
        return Task.FromResult<IStore>(new EncryptedStore(SqliteStore.Open(new SqliteOptions { Folder = _folder[$"{_opened++}"], WatchBuffer = watchBuffer }), () => rules));
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}

public sealed class EncryptedStoreTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Every store that Hanbae has.</summary>
    IStore Inner(string kind) => kind == "memory" ? new MemoryStore() : SqliteStore.Open(new SqliteOptions { Folder = _folder["data"] });

    static readonly Key s_key = new("/registry/secrets/default/a");
    static readonly byte[] s_value = """{"data":{"password":"aHVudGVyMg=="}}"""u8.ToArray();

    static AesGcmProvider Gcm(string name) => new(name, RandomNumberGenerator.GetBytes(32));
    static EncryptionRules Secrets(params IValueProvider[] providers) => new([new(["secrets"], new([.. providers]))]);

    static string Text(ReadOnlyMemory<byte> value) => Encoding.UTF8.GetString(value.Span);

    [Theory, InlineData("memory"), InlineData("sqlite")]
    public async Task What_is_named_is_encrypted_and_all_else_is_not(string kind)
    {
        await using var inner = Inner(kind);
        var rules = Secrets(Gcm("key1"));
        var store = new EncryptedStore(inner, () => rules);
        await store.PutIfAsync(s_key, s_value, Revision.None, default);
        await store.PutIfAsync(new("/registry/configmaps/default/a"), s_value, Revision.None, default);

        string kept = Text((await inner.GetAsync(s_key, default))!.Value);
        Assert.StartsWith("k8s:enc:aesgcm:v1:key1:", kept, StringComparison.Ordinal);
        Assert.DoesNotContain("aHVudGVyMg", kept, StringComparison.Ordinal);
        Assert.Equal(s_value, (await inner.GetAsync(new("/registry/configmaps/default/a"), default))!.Value.ToArray());
        Assert.Equal(s_value, (await store.GetAsync(s_key, default))!.Value.ToArray());
    }

    [Fact]
    public async Task A_value_is_bound_to_its_key()
    {
        await using var inner = new MemoryStore();
        var rules = Secrets(Gcm("key1"));
        var store = new EncryptedStore(inner, () => rules);
        await store.PutIfAsync(s_key, s_value, Revision.None, default);
        var moved = new Key("/registry/secrets/default/b");
        // A copy: who reads the store's file has no array that the process shares.
        await inner.PutIfAsync(moved, (await inner.GetAsync(s_key, default))!.Value.ToArray(), Revision.None, default);

        var thrown = await Assert.ThrowsAsync<UnavailableException>(async () => await store.GetAsync(moved, default));
        Assert.Contains("message authentication failed", thrown.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("memory"), InlineData("sqlite")]
    public async Task Keys_change_without_a_moment_in_which_something_cannot_be_read(string kind)
    {
        await using var inner = Inner(kind);
        var (old, fresh, identity) = (Gcm("old"), Gcm("new"), new IdentityProvider());
        var rules = Secrets(identity);
        var store = new EncryptedStore(inner, () => rules);
        await store.PutIfAsync(s_key, s_value, Revision.None, default);
        Assert.Equal(s_value, (await inner.GetAsync(s_key, default))!.Value.ToArray());
        Assert.False(await store.IsStaleAsync(s_key, default));

        foreach (var next in (EncryptionRules[])[Secrets(old, identity), Secrets(fresh, old), Secrets(identity, fresh)])
        {
            rules = next;
            // As another process would read it.
            var reader = new EncryptedStore(inner, () => rules);
            var entry = (await reader.GetAsync(s_key, default))!;
            Assert.Equal(s_value, entry.Value.ToArray());
            Assert.True(await reader.IsStaleAsync(s_key, default));
            Assert.True((await reader.PutIfAsync(s_key, entry.Value, entry.ModRevision, default)).Succeeded);
            Assert.False(await reader.IsStaleAsync(s_key, default));
        }
    }

    [Theory, InlineData("memory"), InlineData("sqlite")]
    public async Task What_nobody_can_decrypt_is_an_error_and_no_gap(string kind)
    {
        await using var inner = Inner(kind);
        var rules = Secrets(Gcm("key1"));
        await new EncryptedStore(inner, () => rules).PutIfAsync(s_key, s_value, Revision.None, default);
        foreach (var other in (EncryptionRules[])[Secrets(Gcm("key1")), Secrets(Gcm("key2")), Secrets(new IdentityProvider()), EncryptionRules.None])
        {
            var store = new EncryptedStore(inner, () => other);
            var refused = await Assert.ThrowsAsync<UnavailableException>(async () => await store.GetAsync(s_key, default));
            Assert.Equal(Unavailable.Unreadable, refused.Reason);
            Assert.Contains("unable to transform key", refused.Message, StringComparison.Ordinal);
            // Among others it stands as it is stored: whoever lists sees that something is there.
            Assert.True(Ciphertext.Is(Assert.Single((await store.ListAsync(KeyRange.All, null, 0, default)).Entries).Value.Span));
        }
    }

    [Fact]
    public async Task Where_identity_is_not_allowed_plain_values_are_refused()
    {
        await using var inner = new MemoryStore();
        await inner.PutIfAsync(s_key, s_value, Revision.None, default);
        var rules = Secrets(Gcm("key1"));
        var store = new EncryptedStore(inner, () => rules);
        await Assert.ThrowsAsync<UnavailableException>(async () => await store.GetAsync(s_key, default));
        var listed = Assert.Single((await store.ListAsync(KeyRange.All, null, 0, default)).Entries);
        Assert.True(Ciphertext.Is(listed.Value.Span));
        Assert.False(listed.Value.Span.SequenceEqual(s_value));
    }

    [Fact]
    public async Task Watchers_get_the_very_array_that_was_written()
    {
        await using var inner = new MemoryStore();
        var rules = Secrets(Gcm("key1"));
        var store = new EncryptedStore(inner, () => rules);
        await using var changes = store.WatchAsync(KeyRange.All, Revision.First, default).GetAsyncEnumerator();
        await store.PutIfAsync(s_key, s_value, Revision.None, default);
        do Assert.True(await changes.MoveNextAsync()); while (changes.Current.Kind != ChangeKind.Put);
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(changes.Current.Value, out var array));
        Assert.Same(s_value, array.Array);
    }

    [Fact]
    public async Task History_is_encrypted_as_well()
    {
        var rules = Secrets(Gcm("key1"));
        await using var inner = new MemoryHistory(new(), TimeProvider.System);
        var history = new EncryptedHistory(inner, () => rules);
        history.Note(new(s_key, new(5), TimeProvider.System.GetUtcNow(), "me", "update", "kubectl", "", new(4), new StoredVersion(s_value)));
        Assert.StartsWith("k8s:enc:aesgcm:v1:key1:", Text(Assert.Single(await inner.OfAsync(s_key, default)).Before!.Stored()), StringComparison.Ordinal);
        Assert.Equal(s_value, Assert.Single(await history.OfAsync(s_key, default)).Before!.Stored());
        rules = Secrets(Gcm("key1"));
        Assert.Null(Assert.Single(await history.OfAsync(s_key, default)).Before);
    }

    [Theory]
    [InlineData("secrets", "/registry/secrets/ns/a", true)]
    [InlineData("secrets", "/registry/example.com/secrets/ns/a", false)]
    [InlineData("deployments.apps", "/registry/apps/deployments/ns/a", true)]
    [InlineData("*.apps", "/registry/apps/statefulsets/ns/a", true)]
    [InlineData("*.", "/registry/pods/ns/a", true)]
    [InlineData("*.", "/registry/apps/deployments/ns/a", false)]
    [InlineData("*.*", "/registry/example.com/widgets/a", true)]
    public void Resources_are_named_as_in_the_configuration(string name, string key, bool encrypted) =>
        Assert.Equal(encrypted, new EncryptionRules([new([name], new([Gcm("k")]))]).For(new(key)) is not null);
}
