using Hanbae.Api;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client;

/// <summary>A cache that follows its resource while it runs.</summary>
public sealed class Informer<T>(
    IApiTransport transport, ListQuery query, TimeProvider time, WatchOptions? options = null, ILogger? logger = null, Func<T, T>? transform = null)
    where T : class, IObject<T>
{
    readonly SharedCache<T> _cache = new(logger, transform)
    {
        IsWhole = query is { Namespace: "", LabelSelector: "", FieldSelector: "" }, Live = (key, ct) => LiveAsync(new ApiClient(transport, time), key, ct),
    };

    /// <summary>The state, to be read and subscribed to.</summary>
    public ICache<T> Cache => _cache;

    /// <summary>Until cancelled; reconnects by itself.</summary>
    public Task RunAsync(CancellationToken ct)
    {
        var reflector = new Reflector(transport, Resources.Of<T>(), query, time, options, logger);
        // On the pool's threads, whatever context the caller has.
        return Task.Run(() => reflector.RunAsync(e => _cache.Apply(e.Object is { } obj ? e with { Object = Answers.To(obj, T.Info) } : e), ct), CancellationToken.None);
    }

    /// <summary>By a list: whoever follows a resource may list it, but not always get.</summary>
    static async Task<T?> LiveAsync(ApiClient client, Key key, CancellationToken ct) =>
        (await client.ListAsync<T>(new() { Namespace = key.Namespace, FieldSelector = "metadata.name=" + key.Name }, ct)).Items.FirstOrDefault();
}
