using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.DaemonSets;
using Hanbae.Controllers.Pods;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Store.Memory;
using Hanbae.Testing;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>A real API server over a memory store, controllers that speak to it through a <see cref="FaultyTransport"/>, and nodes that play kubelets and scheduler; server and controllers may die and come again at any moment.</summary>
sealed class FaultyCluster : IAsyncDisposable
{
    static readonly Identity s_admin = new("admin", ["system:masters"]);

    /// <summary>A minute and a half before noon.</summary>
    public static readonly DateTimeOffset Begin = new(2030, 1, 1, 11, 58, 30, TimeSpan.Zero);

    static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(5);

    readonly MemoryStore _store;
    readonly TestTime _timers = new();
    readonly ControllerOptions _options;
    readonly CancellationTokenSource _stop = new();
    readonly SemaphoreSlim _turn = new(1);
    readonly Task _nodes;
    volatile Instance? _server;
    CancellationTokenSource _stopControllers = new();
    Task _controllers = Task.CompletedTask;
    readonly List<Task> _restarts = [];

    readonly List<ReconcileLoop> _loops = [];
    readonly ConcurrentQueue<string> _refused = [];

    /// <param name="fault">With where and how often; without, nothing goes wrong.</param>
    public FaultyCluster(MemoryStore store, string[] run, Happening? fault = null, Func<ApiRequest, ApiResult?>? intercept = null)
    {
        _store = store;
        Time = new(_timers);
        // The same for every run: what is named after the time is named alike.
        Time.Jump(Begin - Time.GetUtcNow());
        _options = new() { Run = ControllerChoice.Of(run) };
        _server = Serve();
        Wire = new(() => Named(s_admin), OnFaultAsync) { Fault = fault?.Fault ?? default, At = fault?.At ?? -1, Every = fault?.Every ?? 0, Bytes = fault?.Bytes ?? 0, Intercept = intercept };
        StartControllers();
        _nodes = Task.Run(PlayAsync);
    }

    public JumpingTime Time { get; }

    /// <summary>Between two looks: what goes on inside of a server that comes and goes tells nobody.</summary>
    static Task GlanceAsync(CancellationToken ct = default) => Task.Delay(s_glance, ct);

    public FaultyTransport Wire { get; }
    /// <summary>The user's: nothing goes wrong there but that the server is away for a moment.</summary>
    public IClient Client => new ApiClient(new Patient(this), Time);

    Instance Serve() => new(new(_store, new() { Authorizers = [new AlwaysAllow()], Rest = [new("authorization.k8s.io", "subjectaccessreviews", "", new Allowing())], Time = Time }));

    IApiTransport Named(Identity user) => _server is { } server ? new IdentityTransport(server, user, "faults") : throw new IOException("connection refused");

    void StartControllers()
    {
        _stopControllers = new();
        var informers = new InformerFactory(Wire, Time);
        var accounts = Catalog.All.Select(e => e.Component).Distinct().ToDictionary(c => c, c => new ClusterAccess(new Permitted(Wire, c, _refused), informers, "controllers", Time));
        var ct = _stopControllers.Token;
        lock (_loops) _loops.Clear();
        _controllers = Task.WhenAll([informers.RunAsync(ct), Catalog.RunAsync(e => accounts[e.Component], _options, loop => { lock (_loops) _loops.Add(loop); }, ct), .. accounts.Values.Select(a => a.RunAsync(ct))]);
    }

    /// <summary>Of how many objects the controllers' loops remember that there is something to do, or to wait for.</summary>
    public int Unsettled { get { lock (_loops) return _loops.Sum(l => l.Unsettled); } }
    /// <summary>The same with what is to be looked at at some time.</summary>
    public int Remembered { get { lock (_loops) return _loops.Sum(l => l.Remembered); } }

    Task OnFaultAsync(Fault fault)
    {
        switch (fault)
        {
            case Fault.WatchCut: Wire.EndWatches(expired: false); break;
            case Fault.WatchTorn: Wire.TearWatches(); break;
            case Fault.WatchExpired: Wire.EndWatches(expired: true); break;
            case Fault.ClockForward: Time.Jump(TimeSpan.FromMinutes(10)); break;
            case Fault.ClockBack: Time.Jump(TimeSpan.FromMinutes(-10)); break;
            case Fault.ControllersRestart:
                _stopControllers.Cancel();
                lock (_restarts) _restarts.Add(Task.Run(RestartControllersAsync));
                break;
            case Fault.ServerRestart:
                var old = Interlocked.Exchange(ref _server, null);
                if (old is not null) lock (_restarts) _restarts.Add(Task.Run(() => RestartServerAsync(old)));
                break;
        }
        return Task.CompletedTask;
    }

