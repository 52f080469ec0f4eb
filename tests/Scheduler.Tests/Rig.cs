using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kit;

namespace Hanbae.Scheduler.Tests;

/// <summary>The loop against an API server in memory whose bindings work as upstream's: once.</summary>
sealed class Rig : IAsyncDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly List<Task> _running = [];
    int _failures;

    public Rig()
    {
        Api = new(Time) { Intercept = r => Meddle?.Invoke(r) ?? Bind(r) };
        Watches = new(Api);
    }

    public FakeTime Time { get; } = new();
    public FakeApi Api { get; }
    /// <summary>How the informers watch it.</summary>
    public BreakingWatches Watches { get; }
    public Recorder Events { get; } = new();
    public ConcurrentQueue<(string Pod, string Node)> Bound { get; } = new();
    /// <summary>Bindings that fail from now on.</summary>
    public ref int Failures => ref _failures;
    /// <summary>Answers before the server does; null leaves it the request.</summary>
    public Func<ApiRequest, ApiResult?>? Meddle { get; set; }

    /// <summary>Starts a scheduler, with informers of its own.</summary>
    public void Start(Configuration.SchedulerConfiguration? configuration = null)
    {
        var informers = new InformerFactory(Watches, Time);
        var scheduler = new Scheduler(new Access(new ApiClient(Api, Time), informers, Events, Time), new() { Configuration = configuration ?? new() });
        _running.Add(Task.WhenAll(informers.RunAsync(_stop.Token), scheduler.RunAsync(_stop.Token)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var running in _running) await running.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
        _stop.Dispose();
    }

    ApiResult? Bind(ApiRequest request)
    {
        if (request.Method != "POST" || !request.Path.EndsWith("/binding", StringComparison.Ordinal)) return null;
        if (Interlocked.Decrement(ref _failures) >= 0) return new() { Code = 500, Object = FakeApi.Error(500, "InternalError", "no luck").Status };
        var binding = (Binding)request.Object!;
        string name = binding.Metadata.Name;
        lock (Bound)
        {
            if (Api.Find<Pod>(name) is not { } pod) return new() { Code = 404, Object = FakeApi.Error(404, "NotFound", "gone").Status };
            if (pod.Spec.NodeName.Length > 0) return new() { Code = 409, Object = FakeApi.Error(409, "Conflict", "pod is already assigned").Status };
            Bound.Enqueue((name, binding.Target.Name));
            Api.Change<Pod>(name, p => p with { Spec = p.Spec with { NodeName = binding.Target.Name } });
        }
        return new() { Code = 201, Object = new Hanbae.Api.Meta.V1.Status { StatusValue = "Success" } };
    }

    /// <summary>Waits out the backoff: the clock goes on whenever nothing happens.</summary>
    public async Task BoundAsync(string pod)
    {
        for (int i = 0; i < 3_000; i++)
            try { await Api.UntilAsync(a => a.Find<Pod>(pod)!.Spec.NodeName.Length > 0, pod + " is bound", TimeSpan.FromMilliseconds(20)); return; }
            catch (TimeoutException) { Time.Advance(TimeSpan.FromMilliseconds(100)); }
        Assert.Fail(pod + " was never bound");
    }

    sealed class Access(IClient client, InformerFactory informers, IRecorder recorder, TimeProvider time) : IClusterAccess
    {
        public IClient Client => client;
        public ICache<T> Cache<T>() where T : class, IObject<T> => informers.Cache<T>();
        public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => informers.Cache<T>(part);
        public IRecorder Recorder => recorder;
        public TimeProvider Time => time;
    }

    internal sealed class Recorder : IRecorder
    {
        readonly Lock _lock = new();
        readonly List<(string Type, string Reason, string Message)> _told = [];
        TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<(string Type, string Reason, string Message)> Told { get { lock (_lock) return [.. _told]; } }

        public void Event(IObject about, string type, string reason, string message, string fieldPath = "")
        {
            lock (_lock) { _told.Add((type, reason, message)); _more.TrySetResult(); _more = new(TaskCreationOptions.RunContinuationsAsynchronously); }
        }

        public async Task UntilAsync((string, string, string) wanted)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (true)
            {
                Task more;
                lock (_lock) { if (_told.Contains(wanted)) return; more = _more.Task; }
                await more.WaitAsync(limit.Token);
            }
        }
    }
}
