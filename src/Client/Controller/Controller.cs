using Hanbae.Api;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client;

/// <summary>A control loop for one kind of object: sees to it, whenever something that concerns an object changes, that it is as it asks to be.</summary>
/// <remarks>
/// Made by <see cref="For{T}(IClusterAccess)"/>. Level-triggered: what it is called with is an object, never an event, and calls may be
/// fewer than changes. Never twice at once for one object. What throws is tried again with growing delay.
/// </remarks>
/// <example><code>
/// var controller = Controller.For&lt;Website&gt;(access).Owns&lt;Deployment&gt;().Reconcile(async (site, ct) =>
/// {
///     await access.Client.ApplyAsync(DeploymentOf(site), "website-operator", ct);
///     return Again.OnChange;
/// });
/// await controller.RunAsync(ct);
/// </code></example>
public sealed class Controller
{
    readonly ReconcileLoop _loop;
    readonly Func<LeaderElector>? _elector;

    internal Controller(string name, ReconcileLoop loop, Func<LeaderElector>? elector) => (Name, _loop, _elector) = (name, loop, elector);

    /// <summary>In logs and metrics.</summary>
    public string Name { get; }

    /// <summary>Begins to describe a controller of all objects of a kind.</summary>
    public static ControllerBuilder<T> For<T>(IClusterAccess access) where T : class, IObject<T> => new(access, access.Cache<T>());

    /// <summary>Begins to describe a controller of some objects of a kind, such as those of one namespace.</summary>
    public static ControllerBuilder<T> For<T>(IClusterAccess access, ListQuery part) where T : class, IObject<T> => new(access, access.Cache<T>(part));

    /// <summary>Works until cancelled; where leaders are elected, whenever it leads. The informers must be running.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        if (_elector is null) { await _loop.RunAsync(ct); return; }
        try
        {
            // Whoever lost the lead stands for it again.
            while (!ct.IsCancellationRequested) await _elector().RunAsync(_loop.RunAsync, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
    }
}

/// <summary>Describes a controller step by step; <c>Reconcile</c> ends the description.</summary>
public sealed class ControllerBuilder<T> where T : class, IObject<T>
{
    readonly IClusterAccess _access;
    readonly ICache<T> _objects;
    readonly List<Action<Triggers>> _triggers = [];
    string _name = T.Info.Kind.ToLowerInvariant();
    ReconcileOptions _options = ReconcileOptions.Default;
    ILogger? _logger;
    Func<CacheEvent<T>, bool>? _when;
    (string Name, Func<T, CancellationToken, Task> CleanUp)? _finalizer;
    Func<LeaderElector>? _elector;

    internal ControllerBuilder(IClusterAccess access, ICache<T> objects) => (_access, _objects) = (access, objects);

    /// <summary>The controller's name in logs and metrics; by default the kind's.</summary>
    public ControllerBuilder<T> Named(string name) => With(() => _name = name);

    /// <summary>Leaves out changes of the objects themselves that are of no concern, such as those of its own status.</summary>
    public ControllerBuilder<T> When(Func<CacheEvent<T>, bool> passes) => With(() => _when = passes);

    /// <summary>Changes of objects that have one of these as their controller concern that one.</summary>
    public ControllerBuilder<T> Owns<TOwned>() where TOwned : class, IObject<TOwned> => Watches<TOwned>(o => OwnerOf(o) is { } key ? [key] : []);

    /// <summary>Changes of other objects concern those that <paramref name="keys"/> names, asked for the old and the new object.</summary>
    public ControllerBuilder<T> Watches<TOther>(Func<TOther, IEnumerable<Key>> keys) where TOther : class, IObject<TOther> => Watches(_access.Cache<TOther>(), keys);

    /// <summary>As the other, from a cache of one's choice: a part, or trees of a resource without a type.</summary>
    public ControllerBuilder<T> Watches<TOther>(ICache<TOther> cache, Func<TOther, IEnumerable<Key>> keys) where TOther : class, IObject => With(() => _triggers.Add(on => on.Map(cache, keys)));

    /// <summary>A cache that is read but whose changes concern no object: work begins only when it is filled.</summary>
    public ControllerBuilder<T> Reads<TOther>() where TOther : class, IObject<TOther>
    {
        var cache = _access.Cache<TOther>();
        return With(() => _triggers.Add(on => on.Needs(cache)));
    }

