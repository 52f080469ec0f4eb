using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Apply;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Admission.Policies;

/// <summary>Writes into policies' status what is wrong with the types in their expressions: upstream's validatingadmissionpolicy-status controller.</summary>
/// <remarks>In the server, where the schemas of all kinds are known. Level-triggered: a policy is looked at until its status says that this generation has been.</remarks>
sealed class PolicyStatus(ResourceCatalog catalog, TimeProvider time)
{
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    static readonly ResourceInfo s_info = Resources.Of<ValidatingAdmissionPolicy>();

    readonly StoredResource _stored = catalog.Stored(s_info.Gvr.GroupResource)!;

    public async Task RunAsync(CancellationToken ct)
    {
        var objects = new ServedObjects();
        objects.Attach(catalog.Stored);
        var types = new PolicyTypes(new(objects));
        while (!ct.IsCancellationRequested)
            try
            {
                _ = await _stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
                var watcher = _stored.Cache.Watch(new(_stored.Strategy, "", "", Selector.Everything, FieldSelector.Everything), null, bookmarks: false, initialEventsEnd: false);
                using var stop = ct.Register(() => watcher.End());
                try
                {
                    foreach (var item in watcher.Initial.ToArray()) await LookAsync(types, item, ct).ConfigureAwait(false);
                    var events = new List<ItemEvent>();
                    while (await watcher.TakeAsync(ref events).ConfigureAwait(false))
                        foreach (var e in events.ToArray())
                            if (e.Item is { } item && e.Type != EventType.Deleted) await LookAsync(types, item, ct).ConfigureAwait(false);
                }
                finally { watcher.Leave(); }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
            catch (Exception e) when (e is StatusException or StoreException) { await Task.Delay(s_pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    async ValueTask LookAsync(PolicyTypes types, Item item, CancellationToken ct)
    {
        var policy = (ValidatingAdmissionPolicy)item.Object;
        if (policy.Status.ObservedGeneration >= policy.Metadata.Generation && policy.Status.TypeChecking is not null) return;
        var warnings = await types.CheckAsync(policy.Spec, ct).ConfigureAwait(false);
        var write = new WriteRequest
        {
            Resource = s_info, Namespace = "", Name = policy.Metadata.Name, Subresource = "status", Verb = "update", Admitted = true, User = Auth.Groups.ApiServer, Warnings = [],
            Fields = new FieldTracking("validatingadmissionpolicy-status", s_info.Kind, "status"),
        };
        try
        {
            await _stored.UpdateAsync(write, old => old is ValidatingAdmissionPolicy now && now.Metadata.Generation == policy.Metadata.Generation
                ? now with { Status = now.Status with { ObservedGeneration = now.Metadata.Generation, TypeChecking = new() { ExpressionWarnings = warnings } } } : old!, unconditional: true, ct).ConfigureAwait(false);
        }
        // Deleted, or changed: then there is an event to come.
        catch (StatusException e) when (e.Reason is "NotFound" or "Conflict") { }
    }
}
