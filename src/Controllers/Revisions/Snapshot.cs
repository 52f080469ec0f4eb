using System.Globalization;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Controllers.Deployments;

namespace Hanbae.Controllers.Revisions;

/// <summary>Keeps a Pod template in a ControllerRevision as the patch that brings it back, which is what <c>kubectl rollout undo</c> sends.</summary>
/// <remarks>To the byte as Go writes it, members by name: clients compare bytes to see whether a template is that of a revision.</remarks>
static class Snapshot
{
    public static RawJson Of(PodTemplateSpec template)
    {
        var json = ((JsonObject)JsonValue.Parse(Utf8(template))).With("$patch", "replace");
        return new(JsonObject.Of(("spec", JsonObject.Of(("template", json)))).ToUtf8(JsonStyle.SortKeys | JsonStyle.GoNumbers));
    }

    /// <summary>The template; null when the data is something else.</summary>
    public static PodTemplateSpec? TemplateOf(ControllerRevision revision)
    {
        if (revision.Data.IsNil) return null;
        try
        {
            if ((JsonValue.Parse(revision.Data.Span) as JsonObject)?["spec"] is not JsonObject spec || spec["template"] is not JsonObject template) return null;
            var reader = new JsonReader(template.Without("$patch").ToUtf8());
            return PodTemplateSpec.ReadJson(ref reader);
        }
        catch (Exception e) when (e is JsonSyntaxException or DecodeException) { return null; }
    }

    /// <summary>A few letters for a template; others once the name was taken.</summary>
    public static string Hash(PodTemplateSpec template, int collisions) => TemplateHash.Of(template, collisions > 0 ? collisions : null);

    static byte[] Utf8(PodTemplateSpec template)
    {
        var writer = new JsonWriter();
        try { template.WriteJson(ref writer); return writer.ToArray(); }
        finally { writer.Dispose(); }
    }
}
