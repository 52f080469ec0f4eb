using Hanbae.Api;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Registry;

/// <summary>Owners that an object names twice are named once, and whoever sent it is told.</summary>
static class OwnerReferences
{
    /// <param name="admitted">Whether mutating admission has been at it: then it may be somebody else's doing.</param>
    public static T Once<T>(T obj, ICollection<string> warnings, bool admitted) where T : IObject
    {
        var references = obj.Metadata.OwnerReferences;
        if (references.Count < 2) return obj;
        var (once, twice) = (new List<OwnerReference>(references.Count), new List<string>());
        foreach (var reference in references)
            if (once.Contains(reference)) twice.Add(reference.Uid);
            else once.Add(reference);
        if (twice.Count == 0) return obj;
        warnings.Add(".metadata.ownerReferences contains duplicate entries" + (admitted ? " after mutating admission happens" : "")
            + "; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ["
            + string.Join(' ', twice) + "]");
        return (T)obj.WithMetadata(obj.Metadata with { OwnerReferences = [.. once] });
    }
}
