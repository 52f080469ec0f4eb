using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry;

/// <summary>What is required of every object's metadata, whatever its kind; kinds' own rules are in their strategies.</summary>
static class ObjectNames
{
    public static IReadOnlyList<FieldError> Check(ObjectMeta meta, bool namespaced)
    {
        if (meta.Name.Length == 0) return [FieldError.Required("metadata.name", "name or generateName is required")];
        // What cannot be a segment of a path can never be asked for.
        if (meta.Name is "." or "..") return [FieldError.Invalid("metadata.name", meta.Name, $"may not be '{meta.Name}'")];
        foreach (char c in meta.Name)
            if (c is '/' or '%') return [FieldError.Invalid("metadata.name", meta.Name, $"may not contain '{c}'")];
        if (namespaced && meta.Namespace.Length == 0) return [FieldError.Required("metadata.namespace")];
        return [];
    }

    /// <summary>What an update may not change.</summary>
    public static IReadOnlyList<FieldError> CheckUpdate(ObjectMeta meta, ObjectMeta old)
    {
        var errors = new List<FieldError>();
        if (meta.Name != old.Name) errors.Add(FieldError.Invalid("metadata.name", meta.Name, "field is immutable"));
        if (meta.Namespace != old.Namespace) errors.Add(FieldError.Invalid("metadata.namespace", meta.Namespace, "field is immutable"));
        if (meta.Uid != old.Uid) errors.Add(FieldError.Invalid("metadata.uid", meta.Uid, "field is immutable"));
        if (old.DeletionTimestamp is not null)
        {
            // KEP: finalizers may only go once an object is being deleted, or it might never end.
            string[] added = [.. meta.Finalizers.Where(f => !old.Finalizers.Contains(f))];
            if (added.Length > 0)
                errors.Add(FieldError.Forbidden("metadata.finalizers",
                    $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(FieldError.Quoted))}}}"));
        }
        return errors;
    }
}
