using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Meta = Hanbae.Api.Meta.V1;
using Review = Hanbae.Api.Admission.V1;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>As what a webhook or policy wants to see a request: its own resource, or an equivalent one.</summary>
readonly record struct Invocation(GroupVersionResource Resource, KindInfo Kind);

/// <summary>A write as webhooks and policies see it: in the version they ask for, as JSON, each made once.</summary>
/// <remarks>Storage works in one version; what is sent out is converted from it, and what comes back into it.</remarks>
sealed class ReviewedWrite
{
    readonly ResourceVersions _versions;
    readonly Dictionary<KindInfo, View> _views = [];
    readonly bool _whole;

    public ReviewedWrite(AdmissionRequest request, ResourceVersions versions)
    {
        (Request, _versions, Object) = (request, versions, request.Object);
        Old = request.Operation is Admission.Operation.Create or Admission.Operation.Connect ? null : request.OldObject;
        var body = request.Object ?? request.OldObject;
        _whole = body is not null && versions.IsOf(request.Resource.GroupResource, body);
        Kind = _whole && versions.KindOf(request.Resource) is { } served ? served : body?.Kind() ?? Meta.DeleteOptions.Info;
        Operation = request.Operation switch { Admission.Operation.Create => "CREATE", Admission.Operation.Update => "UPDATE", Admission.Operation.Delete => "DELETE", _ => "CONNECT" };
        Name = request.Name.Length > 0 ? request.Name : (request.Object as IObject)?.Metadata.Name ?? "";
        Namespace = request.Resource.GroupResource == new GroupResource("", "namespaces") ? Name : request.Namespace;
    }

    public AdmissionRequest Request { get; }
    public GroupVersionResource Resource => Request.Resource;
    public string Subresource => Request.Subresource;
    /// <summary>Of the object in the request's version.</summary>
    public KindInfo Kind { get; }
    /// <summary>CREATE, UPDATE, DELETE or CONNECT.</summary>
    public string Operation { get; }
    public string Name { get; }
    /// <summary>Of a request for a namespace, that one.</summary>
    public string Namespace { get; }
    public IKind? Object { get; private set; }
    /// <summary>What is stored; null where upstream tells none (creates and connects).</summary>
    public IObject? Old { get; }

    /// <summary>Everything the request's resource is served as besides itself; nothing for what is not an object of the resource.</summary>
    public IEnumerable<Invocation> Equivalents()
    {
        if (!_whole && Object is not (Hanbae.Api.Policy.V1.Eviction or Hanbae.Api.Core.V1.Binding or Hanbae.Api.Autoscaling.V1.Scale or null)) return [];
        return _versions.Of(Resource.GroupResource).Where(v => v.Gvr != Resource).Select(v => new Invocation(v.Gvr, _whole ? v.Kind : Kind));
    }

    /// <exception cref="Errors.StatusException">It cannot be converted.</exception>
    public async ValueTask<View> InAsync(KindInfo kind, CancellationToken ct)
    {
        if (_views.TryGetValue(kind, out var known)) return known;
        return _views[kind] = new(await AsAsync(Object, kind, ct).ConfigureAwait(false), await AsAsync(Old, kind, ct).ConfigureAwait(false));
    }

    async ValueTask<IKind?> AsAsync(IKind? obj, KindInfo kind, CancellationToken ct) =>
        obj is IObject whole && _whole ? await _versions.ConvertAsync(Resource.GroupResource, whole, kind, ct).ConfigureAwait(false) : obj;

    /// <summary>Goes on with a changed object.</summary>
    /// <param name="changed">In any version.</param>
    public async ValueTask ChangeAsync(IKind changed, CancellationToken ct)
    {
        Object = changed is IObject whole && _whole ? await _versions.StoredAsync(Resource.GroupResource, whole, ct).ConfigureAwait(false) : changed;
        _views.Clear();
    }

    /// <summary>The request as it is told, without the objects.</summary>
    public Review.AdmissionRequest Told(Invocation asked, string uid) => new()
    {
        Uid = uid, Kind = KindOf(asked.Kind.Gvk), Resource = ResourceOf(asked.Resource), SubResource = Subresource,
        RequestKind = KindOf(Kind.Gvk), RequestResource = ResourceOf(Resource), RequestSubResource = Subresource,
        Name = Name, Namespace = Namespace, Operation = Operation, DryRun = Request.DryRun, Options = Request.Options is { } o ? new(o.Kind().WriteFor(o, new("meta.k8s.io", "v1"))) : default,
        UserInfo = new UserInfo { Username = Request.User.Name, Uid = Request.User.Uid, Groups = Request.User.Groups, Extra = Request.User.Extra },
    };

    static Meta.GroupVersionKind KindOf(GroupVersionKind k) => new() { Group = k.Group, Version = k.Version, Kind = k.Kind };
    static Meta.GroupVersionResource ResourceOf(GroupVersionResource r) => new() { Group = r.Group, Version = r.Version, Resource = r.Resource };

    /// <summary>The objects in one version.</summary>
    public sealed class View(IKind? obj, IKind? old)
    {
        JsonValue? _tree, _oldTree;

        public IKind? Object => obj;
        public byte[]? Json => field ??= obj?.Kind().ToJson(obj);
        public byte[]? OldJson => field ??= old?.Kind().ToJson(old);
        public JsonValue Tree => _tree ??= Json is { } json ? JsonValue.Parse(json) : JsonNull.Instance;
        public JsonValue OldTree => _oldTree ??= OldJson is { } json ? JsonValue.Parse(json) : JsonNull.Instance;
    }
}
