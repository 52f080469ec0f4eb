using System.Collections.Immutable;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Components;
using Hanbae.Server.Aggregation;
using Hanbae.Server.Audit;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd;
using Hanbae.Server.Discovery;
using Hanbae.Server.Filters;
using Hanbae.Server.FlowControl;
using Hanbae.Server.Health;
using Hanbae.Server.InProcess;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Registry;
using Hanbae.Server.Subresources;
using Hanbae.Store;

namespace Hanbae.Server;

/// <summary>An API server over a store: the chain that both transports call. Disposing of it ends its watches; the store is the caller's.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly Task _bookmarks, _definitions, _policies, _compaction, _expiry, _flowing;
    readonly FlowControl.FlowControl? _flow;
    readonly Audit.Audit? _audit;
    readonly Joined<ServedGroup> _groups;
    readonly Joined<OpenApiPart> _openApi;

    public ApiServer(IStore store, ServerOptions options)
    {
        Options = options;
        // Taken once: requests may still ask for it when the server is disposed of.
        Stopping = _stop.Token;
        var builtIn = new BuiltInHandlers(this, store);
        Resources = new(store, options, [.. options.Rest, .. builtIn.Routes()]);
        foreach (var stored in Resources.AllStored) (stored.Strategy as IAttached)?.Attach(Resources.Stored);
        // Made before the metrics, which print them.
        if (options.Audit is { } written) _audit = new(written, Resources, options.Time, options.Logger);
        if (options.FlowControl is { IsFair: true } limits) _flow = new(limits, Resources, options.Time);
        Metrics = new(options, Resources, _flow, _audit);
        if (options.Aggregation is { } aggregation) Aggregator = new(this, aggregation);
        var groups = options.Groups;
        var beyond = new Joined<ServedGroup>(() => groups, () => Aggregator?.Groups ?? []);
        _groups = new(() => Resources.CustomGroups, () => beyond.All);
        _openApi = new(() => Resources.CustomOpenApi, () => Aggregator?.Parts ?? []);
        var custom = new CustomResources(Resources, options.Time);
        var health = new HealthEndpoints(store, Resources, Aggregator, [.. StartHook.Of(Aggregator, _flow is not null), .. options.StartHooks], custom.Ready, _stop.Token);
        PathRoute[] paths = [];
        var pages = new ComponentPages("apiserver", VersionEndpoint.GitVersion, () => paths.Concat(options.Paths).Select(p => p.Path), options.Flags);
        paths = [.. health.Paths(), .. VersionEndpoint.Paths(), .. Metrics.Paths(), .. ComponentRoutes.Of(pages)];
        var index = new PathIndex(Resources, [.. options.Paths, .. paths], () => MoreGroups);
        Routes = [.. options.Paths, .. paths, .. index.Paths(), .. _flow is null ? [] : new FlowDumps(_flow).Paths()];
        var router = new Router(Resources, custom.Ready, options, Routes);
        // The order is upstream's; each sees what those before it made of the request.
        Handler = Chain.Of(
        [
            Metrics,
            new Panic(options.Logger),
            new Deadline(options.RequestTimeout, options.Time),
            new AuditIds(),
            .. (IFilter[])(_audit is null ? [] : [new AuditTurnedAway(_audit)]),
            new Authenticate(options.Authenticators, options.Anonymous ? options.AnonymousAt ?? (static _ => true) : static _ => false, Metrics.Access),
            .. (IFilter[])(_audit is null ? [] : [_audit]),
            new Impersonate(options.Authorizers),
            // Before authorization, which costs something too.
            .. (IFilter[])(_flow is not null ? [_flow] : options.FlowControl is { } numbers ? [new MaxInFlight(numbers)] : []),
            new Authorize(options.Authorizers, Metrics.Access),
            // Last: what another server serves is authenticated and authorized here first.
            .. (IFilter[])(Aggregator is { } filter ? [filter] : []),
        ], router.RouteAsync);
        Transport = new InProcessTransport(this);
        _bookmarks = BookmarksAsync(_stop.Token);
        _flowing = _flow is null ? Task.CompletedTask : Task.Run(() => new FlowController(this, _flow).RunAsync(_stop.Token));
        _definitions = Task.Run(() => custom.RunAsync(_stop.Token));
        _policies = Task.Run(() => new Admission.Policies.PolicyStatus(Resources, options.Time).RunAsync(_stop.Token));
        _compaction = new Compaction(store, () => Resources.AllStored, options.CompactEvery, options.Time, options.Logger).RunAsync(_stop.Token);
        _expiry = new Expiry(Resources.Stored(new("", "events"))!, options.EventTtl, options.Time, options.Logger).RunAsync(_stop.Token);
    }

    public ServerOptions Options { get; }
    public ResourceCatalog Resources { get; }
    /// <summary>All that is answered and is no resource of the catalog; the first of a path has it.</summary>
    internal ImmutableArray<PathRoute> Routes { get; }
    /// <summary>The whole chain.</summary>
    public Handler Handler { get; }
    /// <summary>For callers in this process (decision 6).</summary>
    public IApiTransport Transport { get; }
    public Metrics Metrics { get; }
    /// <summary>Null unless <see cref="ServerOptions.Aggregation"/> is there; somebody must run it.</summary>
    public Aggregator? Aggregator { get; }
    /// <summary>Groups besides the built-in ones, of custom resources and of other servers, as clients discover them; the same array until they change.</summary>
    public ImmutableArray<ServedGroup> MoreGroups => _groups.All;
    /// <summary>How these are described; the same array until they change.</summary>
    public ImmutableArray<OpenApiPart> MoreOpenApi => _openApi.All;
    /// <summary>Set when the server stops: watches end, readiness is withdrawn.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Ends watches and withdraws readiness; requests on their way finish.</summary>
    public Task StopAsync() => _stop.IsCancellationRequested ? Task.CompletedTask : _stop.CancelAsync();

    async Task BookmarksAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Options.BookmarkEvery * (1 - Random.Shared.NextDouble() / 4), Options.Time, ct).ConfigureAwait(false);
                foreach (var stored in Resources.AllStored)
                    try { await stored.Cache.BookmarkAsync(ct).ConfigureAwait(false); }
                    catch (StoreException) { } // the next tick may find the store again
            }
        }
        catch (OperationCanceledException) { }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _bookmarks.ConfigureAwait(false);
        await _flowing.ConfigureAwait(false);
        await _definitions.ConfigureAwait(false);
        await _policies.ConfigureAwait(false);
        await _compaction.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _expiry.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Resources.DisposeAsync().ConfigureAwait(false);
        // Last: what ended while stopping is written, too.
        if (_audit is not null) await _audit.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
