using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Registry;

/// <summary>What a delete came to.</summary>
/// <param name="Gone">The object is gone, rather than about to go.</param>
public readonly record struct Deletion(Item Item, bool Gone);

public sealed partial class StoredResource
{
    const string Orphan = "orphan", Foreground = "foregroundDeletion";

    /// <summary>Deletes, or marks as being deleted: as upstream decides between grace, finalizers and dependents.</summary>
    /// <exception cref="StatusException"/>
    public async ValueTask<Deletion> DeleteAsync(WriteRequest write, DeleteOptions options, CancellationToken ct)
    {
        CheckOptions(options);
        var current = await FindAsync(write.Namespace, write.Name, ct).ConfigureAwait(false);
        bool admitted = false;
        while (true)
        {
            if (current is null) throw Statuses.NotFound(Resource, write.Name);
            var old = current.Object;
            CheckPreconditions(old.Metadata, options.Preconditions);
            if (!admitted && !_admission.IsEmpty && !write.Admitted)
            {
                var request = write.Admission(Operation.Delete, null, old) with { Options = options with { DryRun = write.DryRun ? ["All"] : default } };
                await _admission.MutateAsync(request, ct).ConfigureAwait(false);
                await _admission.ValidateAsync(request, ct).ConfigureAwait(false);
                admitted = true;
            }
            var (marked, now) = Mark(old, options);
            // Deleted already and not sooner than before: nothing to do.
            if (marked is null) return new(current, false);
            if (write.DryRun) return new(Item.Unstored(marked.WithMetadata(marked.Metadata with { ResourceVersion = old.Metadata.ResourceVersion }), current.Key), now);
            if (now)
            {
                var result = await _store.DeleteIfAsync(StoreKey(current.Key), new(current.Revision), ct).ConfigureAwait(false);
                if (result.Succeeded)
                {
                    Cache.Note(current.Key, result.Revision.Value, null);
                    Remember(write, current.Key, result.Revision.Value, current);
                    await Strategy.AfterDeleteAsync(old, ct).ConfigureAwait(false);
                    return new(Gone(current.Key, result.Revision.Value, marked), true);
                }
                current = result.Entry is null ? null : Of(result.Entry);
                continue;
            }
            byte[] value = ToStored(marked);
            if (current.HasContent(value)) return new(current, false);
            var (item, inTheWay) = await PutAsync(write, current.Key, marked, value, current, ct).ConfigureAwait(false);
            if (item is not null) return new(item, false);
            current = inTheWay is null ? null : Of(inTheWay);
        }
    }

    /// <summary>What was deleted, as the answer has it.</summary>
    Item Gone(string key, long revision, IObject last)
    {
        var item = Item.FromStored(Kind, key, revision, ToStored(last), fresh: true);
        item.Hold(last);
        return item;
    }

    /// <summary>Takes away what cannot be decrypted, without its finalizers, its grace or anybody's admission: nobody knows them (KEP-3926).</summary>
    /// <exception cref="StatusException"/>
    public async ValueTask DeleteUnreadableAsync(WriteRequest write, DeleteOptions options, CancellationToken ct)
    {
        const string field = "ignoreStoreReadErrorWithClusterBreakingPotential";
        FieldError Wrong(string why) => FieldError.InvalidAs(field, "true", why);
        var errors = new List<FieldError>();
        if (write.DryRun) errors.Add(Wrong("cannot be set together with .dryRun"));
        if (options.PropagationPolicy is not null) errors.Add(Wrong("cannot be set together with .propagationPolicy"));
        if (options.OrphanDependents is not null) errors.Add(Wrong("cannot be set together with .orphanDependents"));
        if (options.GracePeriodSeconds is not null) errors.Add(Wrong("cannot be set together with .gracePeriodSeconds"));
        if (options.Preconditions is not null) errors.Add(Wrong("cannot be set together with .preconditions"));
        if (errors.Count > 0) throw Statuses.Invalid(new("meta.k8s.io", "v1", "DeleteOptions"), write.Name, errors);
        string key = KeyOf(write.Namespace, write.Name);
        await Cache.CurrentAsync(ct).ConfigureAwait(false);
        if (!Cache.Unreadable.Find(key, out var at))
            throw await FindAsync(write.Namespace, write.Name, ct).ConfigureAwait(false) is null ? Statuses.NotFound(Resource, write.Name)
                : Statuses.Invalid(Kind.Gvk, write.Name, [Wrong("is exclusively used to delete corrupt object(s), try again by removing this option")]);
        try { await Cache.Unreadable.ReadAsync(key, ct).ConfigureAwait(false); }
        catch (StatusException e) when (e.Code == 500)
        {
            var result = await _store.DeleteIfAsync(StoreKey(key), at, ct).ConfigureAwait(false);
            if (!result.Succeeded) throw Statuses.Conflict(Resource, write.Name, "the object has been modified; please apply your changes to the latest version and try again");
            Cache.Note(key, result.Revision.Value, null);
            Remember(write, key, result.Revision.Value, null);
            return;
        }
        throw Statuses.Invalid(Kind.Gvk, write.Name, [Wrong("is exclusively used to delete corrupt object(s), try again by removing this option")]);
    }

