using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kit;
using Hanbae.Kubelet.Pods;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Hanbae.Kubelet.Tests.Pods;

/// <summary>Changes of what volumes show are told at once, and what nobody shows is not watched.</summary>
public sealed class FollowedObjectsTests : IDisposable
{
    static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);
    readonly FakeApi _api = new();
    readonly WatchCount _watches;
    readonly CancellationTokenSource _stop = new();
    readonly ApiPodObjects _objects;

    public FollowedObjectsTests()
    {
        _watches = new(_api);
        _objects = new(new ApiClient(_api, TimeProvider.System), null, () => null, TimeProvider.System, _watches, NullLogger.Instance, _stop.Token);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    static Pod Showing(string name, params Volume[] volumes) => new() { Metadata = new() { Namespace = "default", Name = name, Uid = name }, Spec = new() { Volumes = [.. volumes] } };

    static readonly Volume s_map = new() { Name = "map", ConfigMap = new() { Name = "settings" } };
    static readonly Volume s_secret = new() { Name = "secret", Secret = new() { SecretName = "login" } };
    static readonly Volume s_parts = new() { Name = "parts", Projected = new() { Sources = [new() { ConfigMap = new() { Name = "settings" } }, new() { Secret = new() { Name = "login" } }] } };

    ConfigMap Settings(string value) => _api.Put(new ConfigMap { Metadata = new() { Namespace = "default", Name = "settings" }, Data = [new("a", value)] });

    async Task<string?> ReadAsync() => (await _objects.ConfigMapAsync("default", "settings", default))?.Data["a"];

    [Fact]
    public async Task A_change_is_told_and_then_read()
    {
        Settings("1");
        Assert.Equal("1", await ReadAsync());
        using var told = new SemaphoreSlim(0);
        using var following = _objects.Follow(Showing("a", s_map), () => told.Release());
        Settings("2");
        Assert.True(await told.WaitAsync(s_long));
        Assert.Equal("2", await ReadAsync());
        _api.Remove<ConfigMap>("settings");
        Assert.True(await told.WaitAsync(s_long));
        Assert.Null(await ReadAsync());
        Settings("3");
        Assert.True(await told.WaitAsync(s_long));
        Assert.Equal("3", await ReadAsync());
    }

    [Fact]
    public async Task What_was_read_already_is_no_news()
    {
        Settings("1");
        await ReadAsync();
        int told = 0;
        using var following = _objects.Follow(Showing("a", s_map), () => told++);
        await _watches.UntilAsync(1);
        Assert.Equal(0, told);
    }

    [Fact]
    public async Task One_watch_an_object_until_its_last_Pod_goes()
    {
        var (a, b) = (_objects.Follow(Showing("a", s_map, s_secret), () => { }), _objects.Follow(Showing("b", s_parts, s_map), () => { }));
        await _watches.UntilAsync(2);
        a!.Dispose();
        using var c = _objects.Follow(Showing("c", s_secret), () => { });
        b!.Dispose();
        await _watches.UntilAsync(1);
        Assert.Equal(2, _watches.Begun);
    }

    [Fact]
    public async Task What_can_no_longer_change_is_not_watched_and_a_Pod_without_such_volumes_follows_nothing()
    {
        Settings("1");
        using var following = _objects.Follow(Showing("a", s_map), () => { });
        await _watches.UntilAsync(1);
        _api.Change<ConfigMap>("settings", map => map with { Immutable = true });
        await _watches.UntilAsync(0);
        Assert.Null(_objects.Follow(Showing("b", new Volume { Name = "data", EmptyDir = new() }), () => { }));
    }

    /// <summary>How many watches are open.</summary>
    sealed class WatchCount(IApiTransport inner) : IApiTransport
    {
        readonly Lock _gate = new();
        TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int _open;

        public int Begun { get; private set; }

        public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => inner.SendAsync(request, ct);
        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(request, ct);

        public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
        {
            Count(1);
            try { await foreach (var e in inner.WatchAsync(request, ct)) yield return e; }
            finally { Count(-1); }
        }

        void Count(int change)
        {
            lock (_gate)
            {
                _open += change;
                if (change > 0) Begun++;
                _changed.TrySetResult();
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task UntilAsync(int open)
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    if (_open == open) return;
                    changed = _changed.Task;
                }
                await changed.WaitAsync(s_long);
            }
        }
    }
}