    /// <summary>Keys from anything else: a timer, a socket. The source gets what to call, and is disposed at the end.</summary>
    public ControllerBuilder<T> From(Func<Action<Key>, IDisposable> source) => With(() => _triggers.Add(on => on.From(source)));

    /// <summary>So many objects are worked on at once, each by one worker; by default 5.</summary>
    public ControllerBuilder<T> WithWorkers(int workers) => With(() => _options = _options with { Workers = workers });

    /// <summary>How long an object waits that failed.</summary>
    public ControllerBuilder<T> WithRetries(RetryOptions retries) => With(() => _options = _options with { Retries = retries });

    /// <summary>Where failures are told.</summary>
    public ControllerBuilder<T> WithLogger(ILogger logger) => With(() => _logger = logger);

    /// <summary>Puts a finalizer on each object before it is worked on, and has <paramref name="cleanUp"/> run before the object may go. It may run more than once.</summary>
    /// <param name="finalizer">With a domain of one's own: <c>shop.example.com/dns</c>.</param>
    public ControllerBuilder<T> WithFinalizer(string finalizer, Func<T, CancellationToken, Task> cleanUp) => With(() => _finalizer = (finalizer, cleanUp));

    /// <summary>Works only while it holds a Lease, so that of several instances one works.</summary>
    /// <param name="identity">Unlike that of every other instance; by default the host's name and something random.</param>
    public ControllerBuilder<T> WithLeaderElection(Key lease, string? identity = null, LeaderElectionOptions? options = null)
    {
        string me = identity ?? $"{Environment.MachineName}_{Guid.NewGuid()}";
        return With(() => _elector = () => new(_access.Client, lease, me, _access.Time, options, _logger));
    }

    /// <summary>What to do for an object. It may be older than the server's by what a watch needs.</summary>
    /// <returns>The controller, to be run.</returns>
    public Controller Reconcile(Func<T, CancellationToken, Task<Again>> reconcile) =>
        ReconcileKey(async (key, ct) => _objects.Find(key) is not { } obj ? Again.OnChange : await OneAsync(obj, reconcile, ct));

    /// <summary>What to do for a key, whether the object is there or is not; without finalizers.</summary>
    /// <returns>The controller, to be run.</returns>
    public Controller ReconcileKey(Func<Key, CancellationToken, Task<Again>> reconcile) =>
        new(_name, new ReconcileLoop(_name, new Described(Watch, reconcile), _access.Time, _options, _logger), _elector);

    async Task<Again> OneAsync(T obj, Func<T, CancellationToken, Task<Again>> reconcile, CancellationToken ct)
    {
        if (_finalizer is not var (name, cleanUp)) return await reconcile(obj, ct);
        if (obj.Metadata.DeletionTimestamp is null) return await reconcile(await _access.Client.AddFinalizerAsync(obj, name, ct), ct);
        if (!obj.HasFinalizer(name)) return Again.OnChange;
        await cleanUp(obj, ct);
        await _access.Client.RemoveFinalizerAsync(obj, name, ct);
        return Again.OnChange;
    }

    void Watch(Triggers on)
    {
        if (_when is { } passes) on.When(_objects, passes);
        else on.Each(_objects);
        foreach (var trigger in _triggers) trigger(on);
    }

    static Key? OwnerOf(IObject obj)
    {
        foreach (var owner in obj.Metadata.OwnerReferences)
            if (owner.Controller == true && owner.Kind == T.Info.Kind && GroupVersion.Parse(owner.ApiVersion)?.Group == T.Info.Gvk.Group)
                return new(Api.Rest.Resources.Of<T>().Namespaced ? obj.Metadata.Namespace : "", owner.Name);
        return null;
    }

    ControllerBuilder<T> With(Action change)
    {
        change();
        return this;
    }

    sealed class Described(Action<Triggers> watch, Func<Key, CancellationToken, Task<Again>> reconcile) : IReconciler
    {
        public void Watch(Triggers on) => watch(on);
        public Task<Again> ReconcileAsync(Key key, CancellationToken ct) => reconcile(key, ct);
    }
}
