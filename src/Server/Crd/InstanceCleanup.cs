using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Crd.Definition;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Store;

namespace Hanbae.Server.Crd;

/// <summary>Deletes all objects of a definition that is being deleted, waits until they are gone, and lets the definition go.</summary>
sealed class InstanceCleanup(StoredResource definitions, ResourceCatalog catalog, TimeProvider time)
{
    static readonly ResourceInfo s_info = Resources.Of<CustomResourceDefinition>();
    static readonly Identity s_self = new("system:apiserver", ["system:masters"]);
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    public async Task RunAsync(CustomResourceDefinition crd, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
            try
            {
                await SayAsync(crd, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress", false, ct).ConfigureAwait(false);
                if (catalog.Stored(new(crd.Spec.Group, crd.Spec.Names.Plural)) is { } stored && DefinitionStatus.IsTrue(crd, "Established"))
                {
                    // What is built in was served in its place, and stays: such a definition never had an object.
                    if (stored.Kind is CustomKind) await EmptyAsync(crd, stored, ct).ConfigureAwait(false);
                    await SayAsync(crd, "False", "InstanceDeletionCompleted", "removed all instances", true, ct).ConfigureAwait(false);
                }
                else await SayAsync(crd, "False", "NeverEstablished", "resource was never established", true, ct).ConfigureAwait(false);
                return;
            }
            catch (StatusException e) when (e.Code == 404) { return; }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { return; }
            catch (Exception e) when (e is StatusException or StoreException)
            {
                await TrySayAsync(crd, "InstanceDeletionFailed", $"could not issue all deletes: {e.Message}", ct).ConfigureAwait(false);
                await Task.Delay(s_pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
    }

    /// <summary>Deletes and waits: objects with finalizers go when somebody has dealt with them.</summary>
    static async Task EmptyAsync(CustomResourceDefinition crd, StoredResource stored, CancellationToken ct)
    {
        _ = await stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        var watcher = stored.Cache.Watch(new(stored.Strategy, "", "", Selector.Everything, FieldSelector.Everything), null, bookmarks: false, initialEventsEnd: false);
        using var stop = ct.Register(() => watcher.End());
        try
        {
            var left = watcher.Initial.ToDictionary(i => i.Key);
            foreach (var item in left.Values.ToArray())
                try
                {
                    var write = new WriteRequest
                    {
                        Resource = new() { Gvr = new(crd.Spec.Group, stored.Kind.Gvk.Version, crd.Spec.Names.Plural), Kind = stored.Kind, Singular = crd.Spec.Names.Singular, Namespaced = stored.Namespaced },
                        Namespace = item.Namespace.ToString(), Name = item.Name.ToString(), User = s_self, Warnings = new List<string>(),
                    };
                    if ((await stored.DeleteAsync(write, DeleteOptions.Empty, ct).ConfigureAwait(false)).Gone) left.Remove(item.Key);
                }
                catch (StatusException e) when (e.Code == 404) { left.Remove(item.Key); }
            var events = new List<ItemEvent>();
            while (left.Count > 0 && await watcher.TakeAsync(ref events).ConfigureAwait(false))
                foreach (var e in events)
                    if (e is { Type: EventType.Deleted, Item: { } item }) left.Remove(item.Key);
                    else if (e.Item is { } there) left[there.Key] = there;
            ct.ThrowIfCancellationRequested();
            if (left.Count > 0) throw Statuses.Unavailable("the watch of the objects ended");
        }
        finally { watcher.Leave(); }
    }

    async Task TrySayAsync(CustomResourceDefinition crd, string reason, string message, CancellationToken ct)
    {
        try { await SayAsync(crd, "True", reason, message, false, ct).ConfigureAwait(false); }
        catch (Exception e) when (e is StatusException or StoreException or OperationCanceledException) { } // it is tried again anyway
    }

    async Task SayAsync(CustomResourceDefinition crd, string status, string reason, string message, bool release, CancellationToken ct) =>
        await definitions.UpdateAsync(
            new() { Resource = s_info, Namespace = "", Name = crd.Metadata.Name, Subresource = "status", Admitted = true, User = s_self, Warnings = new List<string>() }, old =>
            {
                var was = (CustomResourceDefinition)old!;
                if (was.Metadata.Uid != crd.Metadata.Uid) throw Statuses.NotFound(s_info.Gvr.GroupResource, crd.Metadata.Name);
                var conditions = DefinitionStatus.Set(was.Status.Conditions, DefinitionStatus.Condition("Terminating", status, reason, message), time.GetUtcNow());
                return was with
                {
                    Status = was.Status with { Conditions = conditions },
                    Metadata = release ? was.Metadata with { Finalizers = was.Metadata.Finalizers.Where(f => f != DefinitionStatus.Finalizer).ToSeq() } : was.Metadata,
                };
            }, unconditional: true, ct).ConfigureAwait(false);
}
