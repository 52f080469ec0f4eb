using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Crd.Served;

/// <summary>The scale of a custom resource, read and written through the paths that its definition names.</summary>
sealed class CustomScale(CustomResourceSubresourceScale paths, Func<Resource> resource) : IRestHandler
{
    readonly string[] _wanted = Split(paths.SpecReplicasPath), _seen = Split(paths.StatusReplicasPath), _selector = Split(paths.LabelSelectorPath ?? "");

    static string[] Split(string path) => path.TrimStart('.') is { Length: > 0 } rest ? rest.Split('.') : [];

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var info = request.Info;
        var served = resource();
        var stored = served.Stored;
        var write = Writes.RequestOf(request, served) with { Form = new(obj => Of((Unstructured)obj), (obj, scale) => Scaled((Unstructured)obj, (Scale)scale)) };
        switch (info.Verb)
        {
            case "get": return Reply.Object(Of(await stored.GetAsync(info.Namespace, info.Name, ct).ConfigureAwait(false)));
            case "update":
                var scale = await request.ReadObjectAsync(Scale.Info, ct).ConfigureAwait(false) as Scale ?? throw Statuses.BadRequest("the object provided is unrecognized (must be of type Scale): couldn't get version/kind");
                Writes.CheckName(scale, request, served);
                var (item, _) = await stored.UpdateAsync(write, old => Scaled((Unstructured)old!, scale), unconditional: true, ct).ConfigureAwait(false);
                return Reply.Object(Of(item));
            case "patch":
                var apply = await Patches.ReadAsync(request, Scale.Info.Schema, ct).ConfigureAwait(false);
                (item, _) = await stored.UpdateAsync(write, old => Scaled((Unstructured)old!, (Scale)Patches.Apply(request, Scale.Info, Of((Unstructured)old!), apply)), unconditional: true, ct).ConfigureAwait(false);
                return Reply.Object(Of(item));
            default: throw Statuses.MethodNotAllowed();
        }
    }

    IObject Scaled(Unstructured obj, Scale scale)
    {
        if (scale.Spec.Replicas < 0)
            throw Statuses.Invalid(Scale.Info.Gvk, scale.Metadata.Name, [FieldError.Invalid("spec.replicas", scale.Spec.Replicas, "must be greater than or equal to 0")]);
        return obj with
        {
            Content = Set(obj.Content, _wanted, scale.Spec.Replicas),
            Metadata = obj.Metadata with { ResourceVersion = scale.Metadata.ResourceVersion, Uid = scale.Metadata.Uid },
        };
    }

    static JsonObject Set(JsonObject into, ReadOnlySpan<string> path, JsonValue value) =>
        path.Length == 1 ? into.With(path[0], value) : into.With(path[0], Set(into[path[0]] as JsonObject ?? JsonObject.Empty, path[1..], value));

    Scale Of(Cache.Item item) => Of((Unstructured)resource().View(item).Object);

    Scale Of(Unstructured obj)
    {
        var meta = obj.Metadata;
        if (obj[_wanted] is not JsonNumber { IsInteger: true } wanted) throw Statuses.Internal($"the spec replicas field \"{paths.SpecReplicasPath}\" does not exist");
        return new()
        {
            Metadata = new() { Name = meta.Name, Namespace = meta.Namespace, Uid = meta.Uid, ResourceVersion = meta.ResourceVersion, CreationTimestamp = meta.CreationTimestamp },
            Spec = new() { Replicas = (int)wanted.Int64 },
            Status = new()
            {
                Replicas = obj[_seen] is JsonNumber { IsInteger: true } seen ? (int)seen.Int64 : 0,
                Selector = _selector.Length > 0 && obj[_selector] is JsonString selector ? selector.Value : "",
            },
        };
    }
}
