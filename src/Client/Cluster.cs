using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>A program's connection to a cluster, any Kubernetes: a client, shared informers, and what controllers need.</summary>
/// <example><code>
/// using var cluster = Cluster.Connect();
/// await foreach (var e in cluster.Client.WatchAsync&lt;Pod>()) Console.WriteLine($"{e.Type} {e.Object.Metadata.Name}");
/// </code></example>
public sealed class Cluster : IDisposable
{
    readonly HttpTransport _http;
    readonly IApiTransport _transport;
    readonly TimeProvider _time;
    readonly ILoggerFactory _loggers;

    Cluster(ClusterConfig config, ConnectOptions options)
    {
        (Config, _time, _loggers) = (config, options.Time, options.Loggers);
        _http = new(config, _time, options.Http);
        _transport = options.Qps > 0 ? new ThrottledTransport(_http, options.Qps, options.Burst, _time) : _http;
        Client = new ApiClient(_transport, _time);
        Informers = new(_transport, _time, options.Watch, _loggers.CreateLogger("hanbae.informers"));
    }

    /// <summary>Where the cluster is and how this program gets in.</summary>
    public ClusterConfig Config { get; }
    /// <summary>Calls; also the way to watchers.</summary>
    public IClient Client { get; }
    /// <summary>Caches that everything in the program shares; they are filled while <see cref="RunAsync(CancellationToken)"/> runs.</summary>
    public InformerFactory Informers { get; }

    /// <summary>Connects when the first request goes out.</summary>
    /// <param name="config">Null for the kubeconfig's current context, or the cluster that this is a Pod of: <see cref="ClusterConfig.Default"/>.</param>
    /// <exception cref="FormatException">No cluster is known.</exception>
    public static Cluster Connect(ClusterConfig? config = null, ConnectOptions? options = null) => new(config ?? ClusterConfig.Default(), options ?? new());

    /// <summary>What a component needs: the client, the shared caches, Events in its name.</summary>
    /// <param name="component">Names it in Events, such as <c>website-operator</c>.</param>
    public ClusterAccess Access(string component) => new(_transport, Informers, component, _time, Environment.MachineName, _loggers.CreateLogger(component));

    /// <summary>Runs the informers, those of the caches there are and those to come, until cancelled.</summary>
    public Task RunAsync(CancellationToken ct) => Informers.RunAsync(ct);

    /// <summary>Runs the informers, a component's Events and its controllers, until cancelled or until one of them fails.</summary>
    public async Task RunAsync(ClusterAccess access, IEnumerable<Controller> controllers, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        List<Task> parts = [RunAsync(stop.Token), access.RunAsync(stop.Token), .. controllers.Select(c => c.RunAsync(stop.Token))];
        try { await await Task.WhenAny(parts); }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();
}

/// <summary>How a program talks to its cluster.</summary>
public sealed record ConnectOptions
{
    /// <summary>Protobuf or JSON, and the program's name.</summary>
    public HttpTransportOptions Http { get; init; } = HttpTransportOptions.Default;
    /// <summary>How informers follow.</summary>
    public WatchOptions Watch { get; init; } = WatchOptions.Default;
    /// <summary>Requests a second after <see cref="Burst"/> of them; 0 for no limit of the client's own. kubectl's numbers.</summary>
    public double Qps { get; init; } = 50;
    /// <summary>Requests that may go out at once after a quiet while.</summary>
    public int Burst { get; init; } = 300;
    /// <summary>The clock of retries, leases and pauses.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Where informers and controllers tell what goes wrong.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;
}
