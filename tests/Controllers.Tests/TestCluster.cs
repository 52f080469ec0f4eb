using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests;

/// <summary>Controllers at work on a <see cref="FakeApi"/>, until disposed.</summary>
sealed class TestCluster : IAsyncDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    readonly ConcurrentQueue<string> _refused = [];

    public FakeApi Api { get; }
    public FakeTime Time { get; }
    public TestRecorder Events { get; } = new();

    /// <param name="on">The cluster whose controllers stopped and start again here: its state and its clock go on.</param>
    public TestCluster(string[] run, Action<FakeApi>? before = null, ControllerOptions? options = null, TestCluster? on = null)
    {
        Time = on?.Time ?? new();
        Api = on?.Api ?? new(Time);
        before?.Invoke(Api);
        var informers = new InformerFactory(Api, Time);
        _running = Task.WhenAll(informers.RunAsync(_stop.Token), Catalog.RunAsync(entry => new Access(new ApiClient(new Permitted(Api, entry.Component, _refused), Time), informers, Events, Time), (options ?? ControllerOptions.Default) with { Run = ControllerChoice.Of(run) }, _stop.Token));
    }

    public IClient Client => new ApiClient(Api, Time);

    /// <summary>Waits for a state, moving the clock by what the controllers wait for, up to a second at a time.</summary>
    public async Task UntilAsync(Func<FakeApi, bool> holds, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(holds))] string what = "")
    {
        var limit = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            var step = Api.UntilAsync(holds, what, TimeSpan.FromMilliseconds(20));
            try { await step; return; }
            catch (TimeoutException) when (DateTime.UtcNow < limit) { Time.Advance(Creep); }
        }
    }

    /// <summary>How much time passes for every moment that nothing happens: lets retries come due.</summary>
    public TimeSpan Creep { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>For tests that move the clock themselves. Not nothing: a key rests for some milliseconds while caches do not show what was written for it.</summary>
    public static readonly TimeSpan Hardly = TimeSpan.FromMilliseconds(1);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(30));
        _stop.Dispose();
        Assert.Empty(_refused.Distinct());
    }

    sealed class Access(IClient client, InformerFactory informers, IRecorder recorder, TimeProvider time) : IClusterAccess
    {
        public IClient Client => client;
        public ICache<T> Cache<T>() where T : class, IObject<T> => informers.Cache<T>();
        public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => informers.Cache<T>(part);
        public IRecorder Recorder => recorder;
        public TimeProvider Time => time;
    }
}

/// <summary>Keeps the Events that were told.</summary>
sealed class TestRecorder : IRecorder
{
    readonly Lock _lock = new();
    readonly List<(string Reason, string Message)> _told = [];

    public IReadOnlyList<(string Reason, string Message)> Told { get { lock (_lock) return [.. _told]; } }

    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") { lock (_lock) _told.Add((reason, message)); }
}
