using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Store;
using Hanbae.Store.Encryption;
using Hanbae.Store.Memory;

namespace Hanbae.Server.Tests.Encryption;

/// <summary>A key that is gone takes no more with it than what it kept.</summary>
public sealed class UnreadableTests : IAsyncLifetime
{
    static readonly Identity s_admin = new("tester", []), s_other = new("other", []);

    readonly MemoryStore _inner = new();
    readonly AesGcmProvider _lost = new("lost", RandomNumberGenerator.GetBytes(32)), _kept = new("kept", RandomNumberGenerator.GetBytes(32));
    EncryptionRules _rules = EncryptionRules.None;
    ApiServer _server = null!;

    /// <summary>One Secret under the lost key, one under the other, one of before encryption: and a server that has the other key.</summary>
    public async Task InitializeAsync()
    {
        await using (var before = Server())
        {
            await GoodAsync(before, Secret("old", "plain"));
            _rules = Rules(_lost);
            await GoodAsync(before, Secret("default", "gone"));
            _rules = Rules(_kept);
            await GoodAsync(before, Secret("default", "there"));
            await GoodAsync(before, new ConfigMap { Metadata = new() { Name = "map", Namespace = "default" } });
        }
        _server = Server();
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _inner.DisposeAsync();
    }

    static EncryptionRules Rules(params IValueProvider[] providers) => new([new(["secrets"], new([.. providers, new IdentityProvider()]))]);

    ApiServer Server() => new(new EncryptedStore(new Kept(_inner), () => _rules), new() { Authorizers = [new UnlessUnsafe()] });

