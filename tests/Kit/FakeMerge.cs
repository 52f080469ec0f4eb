using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Patch;

namespace Hanbae.Kit;

/// <summary>Puts objects together for <see cref="FakeApi"/>: patches, and what a subresource may change.</summary>
static class FakeMerge
{
    public static IObject Patch(ResourceInfo resource, IObject old, ApiRequest request)
    {
        var from = Json(resource.Kind, old);
        var patch = JsonValue.Parse(request.Body.Span);
        var next = request.ContentType switch
        {
            "application/merge-patch+json" => MergePatch.Apply(from, patch),
            "application/strategic-merge-patch+json" => StrategicMerge.Apply(from, (JsonObject)patch, resource.Kind.Schema),
            "application/json-patch+json" => JsonPatch.Parse(patch).Apply(from),
            var other => throw FakeApi.Error(415, "UnsupportedMediaType", other),
        };
        return (IObject)resource.Kind.Decode(next.ToUtf8());
    }

    /// <summary>One object with a field of another.</summary>
    public static IObject Take(KindInfo kind, IObject from, IObject into, string field)
    {
        var (source, target) = (Json(kind, from), Json(kind, into));
        var next = source[field] is { } value ? target.With(field, value) : target.Without(field);
        return (IObject)kind.Decode(next.ToUtf8());
    }

    /// <summary>Whether all is the same but metadata and status.</summary>
    public static bool SameSpec(KindInfo kind, IObject a, IObject b) =>
        Json(kind, a).Without("metadata").Without("status").Equals(Json(kind, b).Without("metadata").Without("status"));

    static JsonObject Json(KindInfo kind, IObject obj) => (JsonObject)JsonValue.Parse(kind.ToJson(obj));

    public static bool HoldsNamespace(IObject obj) => obj is Namespace { Spec.Finalizers.IsEmpty: false };

    public static IObject Terminating(IObject obj) => obj is Namespace ns ? ns with { Status = ns.Status with { Phase = "Terminating" } } : obj;
}
