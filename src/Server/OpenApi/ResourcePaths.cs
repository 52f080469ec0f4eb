using System.Collections.Immutable;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Server.OpenApi;

/// <summary>The paths of a resource and everything that can be done at them, with upstream's names for it.</summary>
sealed class ResourcePaths
{
    const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";

    readonly ResourceInfo _info;
    readonly Definitions _definitions;
    readonly string _prefix, _tag, _list, _item;
    readonly ImmutableArray<ApiParameter> _in, _of;

    ResourcePaths(ResourceInfo info, Definitions definitions)
    {
        (_info, _definitions) = (info, definitions);
        string root = info.Gvr.Group.Length == 0 ? "/api/" + info.Gvr.Version : $"/apis/{info.Gvr.Group}/{info.Gvr.Version}";
        (_prefix, _tag) = Names(info.Gvr.GroupVersion);
        _list = info.Namespaced ? $"{root}/namespaces/{{namespace}}/{info.Gvr.Resource}" : $"{root}/{info.Gvr.Resource}";
        _item = _list + "/{name}";
        _in = info.Namespaced ? [Parameters.Namespace, Parameters.Pretty] : [Parameters.Pretty];
        _of = [Parameters.Name, .. _in];
    }

    /// <summary><c>RbacAuthorizationV1</c> and <c>rbacAuthorization_v1</c>.</summary>
    static (string Prefix, string Tag) Names(GroupVersion gv)
    {
        string group = gv.Group.EndsWith(".k8s.io", StringComparison.Ordinal) ? gv.Group[..^7] : gv.Group;
        string pascal = group.Length == 0 ? "Core" : string.Concat(group.Split('.').Select(Pascal));
        return (pascal + Pascal(gv.Version), char.ToLowerInvariant(pascal[0]) + pascal[1..] + "_" + gv.Version);
    }

    static string Pascal(string word) => word.Length == 0 ? "" : char.ToUpperInvariant(word[0]) + word[1..];

    public static IEnumerable<ApiPath> Of(ResourceInfo info, Definitions definitions)
    {
        var paths = new ResourcePaths(info, definitions);
        return [.. paths.Objects(), .. info.Subresources.SelectMany(paths.Subresource), .. paths.Watches()];
    }

    string Id(string verb, string suffix = "", string between = "") => $"{verb}{_prefix}{between}{(_info.Namespaced ? "Namespaced" : "")}{_info.Kind.Kind}{suffix}";

    bool Can(string verb) => _info.Verbs.Contains(verb);

    ApiOperation Operation(string method, string id, string action, GroupVersionKind? kind = null) => new(method, id, action, _tag, kind ?? _info.Kind.Gvk);

    IEnumerable<ApiPath> Objects()
    {
        string own = _definitions.Add(_info.Kind);
        string status = _definitions.AddMeta("Status");
        var list = ImmutableArray.CreateBuilder<ApiOperation>();
        if (Can("list")) list.Add(Lists(Id("list")) with { Parameters = [.. Parameters.List, .. _in] });
        if (Can("create")) list.Add(Creates(Id("create"), own, _info.Kind.Gvk) with { Parameters = [.. Parameters.Write, .. _in] });
        if (Can("deletecollection"))
            list.Add(Operation("delete", Id("delete", between: "Collection"), "deletecollection") with
            {
                Parameters = [.. Parameters.DeleteCollection, .. _in], Body = _definitions.AddMeta("DeleteOptions"), BodyRequired = false, Answers = [(200, status)],
            });
        if (list.Count > 0) yield return ApiPath.Of(_list, list.DrainToImmutable());
        if (_info.Namespaced && Can("list"))
            yield return ApiPath.Of(_list.Replace("/namespaces/{namespace}", "", StringComparison.Ordinal),
                [Lists($"list{_prefix}{_info.Kind.Kind}ForAllNamespaces") with { Parameters = [.. Parameters.List, Parameters.Pretty] }]);

        var item = ImmutableArray.CreateBuilder<ApiOperation>();
        if (Can("get")) item.Add(Reads(Id("read"), own, _info.Kind.Gvk));
        if (Can("update")) item.Add(Replaces(Id("replace"), own, _info.Kind.Gvk));
        if (Can("patch")) item.Add(Patches(Id("patch"), own, _info.Kind.Gvk));
        if (Can("delete"))
        {
            // As upstream: these give back what they deleted.
            string answer = Registry.Catalog.ReturnsDeleted(_info.Gvr.GroupResource) ? own : status;
            item.Add(Operation("delete", Id("delete"), "delete") with
            {
                Parameters = [.. Parameters.Delete, .. _of], Body = _definitions.AddMeta("DeleteOptions"), BodyRequired = false, Answers = [(200, answer), (202, answer)],
            });
        }
        if (item.Count > 0) yield return ApiPath.Of(_item, item.DrainToImmutable());
    }

    ApiOperation Lists(string id) => Operation("get", id, "list") with { Produces = Can("watch") ? MediaKinds.Watches : MediaKinds.Objects, Answers = [(200, _definitions.AddList(_info.Kind))] };

    ApiOperation Reads(string id, string definition, GroupVersionKind kind) => Operation("get", id, "get", kind) with { Parameters = _of, Answers = [(200, definition)] };

