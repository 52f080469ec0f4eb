using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Simulation;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Tables;
using Hanbae.Store.Memory;

namespace Hanbae.Testing;

/// <summary>A whole control plane inside a test: a real API server with its rules of access over a memory store, controllers, scheduler and simulated nodes.</summary>
/// <remarks>Clusters share nothing: there may be a hundred in a process. One that is disposed of has ended, all of it.</remarks>
public sealed class TestCluster : IAsyncDisposable
{
    static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(30);

    readonly TestClusterOptions _options;
    readonly MemoryStore _store;
    readonly TokenKey _key;
    readonly string _token;
    readonly Parts _parts = new(EndsWithin);
    readonly SemaphoreSlim _opening = new(1);
    Doorway? _door;
    int _disposed;

    TestCluster(TestClusterOptions options, MemoryStore store, TokenKey key, string token, ApiServer server)
    {
        (_options, _store, _key, _token, Server) = (options, store, key, token, server);
        Informers = new(As("system:hanbae:informers").Transport, options.Time, logger: options.Loggers.CreateLogger("hanbae.informers"));
        Client = new ApiClient(TransportOf("kubernetes-admin", ["system:masters"]), options.Time);
    }

    /// <summary>The API server, for what no client can see.</summary>
    public ApiServer Server { get; }
    /// <summary>As an administrator, without a socket in between: objects go in and out by reference.</summary>
    public IClient Client { get; }
    /// <summary>Caches that everything in the cluster shares.</summary>
    public InformerFactory Informers { get; }
    /// <summary>The clock that all of the cluster keeps to.</summary>
    public TimeProvider Time => _options.Time;

