using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client;

/// <summary>Says whose an object is, so that it goes with its owner and its changes concern it.</summary>
public static class Owning
{
    /// <summary>The object with <paramref name="owner"/> as its controller: <c>metadata.ownerReferences</c>.</summary>
    public static T OwnedBy<T>(this T obj, IObject owner) where T : class, IObject<T>
    {
        var kind = owner.Kind();
        var mine = new OwnerReference { ApiVersion = kind.ApiVersion, Kind = kind.Kind, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true, BlockOwnerDeletion = true };
        return (T)obj.WithMetadata(obj.Metadata with { OwnerReferences = [.. obj.Metadata.OwnerReferences.Where(o => o.Uid != mine.Uid), mine] });
    }
}