    ApiOperation Creates(string id, string definition, GroupVersionKind kind) => Operation("post", id, "post", kind) with
    {
        Parameters = [.. Parameters.Write, .. _of], Body = definition, Answers = [(200, definition), (201, definition), (202, definition)],
    };

    ApiOperation Replaces(string id, string definition, GroupVersionKind kind) => Operation("put", id, "put", kind) with
    {
        Parameters = [.. Parameters.Write, .. _of], Body = definition, Answers = [(200, definition), (201, definition)],
    };

    ApiOperation Patches(string id, string definition, GroupVersionKind kind) => Operation("patch", id, "patch", kind) with
    {
        Parameters = [.. Parameters.Patch, .. _of], Body = _definitions.AddSpecial(Meta + "Patch"),
        Consumes = _info.Kind is UnstructuredKind ? MediaKinds.CustomPatches : MediaKinds.Patches, Answers = [(200, definition), (201, definition)],
    };

    IEnumerable<ApiPath> Subresource(ApiSubresource sub)
    {
        string path = _item + "/" + sub.Name, suffix = Pascal(sub.Name);
        var kind = sub.Kind == _info.Kind.Kind ? _info.Kind : Definitions.KindOf(_info.Gvr.GroupVersion, sub.Kind);
        if (kind.Kind.EndsWith("Options", StringComparison.Ordinal))
        {
            ImmutableArray<ApiParameter> parameters = [.. OptionsOf(kind), .. _of.Remove(Parameters.Pretty)];
            yield return ApiPath.Of(path, Connects(sub, suffix, kind.Gvk, parameters));
            if (sub.Name == "proxy") yield return ApiPath.Of(path + "/{path}", Connects(sub, suffix + "WithPath", kind.Gvk, [.. parameters, new("path", "path", "string")]));
            yield break;
        }
        if (sub.Name == "log")
        {
            var options = ApiData.Kind(_info.Gvr.GroupVersion.Kind("PodLogOptions"))!;
            yield return ApiPath.Of(path, [Reads(Id("read", suffix), "", _info.Kind.Gvk) with { Parameters = [.. OptionsOf(options), .. _of], Produces = MediaKinds.Text, Answers = [(200, null)] }]);
            yield break;
        }
        string definition = _definitions.Add(kind);
        var operations = ImmutableArray.CreateBuilder<ApiOperation>();
        foreach (string verb in (ReadOnlySpan<string>)["get", "update", "patch", "create"])
            if (sub.Verbs.Contains(verb))
                operations.Add(verb switch
                {
                    "get" => Reads(Id("read", suffix), definition, kind.Gvk),
                    "update" => Replaces(Id("replace", suffix), definition, kind.Gvk),
                    "patch" => Patches(Id("patch", suffix), definition, kind.Gvk),
                    _ => Creates(Id("create", suffix), definition, kind.Gvk),
                });
        if (operations.Count > 0) yield return ApiPath.Of(path, operations.DrainToImmutable());
    }

    ImmutableArray<ApiOperation> Connects(ApiSubresource sub, string suffix, GroupVersionKind kind, ImmutableArray<ApiParameter> parameters)
    {
        var methods = sub.Verbs.Select(v => v switch { "create" => "post", "update" => "put", _ => v }).ToList();
        if (methods.Contains("put")) methods.AddRange(["head", "options"]);
        return [.. methods.Select(m => Operation(m, Id("connect", suffix, Pascal(m)), "connect", kind) with { Parameters = parameters, Produces = MediaKinds.Any, Answers = [(200, null)] })];
    }

    /// <summary>The fields of an options kind are the query parameters of the connection.</summary>
    static IEnumerable<ApiParameter> OptionsOf(KindInfo kind) =>
        kind.Schema.Fields.Where(f => f.Name is not ("kind" or "apiVersion"))
            .Select(f => Parameters.Query(f.Name, f.Kind switch { ValueKind.Bool => "boolean", ValueKind.Int32 or ValueKind.Int64 => "integer", _ => "string" }))
            .Where(p => p.Name != "sinceTime");

    /// <summary>The old paths of watches, which clients are told not to use.</summary>
    IEnumerable<ApiPath> Watches()
    {
        if (!Can("watch")) yield break;
        string watched = Watch(_list);
        yield return Watching(watched, Id("watch", "List"), "watchlist", _in);
        if (_info.Namespaced)
            yield return Watching(watched.Replace("/namespaces/{namespace}", "", StringComparison.Ordinal), $"watch{_prefix}{_info.Kind.Kind}ListForAllNamespaces", "watchlist", [Parameters.Pretty]);
        if (Can("get")) yield return Watching(Watch(_item), Id("watch"), "watch", _of);
    }

    static string Watch(string path)
    {
        int at = path.IndexOf('/', path.StartsWith("/api/", StringComparison.Ordinal) ? 5 : path.IndexOf('/', 6) + 1);
        return path[..at] + "/watch" + path[at..];
    }

    ApiPath Watching(string path, string id, string action, ImmutableArray<ApiParameter> parameters) => ApiPath.Of(path,
        [Operation("get", id, action) with { Parameters = [.. Parameters.List, .. parameters], Produces = MediaKinds.Watches, Answers = [(200, _definitions.AddMeta("WatchEvent"))], Deprecated = true }]);
}
