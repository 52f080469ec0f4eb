using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Apply;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;
using ObjectMeta = Hanbae.Api.Meta.V1.ObjectMeta;

namespace Hanbae.Server.Subresources;

/// <summary>The scale of what has replicas, so that autoscalers need not know what it is.</summary>
sealed class ScaleHandler(ApiServer server, string group, string resource) : IRestHandler
{
    public static readonly (string Group, string Resource)[] Resources =
        [("apps", "deployments"), ("apps", "replicasets"), ("apps", "statefulsets"), ("", "replicationcontrollers"), ("extensions", "deployments"), ("extensions", "replicasets")];

    /// <summary>A scale is no resource of its own, so that its columns are not in <c>api/</c>.</summary>
    public static ImmutableArray<ApiColumn> Columns { get; } = [new("Name", "string", "name", 0), new("Desired", "integer", "", 0), new("Available", "integer", "", 0), new("Age", "string", "", 0)];

    public bool Shapes => true;

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var info = request.Info;
        var served = server.Resources.Find(group, info.ApiVersion, resource)!;
        var stored = served.Stored;
        var write = Writes.RequestOf(request, served);
        if (info.Verb is "update" or "patch") write = Writes.TrackedOf(request, served) with { Form = new(Of, (obj, scale) => Scaled(obj, (Scale)scale)) };
        switch (info.Verb)
        {
            case "get":
                return Answer(request, Of((await stored.GetAsync(info.Namespace, info.Name, ct).ConfigureAwait(false)).Object));
            case "update":
                var scale = await ReadAsync(request, served, ct).ConfigureAwait(false);
                var (item, _) = await stored.UpdateAsync(write, old => Scaled(old!, scale), unconditional: true, ct).ConfigureAwait(false);
                return Answer(request, Of(item.Object));
            case "patch" when ApplyPatch.Is(request):
                var applying = await ApplyPatch.ReadAsync(request, stored.Time, ct).ConfigureAwait(false);
                applying.Check(Scale.Info);
                (item, _) = await stored.UpdateAsync(write with { Fields = null }, old =>
                    applying.Apply(old, OfParent(applying.Applied, served.Info.Kind, "spec", "replicas"), served.Info.Kind, "scale",
                        obj => Checked(Writes.Stored(served, obj))), unconditional: true, ct).ConfigureAwait(false);
                return Answer(request, Of(item.Object));
            case "patch":
                var apply = await Patches.ReadAsync(request, Scale.Info.Schema, ct).ConfigureAwait(false);
                (item, _) = await stored.UpdateAsync(write, old => Scaled(old!, (Scale)Patches.Apply(request, Scale.Info, Of(old!), apply)), unconditional: true, ct).ConfigureAwait(false);
                return Answer(request, Of(item.Object));
            default: throw Statuses.MethodNotAllowed();
        }
    }

    Reply Answer(RequestContext request, Scale scale) => Computed.One(request, scale, Columns, server.Options.Time);

    /// <summary>What an update asks for.</summary>
    internal static async ValueTask<Scale> ReadAsync(RequestContext request, Resource served, CancellationToken ct)
    {
        var scale = await request.ReadObjectAsync(Scale.Info, ct).ConfigureAwait(false) as Scale
            ?? throw Statuses.BadRequest("the object provided is unrecognized (must be of type Scale): couldn't get version/kind");
        Writes.CheckName(scale, request, served);
        return scale;
    }

    internal static void CheckReplicas(int replicas, string name)
    {
        if (replicas < 0) throw Statuses.Invalid(Scale.Info.Gvk, name, [FieldError.Invalid("spec.replicas", replicas, "must be greater than or equal to 0")]);
    }

    /// <param name="path">Where the object has its replicas: of its fields the only one that its scale has, too.</param>
    internal static ObjectMeta MetadataOf(IObject obj, params ReadOnlySpan<string> path)
    {
        var meta = obj.Metadata;
        return new()
        {
            Name = meta.Name, Namespace = meta.Namespace, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, CreationTimestamp = meta.CreationTimestamp,
            ManagedFields = ScaleFields.Of(meta.ManagedFields, path),
        };
    }

    /// <summary>What is applied to the scale, as if it were applied to the object: the replicas are the one field that is in both.</summary>
    /// <param name="path">Where the object has them.</param>
    internal static JsonObject OfParent(JsonObject scale, KindInfo kind, params ReadOnlySpan<string> path)
    {
        var parent = JsonObject.Of(("apiVersion", kind.ApiVersion), ("kind", kind.Kind));
        if (scale["metadata"] is JsonObject meta)
        {
            var named = JsonObject.Empty;
            foreach (string name in (string[])["name", "namespace", "uid", "resourceVersion"])
                if (meta[name] is { } value) named = named.With(name, value);
            parent = parent.With("metadata", named);
        }
        return scale["spec"] is JsonObject spec && spec["replicas"] is { } replicas ? Put(parent, path, replicas) : parent;
    }

    internal static JsonObject Put(JsonObject into, ReadOnlySpan<string> path, JsonValue value) =>
        path.Length == 1 ? into.With(path[0], value) : into.With(path[0], Put(into[path[0]] as JsonObject ?? JsonObject.Empty, path[1..], value));

    static IObject Checked(IObject obj)
    {
        CheckReplicas(Of(obj).Spec.Replicas, obj.Metadata.Name);
        return obj;
    }

    static IObject Scaled(IObject old, Scale scale)
    {
        CheckReplicas(scale.Spec.Replicas, scale.Metadata.Name);
        IObject obj = old switch
        {
            Deployment o => o with { Spec = o.Spec with { Replicas = scale.Spec.Replicas } },
            ReplicaSet o => o with { Spec = o.Spec with { Replicas = scale.Spec.Replicas } },
            StatefulSet o => o with { Spec = o.Spec with { Replicas = scale.Spec.Replicas } },
            ReplicationController o => o with { Spec = o.Spec with { Replicas = scale.Spec.Replicas } },
            _ => throw Statuses.MethodNotAllowed(),
        };
        return obj.WithMetadata(obj.Metadata with { ResourceVersion = scale.Metadata.ResourceVersion, Uid = scale.Metadata.Uid });
    }

    static Scale Of(IObject obj)
    {
        var (wanted, seen, selector) = obj switch
        {
            Deployment o => (o.Spec.Replicas ?? 1, o.Status.Replicas, o.Spec.Selector.ToSelector()),
            ReplicaSet o => (o.Spec.Replicas ?? 1, o.Status.Replicas, o.Spec.Selector.ToSelector()),
            StatefulSet o => (o.Spec.Replicas ?? 1, o.Status.Replicas, o.Spec.Selector.ToSelector()),
            ReplicationController o => (o.Spec.Replicas ?? 1, o.Status.Replicas, o.Spec.Selector.ToSelector()),
            _ => throw Statuses.MethodNotAllowed(),
        };
        return new() { Metadata = MetadataOf(obj, "spec", "replicas"), Spec = new() { Replicas = wanted }, Status = new() { Replicas = seen, Selector = selector.ToString() } };
    }
}
