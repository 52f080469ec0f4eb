using Hanbae.Api;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Apply;

namespace Hanbae.Server.Apply;

/// <summary>Whose the number of replicas is, as a scale tells it: in its own version and at its own place, whatever the field is called in the object.</summary>
static class ScaleFields
{
    static readonly FieldSet s_replicas = FieldSet.OfFields("spec.replicas");

    /// <param name="path">Of the number in the object.</param>
    public static Seq<ManagedFieldsEntry> Of(Seq<ManagedFieldsEntry> entries, params ReadOnlySpan<string> path)
    {
        if (entries.IsEmpty) return default;
        var mine = FieldSet.OfFields(string.Join('.', path));
        var told = new List<ManagedFieldsEntry>();
        foreach (var entry in entries)
            try
            {
                if (entry.FieldsV1 is { IsNil: false } raw && !FieldsV1.Read(raw.Span).Intersection(mine).IsEmpty)
                    told.Add(entry with { ApiVersion = Scale.Info.ApiVersion, FieldsV1 = new(FieldsV1.Write(s_replicas)) });
            }
            // What cannot be read is nobody's, here as in the object.
            catch (Exception e) when (e is ApplyException or DecodeException) { }
        return told.Count == 0 ? default : [.. told];
    }
}