    async Task RestartControllersAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await _controllers.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_stop.IsCancellationRequested) StartControllers();
        }
        finally { _turn.Release(); }
    }

    async Task RestartServerAsync(Instance old)
    {
        await old.DisposeAsync();
        _server = Serve();
    }

    /// <summary>Drawn anew when anything was written since the last.</summary>
    public async Task<string> PictureAsync()
    {
        long revision = (await _store.CurrentAsync(_stop.Token)).Value;
        if (_drawn.Certain >= revision) return _drawn.Text;
        _drawn = await Picture.OfAsync(new Patient(this), _stop.Token);
        return _drawn.Text;
    }

    (string Text, long Certain) _drawn = ("", -1);

    /// <summary>Waits for a state. While nothing changes the clock goes on, more and more.</summary>
    public async Task UntilAsync(Func<string, Task<bool>> holds, Func<string, string> what)
    {
        var limit = DateTime.UtcNow.AddSeconds(60);
        string before = "";
        var creep = TimeSpan.FromMilliseconds(50);
        int idle = 0;
        while (true)
        {
            string now = await PictureAsync();
            if (await holds(now)) return;
            if (DateTime.UtcNow > limit) throw new TimeoutException(what(now));
            await GlanceAsync();
            if (now != before) { (before, creep, idle) = (now, TimeSpan.FromMilliseconds(50), 0); continue; }
            if (++idle < 4) continue;
            _timers.Advance(creep);
            // No faster than work may be done: what waits five minutes for a cache shall not have to.
            if (creep < TimeSpan.FromMilliseconds(250)) creep *= 1.3;
        }
    }

    /// <summary>Nothing changes any more, not even when time goes on for a while.</summary>
    public async Task<string> SettledAsync()
    {
        string now = await PictureAsync();
        for (int quiet = 0; quiet < 12;)
        {
            _timers.Advance(TimeSpan.FromMilliseconds(300));
            await GlanceAsync();
            string next = await PictureAsync();
            quiet = next == now ? quiet + 1 : 0;
            now = next;
        }
        return now;
    }

    /// <summary>Scheduler and kubelets. What their containers are called says how they end: <c>done</c> well, <c>fail</c> badly, others never.</summary>
    async Task PlayAsync()
    {
        var ct = _stop.Token;
        var client = Client;
        while (!ct.IsCancellationRequested)
            try
            {
                foreach (var pod in (await client.ListAsync<Pod>(ListQuery.All, ct)).Items) await PlayAsync(client, pod, ct);
                await GlanceAsync(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict) { }
    }

    async Task PlayAsync(IClient client, Pod pod, CancellationToken ct)
    {
        var key = Key.Of(pod);
        if (pod.Metadata.DeletionTimestamp is not null)
        {
            if (pod.Metadata.DeletionGracePeriodSeconds != 0) await client.TryDeleteAsync<Pod>(key, new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = pod.Metadata.Uid } }, ct);
            return;
        }
        if (pod.Spec.NodeName.Length == 0)
            await client.CreateAsync<Pod>(key, "binding", new Binding { Metadata = new() { Name = key.Name, Namespace = key.Namespace }, Target = new() { Kind = "Node", Name = DaemonPod.NodeOf(pod) ?? "node-1" } }, ct);
        else if (pod.Status.Phase is "" or "Pending")
        {
            string role = pod.Spec.Containers[0].Name;
            bool ends = role is "done" or "fail";
            var now = Time.GetUtcNow();
            PodCondition Condition(string type, bool on) => new() { Type = type, Status = on ? "True" : "False", LastTransitionTime = now };
            await client.UpdateStatusAsync(pod with
            {
                Status = pod.Status with
                {
                    Phase = role == "done" ? "Succeeded" : role == "fail" ? "Failed" : "Running", StartTime = now, PodIP = "10.1.2.3", PodIPs = [new() { Ip = "10.1.2.3" }], HostIP = "10.0.0.1",
                    Conditions = [Condition("Initialized", true), Condition("Ready", !ends), Condition("ContainersReady", !ends), Condition("PodScheduled", true)],
                    ContainerStatuses = [new()
                    {
                        Name = role, Ready = !ends,
                        State = ends ? new() { Terminated = new() { ExitCode = role == "fail" ? 1 : 0, StartedAt = now, FinishedAt = now } } : new() { Running = new() { StartedAt = now } },
                    }],
                },
            }, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stopControllers.CancelAsync();
        Task[] restarts;
        lock (_restarts) restarts = [.. _restarts];
        await Task.WhenAll(restarts).WaitAsync(TimeSpan.FromSeconds(60));
        await _stopControllers.CancelAsync();
        await Task.WhenAll(_controllers, _nodes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_server is { } server) await server.DisposeAsync();
        await _store.DisposeAsync();
        _stop.Dispose();
        _turn.Dispose();
        Assert.Empty(_refused.Distinct());
    }

    /// <summary>One server of those that come and go: when it is gone it writes nothing any more, as a process that is dead.</summary>
    sealed class Instance(ApiServer server) : IApiTransport, IAsyncDisposable
    {
        readonly Lock _lock = new();
        readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int _inside;
        bool _closed;

        public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
        {
            lock (_lock)
            {
                if (_closed) throw new IOException("connection refused");
                _inside++;
            }
            try { return await server.Transport.SendAsync(request, ct); }
            finally { lock (_lock) if (--_inside == 0 && _closed) _empty.TrySetResult(); }
        }

        public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => _closed ? throw new IOException("connection refused") : server.Transport.WatchAsync(request, ct);
        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => server.Transport.StreamAsync(request, ct);

        public async ValueTask DisposeAsync()
        {
            lock (_lock)
            {
                _closed = true;
                if (_inside == 0) _empty.TrySetResult();
            }
            await server.StopAsync();
            await _empty.Task;
            await server.DisposeAsync();
        }
    }

    /// <summary>Asks again while there is no server.</summary>
    sealed class Patient(FaultyCluster cluster) : IApiTransport
    {
        public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
        {
            for (var limit = DateTime.UtcNow.AddSeconds(60); ;)
                try
                {
                    var result = await cluster.Named(s_admin).SendAsync(request, ct);
                    if (result.Code < 500 || DateTime.UtcNow > limit) return result;
                    await GlanceAsync(ct);
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException && DateTime.UtcNow < limit) { await GlanceAsync(ct); }
        }

        public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => cluster.Named(s_admin).WatchAsync(request, ct);
        public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => cluster.Named(s_admin).StreamAsync(request, ct);
    }
}

/// <summary>Answers who asks whether somebody may: who may do what is not what these walks are about.</summary>
sealed class Allowing : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct) =>
        Reply.Object((SubjectAccessReview)(await request.ReadObjectAsync(SubjectAccessReview.Info, ct))! with { Status = new() { Allowed = true } }, 201);
}
