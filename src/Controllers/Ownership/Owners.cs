using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Ownership;

/// <summary>Tells whose an object is, and finds what somebody owns without a scan.</summary>
static class Owners
{
    const string Index = "controller";
    const string Orphans = "orphans of ";

    extension(IObject obj)
    {
        /// <summary>The reference to the one owner that controls the object, if any.</summary>
        public OwnerReference? Controller
        {
            get
            {
                foreach (var owner in obj.Metadata.OwnerReferences) if (owner.Controller == true) return owner;
                return null;
            }
        }

        public bool IsControlledBy(IObject owner) => obj.Controller is { } controller && controller.Uid == owner.Metadata.Uid;

        public bool IsBeingDeleted => obj.Metadata.DeletionTimestamp is not null;
    }

    /// <summary>The reference that makes <paramref name="owner"/> an object's controller.</summary>
    public static OwnerReference ControllerRef<T>(this T owner) where T : class, IObject<T> => new()
    {
        ApiVersion = T.Info.ApiVersion, Kind = T.Info.Kind, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true, BlockOwnerDeletion = true,
    };

    /// <summary>Lets a cache answer <see cref="ControlledBy"/> and <see cref="OrphansNear"/>.</summary>
    public static void IndexControllers<T>(this ICache<T> cache) where T : class, IObject<T> =>
        cache.AddIndex(Index, obj => obj.Controller is { } owner ? [owner.Uid] : OrphanValues(obj));

    static IEnumerable<string> OrphanValues(IObject obj)
    {
        yield return Orphans + obj.Metadata.Namespace;
        foreach (var (key, value) in obj.Metadata.Labels) yield return $"{Orphans}{obj.Metadata.Namespace}/{key}={value}";
    }

    public static IReadOnlyCollection<T> ControlledBy<T>(this ICache<T> cache, string uid) where T : class, IObject<T> => cache.ByIndex(Index, uid);

    /// <summary>Objects of a namespace that nobody controls and that the selector may choose: however many others there are, they cost nothing.</summary>
    public static IReadOnlyCollection<T> OrphansNear<T>(this ICache<T> cache, string ns, Selector selector) where T : class, IObject<T>
    {
        foreach (var requirement in selector.Requirements)
            if (requirement is { Operator: LabelOperator.Equal } or { Operator: LabelOperator.In, Values.Length: 1 })
                return cache.ByIndex(Index, $"{Orphans}{ns}/{requirement.Key}={requirement.Values[0]}");
        return cache.ByIndex(Index, Orphans + ns);
    }
}
