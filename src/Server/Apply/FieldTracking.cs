using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Apply;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Apply;

/// <summary>Keeps <c>metadata.managedFields</c> through a write: whose it is, and in which version it was made.</summary>
public sealed record FieldTracking(string Manager, KindInfo Kind, string Subresource = "")
{
    internal FieldWrite Write(DateTimeOffset now) => new()
    {
        Manager = Manager, ApiVersion = Kind.ApiVersion, Type = ApplyKinds.TypeOf(Kind), Subresource = Subresource, Filter = ApplyKinds.FilterOf(Kind, Subresource),
        Now = now, Blank = ApplyKinds.BlankOf(Kind), Versions = ApplyKinds.VersionsOf(Kind), TypeChanges = Kind is IApplyKind,
    };

    /// <summary>The new object with the account of who owns what in it. Before admission, whose changes are nobody's.</summary>
    /// <param name="live">Null on creation.</param>
    internal IObject Update(Item? live, IObject obj, DateTimeOffset now)
    {
        var given = obj.Metadata.ManagedFields;
        var was = live?.Object.Metadata.ManagedFields ?? default;
        if (live is not null && ReferenceEquals(obj, live.Object)) return obj;
        try
        {
            var owners = OwnersOf(given, was);
            if (live is null) Create(owners, obj, Write(now));
            else if (!owners.IsEmpty) Tracking.Update(owners, Json(live), Json(obj), Write(now));
            return With(obj, owners.Write());
        }
        // As upstream: an account that cannot be kept is no reason to refuse the write.
        catch (Exception e) when (e is ApplyException or DecodeException) { return With(obj, default); }
    }

    void Create(Ownership owners, IObject obj, FieldWrite write)
    {
        var writer = new JsonWriter();
        try
        {
            Kind.WriteJson(Registry.Convert.To(With(obj, default), Kind), ref writer);
            if (!Tracking.TryCreate(owners, writer.Written, write)) Tracking.Update(owners, null, writer.ToArray(), write);
        }
        finally { writer.Dispose(); }
    }

    /// <summary>A client may write the account itself, but not by a subresource; saying nothing of it keeps it, saying that it is empty ends it.</summary>
    Ownership OwnersOf(Seq<ManagedFieldsEntry> given, Seq<ManagedFieldsEntry> was)
    {
        if (Subresource.Length == 0 && !given.IsNil)
        {
            if (given.IsEmpty || given.Count == 1 && given[0] == ManagedFieldsEntry.Empty) return new();
            try { return Ownership.Read(given); }
            catch (ApplyException) { }
        }
        try { return Ownership.Read(was); }
        catch (ApplyException) { return new(); }
    }

    /// <summary>What mutating admission made of the account is taken only if it is one: else it is as it was, and that is told.</summary>
    internal static IObject Restored(IObject admitted, IObject before, ICollection<string> warnings)
    {
        var (now, was) = (admitted.Metadata.ManagedFields, before.Metadata.ManagedFields);
        if (ReferenceEquals(admitted, before) || now == was) return admitted;
        try
        {
            Ownership.Read(now);
            return admitted;
        }
        catch (ApplyException e)
        {
            warnings.Add(".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: " + e.Message);
            return admitted.WithMetadata(admitted.Metadata with { ManagedFields = was });
        }
    }

    internal static IObject With(IObject obj, Seq<ManagedFieldsEntry> entries) =>
        entries.IsEmpty && obj.Metadata.ManagedFields.IsNil ? obj : obj.WithMetadata(obj.Metadata with { ManagedFields = entries });

    byte[] Json(Item live) => live.Kind == Kind ? live.JsonWithoutFields : Json(live.Object);

    byte[] Json(IObject obj) => Kind.ToJson(Registry.Convert.To(With(obj, default), Kind));

    /// <summary>A write that changes nothing but when a manager last wrote is none: the object as it was.</summary>
    internal static IObject WithoutMereTimes(IObject obj, IObject old)
    {
        var (now, was) = (obj.Metadata.ManagedFields, old.Metadata.ManagedFields);
        if (now.Count != was.Count || now.IsEmpty || now == was) return obj;
        for (int i = 0; i < now.Count; i++)
            if (now[i] with { Time = null } != was[i] with { Time = null }) return obj;
        var same = obj.WithMetadata(obj.Metadata with { ManagedFields = was, ResourceVersion = old.Metadata.ResourceVersion });
        return same.Equals(old) ? same : obj;
    }
}