    /// <summary>Lets everybody do everything, but only the administrator delete what cannot be read.</summary>
    sealed class UnlessUnsafe : IAuthorizer
    {
        public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) =>
            new(attributes.Verb == "unsafe-delete-ignore-read-errors" && attributes.User != s_admin ? Decision.NoOpinion() : Decision.Allow());
    }

    /// <summary>A store that outlives its server.</summary>
    sealed class Kept(IStore inner) : IStore
    {
        public ValueTask<Entry?> GetAsync(Store.Key key, CancellationToken ct) => inner.GetAsync(key, ct);
        public ValueTask<Page> ListAsync(KeyRange range, Revision? at, int limit, CancellationToken ct) => inner.ListAsync(range, at, limit, ct);
        public IAsyncEnumerable<Page> ReadAsync(KeyRange range, Revision? at, CancellationToken ct) => inner.ReadAsync(range, at, ct);
        public ValueTask<PutResult> PutIfAsync(Store.Key key, ReadOnlyMemory<byte> value, Revision expected, CancellationToken ct) => inner.PutIfAsync(key, value, expected, ct);
        public ValueTask<DeleteResult> DeleteIfAsync(Store.Key key, Revision expected, CancellationToken ct) => inner.DeleteIfAsync(key, expected, ct);
        public IAsyncEnumerable<Change> WatchAsync(KeyRange range, Revision after, CancellationToken ct) => inner.WatchAsync(range, after, ct);
        public ValueTask<Revision> CurrentAsync(CancellationToken ct) => inner.CurrentAsync(ct);
        public ValueTask RequestProgressAsync(KeyRange range, CancellationToken ct) => inner.RequestProgressAsync(range, ct);
        public ValueTask CompactAsync(Revision before, CancellationToken ct) => inner.CompactAsync(before, ct);
        public ValueTask DisposeAsync() => default;
    }

    static Secret Secret(string ns, string name) => new() { Metadata = new() { Name = name, Namespace = ns }, Data = Map.Of(("password", Bytes.FromText("hunter2"))) };

    static async Task GoodAsync<T>(ApiServer server, T obj) where T : class, IObject<T> =>
        Assert.Equal(201, (await server.Transport.SendAsync(new() { Method = "POST", Path = Resources.Of<T>().Path(obj.Metadata.Namespace), Object = obj, Identity = s_admin }, default)).Code);

    async Task<(int Code, string Message)> AskAsync(string method, string path, IKind? body = null, Identity? by = null)
    {
        string[] parts = path.Split('?', '=');
        var result = await _server.Transport.SendAsync(new() { Method = method, Path = parts[0], Query = parts.Length > 1 ? [new(parts[1], parts[2])] : [], Object = body, Identity = by ?? s_admin }, CancellationToken.None);
        return (result.Code, (result.Object as Status)?.Message ?? "");
    }

    const string Path = "/api/v1/namespaces/default/secrets", Why = "Internal error occurred: unable to transform key \"/registry/secrets/default/gone\": no matching prefix found";

    [Fact]
    public async Task It_and_lists_of_it_are_errors_that_name_it_and_everything_else_is_served()
    {
        Assert.Equal((500, Why), await AskAsync("GET", Path + "/gone"));
        Assert.Equal((500, Why), await AskAsync("GET", Path));
        Assert.Equal((500, Why), await AskAsync("GET", "/api/v1/secrets"));
        Assert.Equal((500, Why), await AskAsync("GET", Path + "?watch=1"));
        Assert.Equal((500, Why), await AskAsync("GET", Path + "?resourceVersion=0"));
        Assert.Equal(500, (await AskAsync("DELETE", Path + "/gone")).Code);
        Assert.Equal(500, (await AskAsync("PUT", Path + "/gone", Secret("default", "gone"))).Code);
        Assert.Equal(200, (await AskAsync("GET", Path + "/there")).Code);
        Assert.Equal(200, (await AskAsync("GET", "/api/v1/namespaces/old/secrets")).Code);
        Assert.Equal(200, (await AskAsync("GET", "/api/v1/configmaps")).Code);
        Assert.Equal(201, (await AskAsync("POST", Path, Secret("default", "new"))).Code);
        Assert.Equal(200, (await AskAsync("GET", Path + "/new")).Code);
    }

    [Fact]
    public async Task Who_may_deletes_it_unread_and_lists_work_again()
    {
        var unread = new DeleteOptions { IgnoreStoreReadErrorWithClusterBreakingPotential = true };
        var refused = await AskAsync("DELETE", Path + "/gone", unread, s_other);
        Assert.Equal(403, refused.Code);
        Assert.Contains("cannot unsafe-delete-ignore-read-errors resource \"secrets\"", refused.Message);
        Assert.Contains("cannot be set together with .gracePeriodSeconds", (await AskAsync("DELETE", Path + "/gone", unread with { GracePeriodSeconds = 0 })).Message);
        Assert.Contains("is exclusively used to delete corrupt object(s), try again by removing this option", (await AskAsync("DELETE", Path + "/there", unread)).Message);
        Assert.Equal(404, (await AskAsync("DELETE", Path + "/nobody", unread)).Code);
        Assert.Equal(200, (await AskAsync("DELETE", Path + "/gone", unread)).Code);
        Assert.Equal(200, (await AskAsync("GET", Path)).Code);
        Assert.Equal(404, (await AskAsync("GET", Path + "/gone")).Code);
        Assert.Null(await _inner.GetAsync(new("/registry/secrets/default/gone"), default));
    }

    [Fact]
    public async Task It_is_served_when_its_key_is_back()
    {
        Assert.Equal(500, (await AskAsync("GET", Path)).Code);
        _rules = Rules(_kept, _lost);
        Assert.Equal(200, (await AskAsync("GET", Path + "/gone")).Code);
        for (int round = 0; round < 600 && (await AskAsync("GET", Path)).Code != 200; round++) await Task.Yield();
        Assert.Equal(200, (await AskAsync("GET", Path)).Code);
    }

    [Fact]
    public async Task What_was_written_before_encryption_is_encrypted_when_it_is_written_next()
    {
        async Task<string> StoredAsync() => Encoding.UTF8.GetString((await _inner.GetAsync(new("/registry/secrets/old/plain"), default))!.Value.Span);
        Assert.Contains("\"plain\"", await StoredAsync());
        var read = (await _server.Transport.SendAsync(new() { Method = "GET", Path = "/api/v1/namespaces/old/secrets/plain", Identity = s_admin }, default)).Object as Secret;
        Assert.Equal("hunter2", read!.Data["password"].ToText());
        Assert.Equal(200, (await AskAsync("PUT", "/api/v1/namespaces/old/secrets/plain", read)).Code);
        Assert.StartsWith("k8s:enc:aesgcm:v1:kept:", await StoredAsync(), StringComparison.Ordinal);
    }
}
