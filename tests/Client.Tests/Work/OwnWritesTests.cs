using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Work;

/// <summary>A key is not worked on before the caches show what was written for it.</summary>
public sealed class OwnWritesTests : IAsyncDisposable
{
    static readonly Key Owner = new("default", "owner");

    readonly FakeTime _time = new();
    readonly FakeApi _api;
    readonly InformerFactory _informers;
    readonly Script _script;
    readonly ReconcileLoop _loop;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    public OwnWritesTests()
    {
        _api = new(_time);
        _informers = new(_api, _time);
        _script = new(_informers.Cache<ConfigMap>());
        _loop = new("test", _script, _time);
        _running = Task.WhenAll(_informers.RunAsync(_stop.Token), _loop.RunAsync(_stop.Token));
    }

    ICache<ConfigMap> Cache => _informers.Cache<ConfigMap>();
    IClient Client => new ApiClient(_api, _time);
    static ConfigMap Drawn() => new() { Metadata = new() { GenerateName = "m-", Namespace = "default" } };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(60));
        _stop.Dispose();
    }

    /// <summary>Lets time pass until it holds.</summary>
    async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var limit = DateTime.UtcNow.AddSeconds(60); ;)
            try { await _api.UntilAsync(_ => holds(), what, TimeSpan.FromMilliseconds(5)); return; }
            catch (TimeoutException) when (DateTime.UtcNow < limit) { _time.Advance(TimeSpan.FromMilliseconds(50)); }
    }

    [Theory]
    [InlineData("create"), InlineData("update"), InlineData("patch"), InlineData("delete"), InlineData("delete what waits")]
    public async Task Work_waits_until_the_cache_shows_the_last_write(string write)
    {
        _api.Put(new ConfigMap { Metadata = new() { Name = "there", Namespace = "default", Finalizers = write == "delete what waits" ? ["a/b"] : default } });
        await UntilAsync(() => Cache.Find(new("default", "there")) is not null, "never listed");
        _api.HoldWatches();
        await _script.OnceAsync(Owner, ct => write switch
        {
            "create" => Client.CreateAsync(Drawn(), ct),
            "update" => Client.UpdateAsync(Cache.Find(new("default", "there"))! with { Data = Map.Of(("a", "b")) }, ct),
            "patch" => Client.PatchAsync<ConfigMap>(new("default", "there"), Patch.Merge("""{"data":{"a":"c"}}"""u8.ToArray()), ct),
            _ => Client.DeleteAsync<ConfigMap>(new("default", "there"), DeleteOptions.Empty, ct),
        });
        var shown = _script.OnceAsync(Owner, _ => Task.FromResult(Cache.All.Select(m => (m.Metadata.Uid, m.Metadata.ResourceVersion)).Order().ToArray()));
        _script.Add(new("default", "another"));
        for (int i = 0; i < 50; i++) _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(shown.IsCompleted);
        _api.ReleaseWatches();
        await UntilAsync(() => shown.IsCompleted, "work never went on");
        Assert.Equal(_api.All<ConfigMap>().Select(m => (m.Metadata.Uid, m.Metadata.ResourceVersion)).Order(), await shown);
        await UntilAsync(() => _loop.Remembered == 0, "something is remembered");
    }

    [Fact]
    public async Task What_got_no_answer_is_asked_for_before_work_goes_on()
    {
        bool lost = false;
        _api.Intercept = request =>
        {
            if (request.Method != "POST" || lost) return null;
            lost = true;
            _api.Put((ConfigMap)request.Object!);
            throw new IOException("the answer was lost");
        };
        _api.HoldWatches();
        await Assert.ThrowsAsync<IOException>(() => _script.OnceAsync(Owner, ct => Client.CreateAsync(Drawn(), ct)));
        var seen = _script.OnceAsync(Owner, _ => Task.FromResult(Cache.All.Count));
        for (int i = 0; i < 50; i++) _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(seen.IsCompleted);
        _api.ReleaseWatches();
        await UntilAsync(() => seen.IsCompleted, "work never went on");
        Assert.Equal(1, await seen);
    }

    [Fact]
    public async Task What_is_gone_on_a_server_that_lost_it_is_not_waited_for_for_ever()
    {
        _api.HoldWatches();
        await _script.OnceAsync(Owner, ct => Client.CreateAsync(Drawn(), ct));
        _api.Remove<ConfigMap>(_api.All<ConfigMap>()[0].Metadata.Name);
        var again = _script.OnceAsync(Owner, _ => Task.FromResult(true));
        await UntilAsync(() => again.IsCompleted, "work never went on");
    }

    [Fact]
    public async Task Writes_outside_of_any_work_are_nobodys()
    {
        await Client.CreateAsync(Drawn(), default);
        Assert.Equal(0, _loop.Remembered);
        // The name was the server's to draw.
        Assert.Empty(((ConfigMap)_api.Requests.Single(r => r.Method == "POST").Object!).Metadata.Name);
    }

    /// <summary>Does for a key what it is told to, once.</summary>
    sealed class Script(ICache<ConfigMap> cache) : IReconciler, IDisposable
    {
        readonly ConcurrentDictionary<Key, ConcurrentQueue<Func<CancellationToken, Task>>> _todo = new();
        readonly TaskCompletionSource<Action<Key>> _add = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Watch(Triggers on) => on.Needs(cache).From(add =>
        {
            _add.SetResult(add);
            return this;
        });

        public void Add(Key key) => _add.Task.Result(key);

        public Task<TResult> OnceAsync<TResult>(Key key, Func<CancellationToken, Task<TResult>> work)
        {
            var done = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            return PutAsync(key, async ct => done.SetResult(await work(ct)), e => done.SetException(e), done.Task);
        }

        public Task OnceAsync(Key key, Func<CancellationToken, Task> work) => OnceAsync(key, async ct => { await work(ct); return true; });

        async Task<TResult> PutAsync<TResult>(Key key, Func<CancellationToken, Task> work, Action<Exception> failed, Task<TResult> done)
        {
            _todo.GetOrAdd(key, static _ => new()).Enqueue(async ct =>
            {
                try { await work(ct); }
                catch (Exception e)
                {
                    failed(e);
                    throw;
                }
            });
            (await _add.Task)(key);
            return await done;
        }

        public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
        {
            if (_todo.TryGetValue(key, out var todo) && todo.TryDequeue(out var work)) await work(ct);
            return Again.OnChange;
        }

        public void Dispose() { }
    }
}
