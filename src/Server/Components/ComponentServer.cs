using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Components;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;
using Hanbae.Server.Filters;
using Hanbae.Server.Front;
using Hanbae.Server.Health;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Components;

/// <summary>What a scheduler or a controller manager that runs by itself shows of itself.</summary>
public sealed record ComponentOptions
{
    public required HttpFrontOptions Front { get; init; }
    /// <summary>Upstream's, such as <c>kube-scheduler</c>.</summary>
    public string Name { get; init; } = "";
    /// <summary>What <c>/flagz</c> shows: what it was started with, by name.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();
    /// <summary>In the order they are asked; whom none knows is anonymous, whose credentials are no good is refused.</summary>
    public ImmutableArray<IAuthenticator> Authenticators { get; init; } = [];
    /// <summary>Asked about every path but <see cref="OpenPaths"/>.</summary>
    public ImmutableArray<IAuthorizer> Authorizers { get; init; } = [];
    /// <summary>For everybody; a star at the end stands for all that begins so.</summary>
    public Seq<string> OpenPaths { get; init; } = ["/healthz", "/readyz", "/livez"];
    /// <summary>Besides <c>ping</c>.</summary>
    public ImmutableArray<HealthCheck> Checks { get; init; } = [];
    /// <summary>What <c>/configz</c> answers: what the component goes by, under the name of its configuration.</summary>
    public required JsonObject Configuration { get; init; }
    /// <summary>Figures of the component's own; those of the process and the build are there anyway.</summary>
    public Action<PrometheusText>? Metrics { get; init; }
    public ILogger Logger { get; init; } = NullLogger.Instance;
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>Health, figures and configuration of a component over HTTPS: by the API server's own chain, with nothing but paths behind it.</summary>
public sealed class ComponentServer : IAsyncDisposable
{
    readonly HttpFront _front;

    ComponentServer(HttpFront front) => _front = front;

    /// <summary>What is listened on, with the port that was taken.</summary>
    public Uri Address => _front.Addresses[0];

    /// <exception cref="IOException">The port is somebody else's.</exception>
    public static async Task<ComponentServer> StartAsync(ComponentOptions options, CancellationToken ct)
    {
        var behind = new ServerOptions { Time = options.Time, Logger = options.Logger };
        Dictionary<string, Handler> paths = [];
        var pages = new ComponentPages(options.Name, VersionEndpoint.GitVersion, () => paths.Keys, options.Flags);
        foreach (var path in Paths(options).Concat(ComponentRoutes.Of(pages))) paths.Add(path.Path, path.Handler);
        var handler = Chain.Of(
        [
            new Panic(options.Logger),
            new Deadline(behind.RequestTimeout, options.Time),
            new Authenticate(options.Authenticators, static _ => true),
            new AuthorizePath(options),
        ], request => paths.TryGetValue(request.Path, out var found) ? found(request) : new(Reply.Text("404 page not found\n", 404)));
        return new(await HttpFront.StartAsync(handler, behind, CancellationToken.None, static () => Task.CompletedTask, options.Front, ct).ConfigureAwait(false));
    }

    static IEnumerable<PathRoute> Paths(ComponentOptions options)
    {
        foreach (var path in new HealthEndpoints(options.Checks).Paths()) yield return path;
        yield return new("/metrics", false, request => new(Reply.Bytes(PrometheusText.ContentType, Render(options).ToUtf8())));
        byte[] configuration = options.Configuration.ToUtf8();
        yield return new("/configz", false, request => new(Reply.Bytes("application/json", configuration)));
    }

    static PrometheusText Render(ComponentOptions options)
    {
        var text = new PrometheusText();
        MetricsText.OfBuild(text);
        MetricsText.OfProcess(text);
        options.Metrics?.Invoke(text);
        return text;
    }

    public ValueTask DisposeAsync() => _front.DisposeAsync();

    /// <summary>All is a path here, whatever it looks like: there are no resources.</summary>
    sealed class AuthorizePath(ComponentOptions options) : IFilter
    {
        public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
        {
            if (options.OpenPaths.Any(open => IsOf(request.Path, open))) return await next(request).ConfigureAwait(false);
            var attributes = new Attributes { User = request.User, Verb = request.Method.ToLowerInvariant(), IsResourceRequest = false, Path = request.Path };
            var decision = await Authorize.DecideAsync(options.Authorizers, attributes, request.Aborted).ConfigureAwait(false);
            if (decision.Verdict != Verdict.Allow) throw Authorize.Refused(attributes, decision);
            return request.Method is "GET" or "HEAD" ? await next(request).ConfigureAwait(false) : throw Statuses.MethodNotAllowed();
        }

        static bool IsOf(string path, string open) => open.EndsWith('*') ? path.StartsWith(open[..^1], StringComparison.Ordinal) : path == open;
    }
}
