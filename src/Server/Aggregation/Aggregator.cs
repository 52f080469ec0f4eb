using System.Collections.Frozen;
using System.Collections.Immutable;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Aggregation;

/// <summary>Serves what other API servers serve as if it were one: routes by APIService, and adds their groups to discovery and OpenAPI.</summary>
/// <remarks>
/// Bound: what there are APIServices for, a thing that only administrators write. A request that is no other server's costs one look at a
/// table that is mostly empty. <see cref="RunAsync"/> keeps the table; without it everything is local.
/// </remarks>
public sealed class Aggregator : IFilter
{
    readonly ServiceProxy _proxy;
    readonly AggregationLoop _loop;
    volatile Table _table = Table.Empty;

    /// <summary>What is true at a moment; replaced as a whole.</summary>
    internal sealed record Table(FrozenDictionary<Api.GroupVersion, Remote> Remotes, ImmutableArray<ServedGroup> Groups, ImmutableArray<OpenApiPart> Parts)
    {
        public static Table Empty { get; } = new(FrozenDictionary<Api.GroupVersion, Remote>.Empty, [], []);
    }

    internal Aggregator(ApiServer server, AggregationOptions options)
    {
        _proxy = new(server.Options.Logger);
        _loop = new(server, options, this);
    }

    /// <summary>Groups of other servers, for discovery; the same array until they change.</summary>
    public ImmutableArray<ServedGroup> Groups => _table.Groups;
    /// <summary>Descriptions by other servers, for OpenAPI; the same array until they change.</summary>
    public ImmutableArray<OpenApiPart> Parts => _table.Parts;
    /// <summary>The APIServices of what this server serves itself have been made.</summary>
    public bool IsRegistered { get; private set; }

    internal Table Now { get => _table; set => _table = value; }

    /// <summary>Makes the APIServices of what this server serves itself, unless that has been done.</summary>
    public async Task RegisterAsync(CancellationToken ct)
    {
        if (IsRegistered) return;
        await _loop.RegisterAsync(ct).ConfigureAwait(false);
        IsRegistered = true;
    }

    /// <summary>Registers what is served here, follows the APIServices, and looks at the servers behind them; until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await RegisterAsync(ct).ConfigureAwait(false);
        await _loop.RunAsync(ct).ConfigureAwait(false);
    }

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        var remotes = _table.Remotes;
        return remotes.Count > 0 && VersionOf(request) is { } version && remotes.TryGetValue(version, out var remote) ? _proxy.AnswerAsync(request, remote) : next(request);
    }

    /// <summary>The group and version in the path, if it goes that far.</summary>
    static Api.GroupVersion? VersionOf(RequestContext request)
    {
        var path = request.Path.AsSpan();
        if (!path.StartsWith("/apis/", StringComparison.Ordinal)) return null;
        path = path[6..];
        int slash = path.IndexOf('/');
        if (slash <= 0) return null;
        var rest = path[(slash + 1)..];
        int end = rest.IndexOf('/');
        if (end >= 0) rest = rest[..end];
        return rest.IsEmpty ? null : new(path[..slash].ToString(), rest.ToString());
    }
}
