using Hanbae.Api;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client;

/// <summary>A component's access to its cluster: requests and events in its own name, caches shared with the rest of the process.</summary>
/// <param name="transport">Carries the component's identity: an <see cref="IdentityTransport"/>, or one with the component's credentials.</param>
/// <param name="informers">Run by whoever made them.</param>
/// <param name="component">Names the component in Events, such as <c>replicaset-controller</c>.</param>
/// <param name="host">The node the component runs on, for Events; may be empty.</param>
public sealed class ClusterAccess(
    IApiTransport transport, InformerFactory informers, string component, TimeProvider time, string host = "", ILogger? logger = null) : IClusterAccess
{
    readonly EventRecorder _recorder = new(new ApiClient(transport, time), component, host, time, logger);

    /// <inheritdoc/>
    public IClient Client { get; } = new ApiClient(transport, time);
    /// <inheritdoc/>
    public ICache<T> Cache<T>() where T : class, IObject<T> => informers.Cache<T>();
    /// <inheritdoc/>
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => informers.Cache<T>(part);
    /// <inheritdoc/>
    public IRecorder Recorder => _recorder;
    /// <inheritdoc/>
    public TimeProvider Time => time;

    /// <summary>Sends the component's Events, until cancelled.</summary>
    public Task RunAsync(CancellationToken ct) => _recorder.RunAsync(ct);
}
