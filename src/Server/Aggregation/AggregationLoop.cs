using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Cache;
using Hanbae.Server.Discovery;
using Hanbae.Server.Errors;
using Hanbae.Server.OpenApi;
using Hanbae.Server.Registry;
using Hanbae.Store;
using Microsoft.Extensions.Logging;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Aggregation;

/// <summary>Keeps the aggregator's table true: one pass after every change of what it rests on, and now and then without any.</summary>
/// <remarks>Level-triggered: a pass looks at everything, so a change that comes during one only means another.</remarks>
sealed partial class AggregationLoop(ApiServer server, AggregationOptions options, Aggregator aggregator)
{
    /// <summary>Passes are at least so far apart, whatever changes.</summary>
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    /// <summary>How often documents are asked for again, as upstream.</summary>
    static readonly TimeSpan s_documentsEvery = TimeSpan.FromMinutes(1);

    readonly TimeProvider _time = server.Options.Time;
    readonly ILogger _log = server.Options.Logger;
    readonly ServiceBackends _backends = new(server.Resources.Stored, options.Resolve);
    // One pending change is as good as many.
    readonly Channel<bool> _changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    readonly Dictionary<string, (Remote Remote, long DocumentsAt)> _remotes = [];

    public Task RegisterAsync(CancellationToken ct) => new Ensure(server.Transport, server.Options.Time).AllAsync(BuiltInServices.AtStart(server.Options.Groups), Renewed, ct);

