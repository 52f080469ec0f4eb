using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Registry;

public sealed partial class StoredResource
{
    /// <param name="change">Makes the new object from the stored one, in the stored version and defaulted; called again after a conflict.</param>
    /// <remarks>Who named no version is not told that others write too: it is tried for as long as the request lives, as upstream does.</remarks>
    /// <param name="unconditional">A patch: no resourceVersion means any, whatever the kind.</param>
    /// <exception cref="StatusException"/>
    public async ValueTask<(Item Item, bool Created)> UpdateAsync(WriteRequest write, Func<IObject?, IObject> change, bool unconditional, CancellationToken ct)
    {
        var current = await FindAsync(write.Namespace, write.Name, ct).ConfigureAwait(false);
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            if (current is null)
            {
                bool creates = write.CreatesAbsent || !unconditional && Strategy.AllowCreateOnUpdate;
                if (!creates || write.Subresource.Length > 0) throw Statuses.NotFound(Resource, write.Name);
                var fresh = change(null);
                if (write.CreatesAbsent) fresh = Unpinned(fresh, write);
                else if (fresh.Metadata.ResourceVersion.Length > 0 || fresh.Metadata.Uid.Length > 0) throw Statuses.NotFound(Resource, write.Name);
                if (write.MayCreate is { } may) await may().ConfigureAwait(false);
                try { return (await CreateAsync(write, fresh, ct).ConfigureAwait(false), true); }
                // Somebody else made it meanwhile: then there is something to apply to.
                catch (StatusException e) when (e.Reason == "AlreadyExists" && write.CreatesAbsent) { current = await FindAsync(write.Namespace, write.Name, ct).ConfigureAwait(false); }
                continue;
            }
            var old = current.Object;
            var obj = change(old);
            if (write.Fields is { } fields) obj = fields.Update(current, obj, Now());
            bool pinned = CheckVersion(obj, old, current.Revision, unconditional, byUid: !unconditional || write.Subresource == "scale");
            obj = await AdmitAsync(write, obj, old, ct).ConfigureAwait(false);
            using var reservation = await ReserveAsync(write, obj, old, ct).ConfigureAwait(false);
            var unwritten = new Compensation();
            obj = await PrepareAsync(write, reservation?.Object ?? obj, old, unwritten, ct).ConfigureAwait(false);

            if (write.DryRun) return (Item.Unstored(obj.WithMetadata(obj.Metadata with { ResourceVersion = old.Metadata.ResourceVersion }), current.Key), false);
            if (obj.Metadata.DeletionTimestamp is not null && obj.Metadata.DeletionGracePeriodSeconds is null or 0 && !Strategy.IsHeld(obj) && old.Metadata.DeletionTimestamp is not null)
            {
                // The last finalizer is gone: so is the object.
                var result = await _store.DeleteIfAsync(StoreKey(current.Key), new(current.Revision), ct).ConfigureAwait(false);
                if (result.Succeeded)
                {
                    Cache.Note(current.Key, result.Revision.Value, null);
                    Remember(write, current.Key, result.Revision.Value, current);
                    await Strategy.AfterDeleteAsync(old, ct).ConfigureAwait(false);
                    return (Gone(current.Key, result.Revision.Value, obj), false);
                }
                current = result.Entry is null ? null : Of(result.Entry);
            }
            else
            {
                obj = Apply.FieldTracking.WithoutMereTimes(obj, old);
                byte[] value = ToStored(obj);
                if (current.HasContent(value) && !await IsStaleAsync(current.Key, ct).ConfigureAwait(false))
                {
                    await unwritten.RunAsync().ConfigureAwait(false);
                    return (current, false);
                }
                reservation?.Writing();
                var (item, inTheWay) = await PutAsync(write, current.Key, obj, value, current, ct).ConfigureAwait(false);
                reservation?.Settle(item is not null);
                if (item is not null)
                {
                    await Strategy.AfterUpdateAsync(item.Object, old, ct).ConfigureAwait(false);
                    return (item, false);
                }
                await unwritten.RunAsync().ConfigureAwait(false);
                current = inTheWay is null ? null : Of(inTheWay);
            }
            if (pinned) throw Statuses.Modified(Resource, write.Name);
        }
    }

    /// <summary>What an apply creates is of no version; that it named another object is a conflict.</summary>
    IObject Unpinned(IObject obj, WriteRequest write)
    {
        if (obj.Metadata.Uid is { Length: > 0 } uid)
            throw Statuses.Conflict(Resource, write.Name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return obj.Metadata.ResourceVersion.Length == 0 ? obj : obj.WithMetadata(obj.Metadata with { ResourceVersion = "" });
    }

    /// <summary>In the words of upstream's storage, which is where preconditions of updates are checked; its keys have groups for custom resources only.</summary>
    string PreconditionFailed(ObjectMeta meta, string why) =>
        $"StorageError: invalid object, Code: 4, Key: {(Kind is UnstructuredKind ? Prefix : $"/registry/{Resource.Resource}/")}"
            + $"{(meta.Namespace.Length > 0 ? meta.Namespace + "/" : "")}{meta.Name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: {why}";

    /// <param name="byUid">The uid says which object is meant. In a patch it is, as upstream, a field like others: one that cannot be changed.</param>
    /// <returns>Whether the change is for exactly this version.</returns>
    bool CheckVersion(IObject obj, IObject old, long revision, bool unconditional, bool byUid)
    {
        string version = obj.Metadata.ResourceVersion;
        string uid = obj.Metadata.Uid;
        if (byUid && uid.Length > 0 && uid != old.Metadata.Uid)
            throw Statuses.Conflict(Resource, old.Metadata.Name, PreconditionFailed(old.Metadata, $"UID in precondition: {uid}, UID in object meta: {old.Metadata.Uid}"));
        if (version.Length == 0 || version == "0")
        {
            if (!unconditional && !Strategy.AllowUnconditionalUpdate)
                throw Statuses.Invalid(Kind.Gvk, obj.Metadata.Name, [FieldError.InvalidAs("metadata.resourceVersion", "0x0", "must be specified for an update")]);
            return false;
        }
        if (!long.TryParse(version, out long wanted))
            throw Statuses.Invalid(Kind.Gvk, obj.Metadata.Name, [FieldError.Invalid("metadata.resourceVersion", version, $"strconv.ParseUint: parsing {FieldError.Quoted(version)}: invalid syntax")]);
        if (wanted != revision) throw Statuses.Modified(Resource, old.Metadata.Name);
        return !unconditional;
    }

    async ValueTask<IObject> AdmitAsync(WriteRequest write, IObject obj, IObject old, CancellationToken ct)
    {
        if (_admission.IsEmpty || write.Admitted) return obj;
        var request = Shown(write, obj, old);
        var admitted = (IObject)(await _admission.MutateAsync(request, ct).ConfigureAwait(false))!;
        return write.Form is { } form ? ReferenceEquals(admitted, request.Object) ? obj : form.Take(obj, admitted)
            : OwnerReferences.Once(Apply.FieldTracking.Restored(admitted, obj, write.Warnings), write.Warnings, admitted: true);
    }

    static AdmissionRequest Shown(WriteRequest write, IObject obj, IObject old) =>
        write.Form is { } form ? write.Admission(Operation.Update, form.Show(obj), form.Show(old)) : write.Admission(Operation.Update, obj, old);

    async ValueTask<IObject> PrepareAsync(WriteRequest write, IObject obj, IObject old, Compensation unwritten, CancellationToken ct)
    {
        var context = write.Context(_time.GetUtcNow());
        // What the server gave stays as it is.
        var (meta, was) = (obj.Metadata, old.Metadata);
        bool stands = meta.Uid == was.Uid && meta.CreationTimestamp == was.CreationTimestamp && meta.DeletionTimestamp == was.DeletionTimestamp
            && meta.DeletionGracePeriodSeconds == was.DeletionGracePeriodSeconds && meta.GenerateName == was.GenerateName && meta.Namespace == was.Namespace;
        if (!stands)
            obj = obj.WithMetadata(meta with
            {
                Uid = meta.Uid.Length == 0 ? was.Uid : meta.Uid, CreationTimestamp = was.CreationTimestamp, DeletionTimestamp = was.DeletionTimestamp,
                DeletionGracePeriodSeconds = was.DeletionGracePeriodSeconds, GenerateName = meta.GenerateName.Length == 0 ? was.GenerateName : meta.GenerateName,
                Namespace = meta.Namespace.Length == 0 ? was.Namespace : meta.Namespace,
            });
        obj = Strategy.PrepareForUpdate(obj, old, context);
        // Of who writes a status little else is taken, but another object's it is not to be.
        var asked = meta.Uid.Length == 0 || meta.Uid == obj.Metadata.Uid ? obj.Metadata : obj.Metadata with { Uid = meta.Uid };
        Check(obj, ObjectNames.CheckUpdate(asked, was), Strategy.ValidateUpdate(obj, old, context));
        // Who writes a status or another part says nothing of what is asked for.
        if (write.Subresource.Length == 0)
            foreach (string warning in Strategy.Warnings(obj, old)) write.Warnings.Add(warning);
        if (!_admission.IsEmpty && !write.Admitted) await _admission.ValidateAsync(Shown(write, obj, old) with { Unwritten = unwritten }, ct).ConfigureAwait(false);
        return obj;
    }
}
