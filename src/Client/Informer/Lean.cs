using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>What caches can do without, for <see cref="InformerFactory.Transform{T}"/>.</summary>
public static class Lean
{
    /// <summary>Without who manages which field: a third of a Pod, and of interest to few.</summary>
    /// <remarks>An update that is sent without them leaves them as they are, with all else that the server keeps of them.</remarks>
    public static T WithoutManagedFields<T>(T obj) where T : class, IObject<T> =>
        obj.Metadata.ManagedFields.IsEmpty ? obj : (T)obj.WithMetadata(obj.Metadata with { ManagedFields = default });
}
