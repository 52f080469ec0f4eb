using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.FlowControl;

/// <summary>Makes what people write into FlowSchemas and priority levels be so, says in their status whether it is, and lends seats every ten seconds.</summary>
/// <remarks>One loop over the server's own caches, level-triggered: whatever changed, all objects are read and compiled anew.</remarks>
sealed class FlowController(ApiServer server, FlowControl control)
{
    const string FieldManager = "api-priority-and-fairness-config-consumer-v1";
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    public async Task RunAsync(CancellationToken ct)
    {
        var time = control.Time;
        var (schemas, levels) = (StoredOf<FlowSchema>(), StoredOf<PriorityLevelConfiguration>());
        while (!ct.IsCancellationRequested)
            try
            {
                _ = await schemas.Cache.CurrentAsync(ct).ConfigureAwait(false);
                _ = await levels.Cache.CurrentAsync(ct).ConfigureAwait(false);
                Watcher ofSchemas = Watch(schemas), ofLevels = Watch(levels);
                using var stop = ct.Register(() => { ofSchemas.End(); ofLevels.End(); });
                try
                {
                    await FollowAsync(schemas, ofSchemas, levels, ofLevels, ct).ConfigureAwait(false);
                }
                finally
                {
                    ofSchemas.Leave();
                    ofLevels.Leave();
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (Exception e) when (e is StatusException or StoreException or ApiException)
            {
                await Task.Delay(s_pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
    }

    StoredResource StoredOf<T>() where T : class, IObject<T> => server.Resources.Stored(Resources.Of<T>().Gvr.GroupResource)!;

    static Watcher Watch(StoredResource stored) =>
        stored.Cache.Watch(new(stored.Strategy, "", "", Selector.Everything, FieldSelector.Everything), stored.Cache.Revision, bookmarks: false, initialEventsEnd: false);

    /// <summary>Until a watch ends.</summary>
    async Task FollowAsync(StoredResource schemas, Watcher ofSchemas, StoredResource levels, Watcher ofLevels, CancellationToken ct)
    {
        var events = new List<ItemEvent>();
        var more = new List<ItemEvent>();
        using var ticks = new PeriodicTimer(control.Options.AdjustEvery, control.Time);
        Task<bool> schema = ofSchemas.TakeAsync(ref events).AsTask(), level = ofLevels.TakeAsync(ref more).AsTask(), tick = ticks.WaitForNextTickAsync(ct).AsTask();
        await DigestAsync(schemas, levels, ct).ConfigureAwait(false);
        while (true)
        {
            var happened = await Task.WhenAny(schema, level, tick).ConfigureAwait(false);
            if (!await happened.ConfigureAwait(false)) return;
            if (happened == tick)
            {
                control.Now.Adjust(control.Time.GetTimestamp());
                tick = ticks.WaitForNextTickAsync(ct).AsTask();
                // What became idle meanwhile goes.
                if (!control.Now.Levels.Values.Any(l => l.IsQuiescing)) continue;
            }
            else if (happened == schema) schema = ofSchemas.TakeAsync(ref events).AsTask();
            else level = ofLevels.TakeAsync(ref more).AsTask();
            await DigestAsync(schemas, levels, ct).ConfigureAwait(false);
        }
    }

    async Task DigestAsync(StoredResource schemas, StoredResource levels, CancellationToken ct)
    {
        var ofSchemas = (await schemas.Cache.CurrentAsync(ct).ConfigureAwait(false)).All;
        var ofLevels = (await levels.Cache.CurrentAsync(ct).ConfigureAwait(false)).All;
        List<FlowSchema> found = [];
        foreach (var item in ofSchemas.Between("", "")) found.Add((FlowSchema)item.Object);
        List<PriorityLevelConfiguration> there = [];
        foreach (var item in ofLevels.Between("", "")) there.Add((PriorityLevelConfiguration)item.Object);
        control.Now = FlowConfiguration.Of(found, there, control.Now, control.Options.Seats, control.Time);
        // Said after it is so, since whoever waits for it then relies on it.
        foreach (var schema in found) await TellAsync(schema, control.Now.Levels.TryGetValue(schema.Spec.PriorityLevelConfiguration.Name, out var level) && !level.IsQuiescing, ct).ConfigureAwait(false);
    }

    async Task TellAsync(FlowSchema schema, bool found, CancellationToken ct)
    {
        string level = schema.Spec.PriorityLevelConfiguration.Name, name = schema.Metadata.Name;
        var (status, reason) = found ? ("False", "Found") : ("True", "NotFound");
        string message = $"This FlowSchema references the PriorityLevelConfiguration object named {JsonSerializer.Serialize(level, FlowJson.Default.String)} " + (found ? "and it exists" : "but there is no such object");
        if (schema.Status.Conditions.Find(c => c.Type == "Dangling") is { } there && there.Status == status && there.Reason == reason && there.Message == message) return;
        byte[] patch = JsonSerializer.SerializeToUtf8Bytes(new FlowStatus("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", new(name),
            new([new("Dangling", status, control.Time.GetUtcNow().ToApi(), reason, message)])), FlowJson.Default.FlowStatus);
        var result = await server.Transport.SendAsync(new()
        {
            Method = "PATCH", Path = $"/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/{name}/status", Query = [new("fieldManager", FieldManager), new("force", "true")],
            ContentType = "application/apply-patch+yaml", Body = patch, Identity = Auth.Groups.ApiServer, UserAgent = "kube-apiserver",
        }, ct).ConfigureAwait(false);
        // Deleted meanwhile, or about to be: the next look shows it.
        if (result.Code is >= 300 and not (404 or 409)) throw new ApiException(result.Object as Api.Meta.V1.Status ?? new());
    }
}
