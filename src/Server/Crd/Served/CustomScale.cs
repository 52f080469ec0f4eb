using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Apply;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Subresources;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Crd.Served;

/// <summary>The scale of a custom resource, read and written through the paths that its definition names.</summary>
sealed class CustomScale(CustomResourceSubresourceScale paths, Func<Resource> resource) : IRestHandler
{
    readonly string[] _wanted = Split(paths.SpecReplicasPath), _seen = Split(paths.StatusReplicasPath), _selector = Split(paths.LabelSelectorPath ?? "");

    static string[] Split(string path) => path.TrimStart('.') is { Length: > 0 } rest ? rest.Split('.') : [];

    public bool Shapes => true;

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        switch (request.Info.Verb)
        {
            case "get": return Answer(request, await ReadAsync(request, ct).ConfigureAwait(false));
            case "update":
                var scale = await ScaleHandler.ReadAsync(request, resource(), ct).ConfigureAwait(false);
                return Answer(request, await ChangeAsync(request, old => Scaled(old, scale), ct).ConfigureAwait(false));
            case "patch" when ApplyPatch.Is(request):
                var applying = await ApplyPatch.ReadAsync(request, resource().Stored.Time, ct).ConfigureAwait(false);
                applying.Check(Scale.Info);
                return Answer(request, await ChangeAsync(request, old => Applied(applying, old), ct, applies: true).ConfigureAwait(false));
            case "patch":
                var patch = await Patches.ReadAsync(request, Scale.Info.Schema, ct).ConfigureAwait(false);
                return Answer(request, await ChangeAsync(request, old => Scaled(old, (Scale)Patches.Apply(request, Scale.Info, Of(old), patch)), ct).ConfigureAwait(false));
            default: throw Statuses.MethodNotAllowed();
        }
    }

    Reply Answer(RequestContext request, Unstructured obj) => Computed.One(request, Of(obj), ScaleHandler.Columns, resource().Stored.Time);

    /// <summary>The paths are of this version: where a webhook makes it of the stored one, it does so before they are followed.</summary>
    async ValueTask<Unstructured> ReadAsync(RequestContext request, CancellationToken ct)
    {
        var served = resource();
        return served.Custom?.Verbs(served) is { } converted ? await converted.GetAsync(request, ct).ConfigureAwait(false)
            : (Unstructured)served.View(await served.Stored.GetAsync(request.Info.Namespace, request.Info.Name, ct).ConfigureAwait(false)).Object;
    }

    /// <summary>What is applied to the scale, as if it were applied to the object.</summary>
    Unstructured Applied(ApplyPatch applying, Unstructured old)
    {
        var kind = (CustomKind)old.Info;
        var obj = (Unstructured)applying.Apply(old, ScaleHandler.OfParent(applying.Applied, kind, _wanted), kind, "scale", o => o);
        ScaleHandler.CheckReplicas(Of(obj).Spec.Replicas, obj.Metadata.Name);
        return obj;
    }

    /// <param name="applies">The change keeps the account of who owns what itself.</param>
    async ValueTask<Unstructured> ChangeAsync(RequestContext request, Func<Unstructured, Unstructured> change, CancellationToken ct, bool applies = false)
    {
        var served = resource();
        if (served.Custom?.Verbs(served) is { } converted) return (Unstructured)(await converted.ChangeAsync(request, change, ct, applies).ConfigureAwait(false)).Object;
        // Admission sees the scale, as the client does.
        var write = (applies ? Writes.RequestOf(request, served) : Writes.TrackedOf(request, served)) with
        {
            Form = new(obj => Of((Unstructured)obj), (obj, scale) => Scaled((Unstructured)obj, (Scale)scale)),
        };
        var (item, _) = await served.Stored.UpdateAsync(write, old => Stored(served, change((Unstructured)Registry.Convert.To(old!, served.Info.Kind))), unconditional: true, ct).ConfigureAwait(false);
        return (Unstructured)served.View(item).Object;
    }

    Unstructured Scaled(Unstructured obj, Scale scale)
    {
        ScaleHandler.CheckReplicas(scale.Spec.Replicas, scale.Metadata.Name);
        return obj with
        {
            Content = ScaleHandler.Put(obj.Content, _wanted, scale.Spec.Replicas),
            Metadata = obj.Metadata with { ResourceVersion = scale.Metadata.ResourceVersion, Uid = scale.Metadata.Uid.Length > 0 ? scale.Metadata.Uid : obj.Metadata.Uid },
        };
    }

    static IObject Stored(Resource served, Unstructured obj) => Registry.Convert.To(obj, served.Stored.Kind);

    Scale Of(Unstructured obj)
    {
        if (obj[_wanted] is not JsonNumber { IsInteger: true } wanted) throw Statuses.Internal($"the spec replicas field \"{paths.SpecReplicasPath}\" does not exist");
        return new()
        {
            Metadata = ScaleHandler.MetadataOf(obj, _wanted),
            Spec = new() { Replicas = (int)wanted.Int64 },
            Status = new()
            {
                Replicas = obj[_seen] is JsonNumber { IsInteger: true } seen ? (int)seen.Int64 : 0,
                Selector = _selector.Length > 0 && obj[_selector] is JsonString selector ? selector.Value : "",
            },
        };
    }
}