    public async Task RunAsync(CancellationToken ct)
    {
        var availability = new Availability(_backends, options, _time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var watches = new List<Task>();
        try
        {
            Watch("apiregistration.k8s.io", "apiservices");
            Watch("apiextensions.k8s.io", "customresourcedefinitions");
            while (true)
            {
                try { await PassAsync(availability, ct).ConfigureAwait(false); }
                // The store will be back; what is served by others goes on being served.
                catch (Exception e) when (e is StatusException or StoreException && !ct.IsCancellationRequested) { _changed.Writer.TryWrite(true); }
                if (_remotes.Count > 0 && watches.Count == 2)
                {
                    Watch("", "services");
                    Watch("discovery.k8s.io", "endpointslices");
                }
                await Task.Delay(s_pause, _time, ct).ConfigureAwait(false);
                using var due = new CancellationTokenSource(options.CheckEvery, _time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, due.Token);
                try { await _changed.Reader.ReadAsync(either.Token).ConfigureAwait(false); }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested) { } // due without a change
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(watches).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            aggregator.Now = Aggregator.Table.Empty;
            foreach (var (remote, _) in _remotes.Values) remote.Dispose();
            _remotes.Clear();
        }

        void Watch(string group, string resource)
        {
            if (server.Resources.Stored(new(group, resource)) is { } stored) watches.Add(FollowAsync(stored, over.Token));
        }
    }

    /// <summary>What is registered at start is put right at start: priorities may have changed with the version.</summary>
    /// <remarks>A group that an administrator gave to another server (a metrics server of one's own) stays with it.</remarks>
    static APIService Renewed(APIService there, APIService wanted) =>
        there.Spec.Service is not null && Api.Schema.ApiData.Groups.All(g => g.Name != wanted.Spec.Group) ? there :
        there.Spec == wanted.Spec && there.Metadata.Labels[BuiltInServices.Automanaged] == BuiltInServices.OnStart ? there
        : there with { Spec = wanted.Spec, Metadata = there.Metadata with { Labels = there.Metadata.Labels.With(wanted.Metadata.Labels) } };

    /// <summary>Says that something changed whenever a resource does.</summary>
    async Task FollowAsync(StoredResource stored, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await stored.Cache.AnyAsync(ct).ConfigureAwait(false);
            var watcher = stored.Cache.Watch(new(stored.Strategy, "", "", Selector.Everything, FieldSelector.Everything), after: null, bookmarks: false, initialEventsEnd: false);
            watcher.Initial = [];
            using var left = ct.Register(() => watcher.End());
            try
            {
                var events = new List<ItemEvent>();
                do _changed.Writer.TryWrite(true);
                while (await watcher.TakeAsync(ref events).ConfigureAwait(false));
            }
            finally { watcher.Leave(); }
            // The cache was read anew, or the server stops.
            await Task.Delay(s_pause, _time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task PassAsync(Availability availability, CancellationToken ct)
    {
        var services = await ListAsync<APIService>("apiregistration.k8s.io", "apiservices", ct).ConfigureAwait(false);
        services = await RegisterDefinitionsAsync(services, ct).ConfigureAwait(false);
        Retire(services);
        var statuses = await Task.WhenAll(services.Select(s => CheckAsync(s, availability, ct))).ConfigureAwait(false);
        // Whoever reads that it is available may use it at once.
        Publish();
        await Task.WhenAll(services.Zip(statuses).Where(s => s.Second is { } status && status != s.First.Status)
            .Select(s => WriteAsync("PUT", s.First.Metadata.Name, "status", s.First with { Status = s.Second! }, ct))).ConfigureAwait(false);
    }

    async Task<List<T>> ListAsync<T>(string group, string resource, CancellationToken ct) where T : class, IObject<T>
    {
        var found = new List<T>();
        if (server.Resources.Stored(new(group, resource)) is { } stored)
            foreach (var item in (await stored.Cache.CurrentAsync(ct).ConfigureAwait(false)).All.Between("", ""))
                if (item.Object is T obj) found.Add(obj);
        return found;
    }

    /// <summary>APIServices of CustomResourceDefinitions: made, put right, and taken away with them.</summary>
    async Task<List<APIService>> RegisterDefinitionsAsync(List<APIService> services, CancellationToken ct)
    {
        var definitions = await ListAsync<CustomResourceDefinition>("apiextensions.k8s.io", "customresourcedefinitions", ct).ConfigureAwait(false);
        var wanted = BuiltInServices.Of(definitions).ToDictionary(s => s.Metadata.Name);
        bool changed = false;
        foreach (var there in services)
        {
            bool ours = there.Metadata.Labels[BuiltInServices.Automanaged] == BuiltInServices.Always;
            if (wanted.Remove(there.Metadata.Name, out var right))
            {
                if (!ours || there.Spec == right.Spec) continue;
                changed |= await WriteAsync("PUT", there.Metadata.Name, "", there with { Spec = right.Spec }, ct).ConfigureAwait(false);
            }
            else if (ours) changed |= await WriteAsync("DELETE", there.Metadata.Name, "", null, ct).ConfigureAwait(false);
        }
        foreach (var missing in wanted.Values) changed |= await WriteAsync("POST", "", "", missing, ct).ConfigureAwait(false);
        return changed ? await ListAsync<APIService>("apiregistration.k8s.io", "apiservices", ct).ConfigureAwait(false) : services;
    }

    /// <summary>In the server's own name; what lost against another write is done again by the next pass.</summary>
    async Task<bool> WriteAsync(string method, string name, string subresource, APIService? body, CancellationToken ct)
    {
        var result = await server.Transport.SendAsync(new()
        {
            Method = method, Path = Resources.Of<APIService>().Path("", name, subresource), Object = body, Identity = Groups.ApiServer, UserAgent = "hanbae-aggregator",
        }, ct).ConfigureAwait(false);
        if (result.Code is < 300 or 404 or 409) return true;
        Log.NotWritten(_log, method, name, (result.Object as Api.Meta.V1.Status)?.Message ?? "");
        return false;
    }

    /// <summary>Drops the connections of what is no longer there or is described otherwise.</summary>
    void Retire(List<APIService> services)
    {
        var specs = services.Where(IsRemote).ToDictionary(s => s.Metadata.Name, s => s.Spec);
        foreach (var (name, (remote, _)) in _remotes.ToArray())
            if (!specs.TryGetValue(name, out var spec) || !remote.TryTake(spec))
            {
                _remotes.Remove(name);
                Publish();
                remote.Dispose();
            }
        foreach (var (name, spec) in specs)
            if (!_remotes.ContainsKey(name)) _remotes[name] = (new(spec, _backends, options), 0);
    }

    /// <summary>One whose name is not made of its version and group is nobody's.</summary>
    static bool IsRemote(APIService service) =>
        service.Spec.Service is not null && service.Metadata.DeletionTimestamp is null && service.Metadata.Name == service.Spec.Version + "." + service.Spec.Group;

    /// <returns>What is to be said of it; null for nothing.</returns>
    async Task<APIServiceStatus?> CheckAsync(APIService service, Availability availability, CancellationToken ct)
    {
        var condition = Availability.Local;
        if (service.Spec.Service is not null)
        {
            if (!_remotes.TryGetValue(service.Metadata.Name, out var kept)) return null;
            var remote = kept.Remote;
            condition = await availability.CheckAsync(remote, ct).ConfigureAwait(false);
            bool available = condition.Status == "True";
            if (available != remote.IsAvailable) Log.Changed(_log, available ? LogLevel.Information : LogLevel.Warning, service.Metadata.Name, condition.Reason, condition.Message);
            remote.IsAvailable = available;
            if (available) await DocumentsAsync(service.Metadata.Name, remote, kept.DocumentsAt, availability, ct).ConfigureAwait(false);
        }
        return Availability.With(service.Status, condition, _time.GetUtcNow());
    }

    async Task DocumentsAsync(string name, Remote remote, long at, Availability availability, CancellationToken ct)
    {
        if (at != 0 && _time.GetElapsedTime(at) < s_documentsEvery) return;
        try { await remote.Documents.RefreshAsync(availability, remote, ct).ConfigureAwait(false); }
        catch (Exception e) when (Availability.IsFailure(e) && !ct.IsCancellationRequested) { Log.Undescribed(_log, e, name); }
        lock (_remotes) _remotes[name] = (remote, Math.Max(1, _time.GetTimestamp()));
    }

    /// <summary>Makes the new table, with the old arrays where they say the same.</summary>
    void Publish()
    {
        var remotes = _remotes.Values.Select(r => r.Remote).ToArray();
        ImmutableArray<ServedGroup> groups =
        [
            .. remotes.GroupBy(r => r.Version.Group)
                .OrderByDescending(g => g.Max(r => r.Spec.GroupPriorityMinimum)).ThenBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new ServedGroup(g.Key, [.. g.OrderByDescending(r => r.Spec.VersionPriority).ThenBy(r => r.Version.Version, VersionOrder.Instance)
                    .Select(r => new ServedVersion(r.Version.Version, r.Resources, Stale: !r.IsAvailable, r.Spec.VersionPriority))], g.Max(r => r.Spec.GroupPriorityMinimum))),
        ];
        ImmutableArray<OpenApiPart> parts = [.. remotes.Select(r => r.Documents.Part).OfType<OpenApiPart>().OrderBy(p => p.Version.ToString(), StringComparer.Ordinal)];
        var now = aggregator.Now;
        aggregator.Now = new(
            remotes.ToFrozenDictionary(r => r.Version),
            Same(now.Groups, groups) ? now.Groups : groups,
            now.Parts.SequenceEqual(parts) ? now.Parts : parts);
    }

    static bool Same(ImmutableArray<ServedGroup> a, ImmutableArray<ServedGroup> b) =>
        a.Length == b.Length && a.Zip(b).All(p => p.First.Name == p.Second.Name && p.First.Priority == p.Second.Priority && p.First.Versions.SequenceEqual(p.Second.Versions));

    static partial class Log
    {
        [LoggerMessage(2030, LogLevel.Warning, "{Method} of APIService {Name} failed: {Why}")]
        public static partial void NotWritten(ILogger logger, string method, string name, string why);

        [LoggerMessage(EventId = 2031, Message = "APIService {Name}: {Reason}, {Message}")]
        public static partial void Changed(ILogger logger, LogLevel level, string name, string reason, string message);

        [LoggerMessage(2032, LogLevel.Warning, "APIService {Name} does not describe its types")]
        public static partial void Undescribed(ILogger logger, Exception e, string name);
    }
}
