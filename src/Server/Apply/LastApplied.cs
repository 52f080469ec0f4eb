using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;

namespace Hanbae.Server.Apply;

/// <summary>The annotation of kubectl's client-side apply, as server-side apply takes over from it and keeps it up to date.</summary>
static class LastApplied
{
    const string Annotation = "kubectl.kubernetes.io/last-applied-configuration", Kubectl = "kubectl";
    const int MostAnnotations = 256 << 10;

    /// <summary>Whether all conflicts are about fields that client-side apply set, and that still are as it set them: then kubectl may take them.</summary>
    /// <returns>The conflicts that remain.</returns>
    public static IReadOnlyList<FieldConflict> Remaining(IReadOnlyList<FieldConflict> conflicts, string manager, IObject? live, byte[] liveJson, FieldWrite write)
    {
        if (manager != Kubectl || live is null || !live.Metadata.Annotations.TryGet(Annotation, out string? text) || text.Length == 0) return conflicts;
        try
        {
            if (JsonValue.Parse(text) is not JsonObject applied || (applied["apiVersion"] as JsonString)?.Value != write.ApiVersion) return conflicts;
            TypedCheck.Check(applied, write.Type);
            byte[] json = applied.ToUtf8();
            var changes = Comparison.Of(json, liveJson, write.Type);
            var allowed = OwnedFields.Of(json, write.Type).Difference(changes.Modified).Difference(changes.Added).Difference(changes.Removed);
            return [.. conflicts.Where(c => !allowed.Contains([.. c.Path]))];
        }
        catch (Exception e) when (e is JsonSyntaxException or ApplyException) { return conflicts; }
    }

    /// <summary>Writes what was applied into the annotation, where there is one, so that client-side apply can go on from there.</summary>
    public static IObject Sync(IObject obj, string manager, JsonObject applied)
    {
        var annotations = obj.Metadata.Annotations;
        if (manager != Kubectl || !annotations.TryGet(Annotation, out string? there) || there.Length == 0) return obj;
        if (applied["metadata"] is JsonObject { } meta && meta["annotations"] is JsonObject own && own.Contains(Annotation))
            applied = applied.With("metadata", meta.With("annotations", own.Without(Annotation)));
        annotations = annotations.Set(Annotation, System.Text.Encoding.UTF8.GetString(applied.ToUtf8(JsonStyle.SortKeys | JsonStyle.GoNumbers)) + "\n");
        long size = 0;
        foreach (var (key, value) in annotations) size += key.Length + value.Length;
        if (size > MostAnnotations) annotations = annotations.Remove(Annotation);
        return obj.WithMetadata(obj.Metadata with { Annotations = annotations });
    }
}
