using Hanbae.Api.Rest;
using Hanbae.Server.Filters;
using Hanbae.Server.Health;
using Hanbae.Server.InProcess;
using Hanbae.Server.Registry;
using Hanbae.Server.Subresources;
using Hanbae.Store;

namespace Hanbae.Server;

/// <summary>An API server over a store: the chain that both transports call. Disposing of it ends its watches; the store is the caller's.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly Task _bookmarks;

    public ApiServer(IStore store, ServerOptions options)
    {
        Options = options;
        var builtIn = new BuiltInHandlers(this);
        Resources = new(store, options, [.. options.Rest, .. builtIn.Routes()]);
        foreach (var stored in Resources.AllStored) (stored.Strategy as IAttached)?.Attach(Resources.Stored);
        Metrics = new(options.Time);
        var health = new HealthEndpoints(store, Resources, _stop.Token);
        var router = new Router(Resources, options, [.. health.Paths(), .. VersionEndpoint.Paths(), .. Metrics.Paths()]);
        // The order is upstream's; each sees what those before it made of the request. Audit goes behind authentication and
        // flow control behind impersonation, when they come.
        Handler = Chain.Of(
        [
            Metrics,
            new Panic(),
            new Deadline(options.RequestTimeout, options.Time),
            new Authenticate(options.Authenticators, options.Anonymous),
            new Impersonate(options.Authorizers),
            new Authorize(options.Authorizers),
        ], router.RouteAsync);
        Transport = new InProcessTransport(this);
        _bookmarks = BookmarksAsync(_stop.Token);
    }

    public ServerOptions Options { get; }
    public ResourceCatalog Resources { get; }
    /// <summary>The whole chain.</summary>
    public Handler Handler { get; }
    /// <summary>For callers in this process (decision 6).</summary>
    public IApiTransport Transport { get; }
    public Metrics Metrics { get; }
    /// <summary>Set when the server stops: watches end, readiness is withdrawn.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Ends watches and withdraws readiness; requests on their way finish.</summary>
    public Task StopAsync() => _stop.IsCancellationRequested ? Task.CompletedTask : _stop.CancelAsync();

    async Task BookmarksAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(Options.BookmarkEvery, Options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false))
                foreach (var stored in Resources.AllStored)
                    try { await stored.Cache.BookmarkAsync(ct).ConfigureAwait(false); }
                    catch (StoreException) { } // the next tick may find the store again
        }
        catch (OperationCanceledException) { }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _bookmarks.ConfigureAwait(false);
        await Resources.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }
}