    /// <summary>A cluster that answers.</summary>
    public static async Task<TestCluster> StartAsync(TestClusterOptions? options = null, CancellationToken ct = default)
    {
        options ??= new();
        var store = options.From?.State.Fork() ?? new MemoryStore();
        var key = options.From?.Key ?? TokenKey.Of(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        string token = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var cluster = new TestCluster(options, store, key, token, Serve(options, store, key, token));
        try
        {
            await ClusterBootstrap.EnsureAsync(cluster.TransportOf("system:apiserver", ["system:masters"]), new() { Time = options.Time }, ct);
            cluster.RunComponents();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    static ApiServer Serve(TestClusterOptions options, MemoryStore store, TokenKey key, string token)
    {
        var security = new Security(new()
        {
            ServiceAccountKeys = [key], Time = options.Time, StaticTokens = StaticTokens.Parse($"{token},kubernetes-admin,,\"system:masters\""),
        });
        ApiServer? made = null;
        var server = made = new ApiServer(store, options.Server(security.AddTo(new()
        {
            Time = options.Time, Table = TableCatalog.Of, LegacyApis = options.LegacyApis, Logger = options.Loggers.CreateLogger("hanbae.apiserver"),
            // The server is made with them; what custom resources add they ask it for later.
            Paths = [.. new OpenApiHandler(() => made?.MoreOpenApi ?? []).Routes, .. new DiscoveryHandler(() => made?.MoreGroups ?? [], "", options.LegacyApis).Routes],
        })));
        security.Objects.Attach(server.Resources.Stored);
        return server;
    }

    void RunComponents()
    {
        Run("informers", Informers.RunAsync);
        if (_options.Controllers)
        {
            var accounts = Controllers.Catalog.All.Select(e => e.Component).Distinct().ToDictionary(c => c, c =>
                Access(c, "system:serviceaccount:kube-system:" + c, "system:serviceaccounts", "system:serviceaccounts:kube-system"));
            var log = _options.Loggers.CreateLogger("hanbae.controllers");
            Run("controllers", ct => Controllers.Catalog.RunAsync(entry => accounts[entry.Component], _options.ControllerOptions, ct, log));
        }
        if (_options.Scheduler)
        {
            var access = Access("default-scheduler", "system:kube-scheduler");
            Run("scheduler", ct => new Scheduler.Scheduler(access, _options.SchedulerOptions).RunAsync(ct));
        }
        if (_options.Nodes > 0) Run("simulated nodes", new SimulatedNodes(Access("simulated-nodes", "system:hanbae:simulated-nodes"), _options.Nodes).RunAsync);
    }

    /// <summary>A client in somebody's name: what the cluster's rules let that name do it can do.</summary>
    public IClient As(string user, params Seq<string> groups) => new ApiClient(TransportOf(user, groups), _options.Time);

    /// <summary>What a component needs: a client in a name of its own, the shared caches, its Events.</summary>
    /// <param name="component">Names it in Events.</param>
    /// <param name="user">Empty for an administrator.</param>
    public IClusterAccess Access(string component, string user = "", params Seq<string> groups)
    {
        var transport = user.Length == 0 ? Client.Transport : TransportOf(user, groups);
        var access = new ClusterAccess(transport, Informers, component, _options.Time, logger: _options.Loggers.CreateLogger(component));
        Run(component + "'s events", access.RunAsync);
        return access;
    }

    IdentityTransport TransportOf(string user, Seq<string> groups) => new(Server.Transport, new(user, groups.Add("system:authenticated")), "hanbae-test");

    /// <summary>Keeps something running for as long as the cluster; its failure is told when the cluster is disposed of.</summary>
    public void Run(string name, Func<CancellationToken, Task> run) => _parts.Run(name, run);

    /// <summary>Keeps a controller running for as long as the cluster.</summary>
    public void Run(string name, IReconciler controller) => Run(name, new ReconcileLoop(name, controller, _options.Time, new(), _options.Loggers.CreateLogger(name)).RunAsync);

    /// <inheritdoc cref="Run(string, IReconciler)"/>
    public void Run(string name, Controller controller) => Run(name, controller.RunAsync);

    /// <summary>Waits until an object is as it should be.</summary>
    /// <param name="holds">Null for the object that is not there.</param>
    /// <exception cref="TimeoutException">It was not within <see cref="TestClusterOptions.Patience"/>; the message has the object as it was at last.</exception>
    public async Task<T?> WhenAsync<T>(Api.Key key, Func<T?, bool> holds, CancellationToken ct = default) where T : class, IObject<T>
    {
        var cache = Informers.Cache<T>();
        await cache.WhenSyncedAsync(ct).WaitAsync(_options.Patience, ct);
        var seen = new TaskCompletionSource<T?>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(T? now)
        {
            try { if (holds(now)) seen.TrySetResult(now); }
            catch (Exception e) { seen.TrySetException(e); }
        }
        using var changes = cache.Subscribe(e => { if (Api.Key.Of((e.New ?? e.Old)!) == key) Look(e.New); });
        // By the API's word, which may be newer than the cache's: what was just made is there.
        Look(await Client.FindAsync<T>(key, ct));
        try { return await seen.Task.WaitAsync(_options.Patience, ct); }
        catch (TimeoutException)
        {
            string last = cache.Find(key)?.ToString() ?? "there is none";
            throw new TimeoutException($"{T.Info.Kind} {key} was not as it should be within {_options.Patience}: {last}");
        }
    }

    /// <summary>All that the cluster holds now, to begin other clusters from.</summary>
    public ClusterSnapshot Snapshot() => new(_store.Fork(), _key);

    /// <summary>Another cluster that begins from what this one holds now, and goes its own way.</summary>
    public Task<TestCluster> ForkAsync(CancellationToken ct = default) => StartAsync(_options with { From = Snapshot() }, ct);

    /// <summary>Opens a port for clients outside of this process, kubectl for one; the same at every call.</summary>
    public async Task<Doorway> OpenAsync(CancellationToken ct = default)
    {
        await _opening.WaitAsync(ct);
        try { return _door ??= await Doorway.OpenAsync(Server, _token, ct); }
        finally { _opening.Release(); }
    }

    /// <exception cref="AggregateException">Parts of the cluster failed, or did not end.</exception>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        try { await _parts.DisposeAsync(); }
        finally
        {
            if (_door is not null) await _door.DisposeAsync();
            await Server.DisposeAsync();
            await _store.DisposeAsync();
            _opening.Dispose();
        }
    }
}