    /// <summary>Takes a version away that has been there for as long as it was to be; one that was written again since stays. Nobody is asked.</summary>
    internal async Task ExpireAsync(Item item, CancellationToken ct)
    {
        var result = await _store.DeleteIfAsync(StoreKey(item.Key), new(item.Revision), ct).ConfigureAwait(false);
        if (result.Succeeded) Cache.Note(item.Key, result.Revision.Value, null);
    }

    /// <returns>The object as it is to be from now on, and whether it ends now; null when the delete changes nothing.</returns>
    (IObject? Marked, bool Now) Mark(IObject obj, DeleteOptions options)
    {
        var meta = obj.Metadata;
        bool graceful = false;
        long? period = Strategy.GracePeriod(obj, options);
        var at = Now();
        if (period is not null)
        {
            if (meta.DeletionTimestamp is { } end)
            {
                // Only a shorter period than the one that runs changes anything.
                if (meta.DeletionGracePeriodSeconds is { } running)
                {
                    if (options.GracePeriodSeconds is not { } asked || asked >= running) 
                    {
                        if (running > 0 || Strategy.IsHeld(obj)) return (null, false);
                        period = 0;
                    }
                    else
                    {
                        period = asked < 0 ? 1 : asked;
                        obj = obj.WithMetadata(meta = meta with { DeletionTimestamp = end.AddSeconds(period.Value - running), DeletionGracePeriodSeconds = period });
                    }
                    graceful = true;
                }
            }
            else
            {
                graceful = true;
                obj = obj.WithMetadata(meta = meta with
                {
                    DeletionTimestamp = at.AddSeconds(period.Value), DeletionGracePeriodSeconds = period, Generation = meta.Generation > 0 ? meta.Generation + 1 : 0,
                });
            }
        }
        var finalizers = Finalizers(meta, options);
        if (finalizers != meta.Finalizers) obj = obj.WithMetadata(meta = meta with { Finalizers = finalizers });
        bool held = Strategy.IsHeld(obj);
        if (!graceful && held)
            obj = obj.WithMetadata(meta = meta with
            {
                Generation = meta.DeletionTimestamp is null && meta.Generation > 0 ? meta.Generation + 1 : meta.Generation,
                DeletionTimestamp = meta.DeletionTimestamp ?? at, DeletionGracePeriodSeconds = 0,
            });
        obj = Strategy.OnDeleting(obj);
        return (obj, !held && (!graceful || period == 0));
    }

    /// <summary>Who deals with dependents: the garbage collector sees it in the finalizers.</summary>
    Seq<string> Finalizers(ObjectMeta meta, DeleteOptions options)
    {
        bool hasOrphan = meta.Finalizers.Contains(Orphan), hasForeground = meta.Finalizers.Contains(Foreground);
        bool orphan = Strategy.HasDependents && (options.OrphanDependents ?? options.PropagationPolicy switch
        {
            "Orphan" => true, "Background" or "Foreground" => false, _ => hasOrphan || !hasForeground && Strategy.OrphansByDefault,
        });
        bool foreground = Strategy.HasDependents && options.OrphanDependents is null && options.PropagationPolicy switch
        {
            "Foreground" => true, "Background" or "Orphan" => false, _ => !hasOrphan && hasForeground,
        };
        if (orphan == hasOrphan && foreground == hasForeground) return meta.Finalizers;
        var rest = meta.Finalizers.Where(f => f is not (Orphan or Foreground)).ToSeq();
        if (orphan) rest = rest.Add(Orphan);
        if (foreground) rest = rest.Add(Foreground);
        return rest;
    }

    /// <exception cref="StatusException">It is another object, or has changed.</exception>
    internal void CheckPreconditions(ObjectMeta meta, Preconditions? wanted)
    {
        // Upstream names the kind where others name the resource.
        var kind = new GroupResource(Resource.Group, Kind.Kind);
        if (wanted?.Uid is { } uid && uid != meta.Uid)
            throw Statuses.Conflict(kind, meta.Name, $"the UID in the precondition ({uid}) does not match the UID in record ({meta.Uid}). The object might have been deleted and then recreated");
        if (wanted?.ResourceVersion is { } version && version != meta.ResourceVersion)
            throw Statuses.Conflict(kind, meta.Name, $"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({meta.ResourceVersion}). The object might have been modified");
    }

    static void CheckOptions(DeleteOptions options)
    {
        var errors = new List<FieldError>();
        if (options.PropagationPolicy is { } policy)
        {
            if (options.OrphanDependents is not null)
                errors.Add(FieldError.Invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"));
            if (policy is not ("Foreground" or "Background" or "Orphan"))
                errors.Add(FieldError.NotSupported("propagationPolicy", policy, "Foreground", "Background", "Orphan", "nil"));
        }
        if (errors.Count > 0) throw Statuses.Invalid(new("meta.k8s.io", "v1", "DeleteOptions"), "", errors);
    }
}
