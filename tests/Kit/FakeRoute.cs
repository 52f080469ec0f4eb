using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Rest;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Kit;

/// <summary>Reads a request's path and selectors for <see cref="FakeApi"/>.</summary>
sealed record FakeRoute(ResourceInfo Resource, string Namespace, string Name, string Subresource)
{
    static readonly ConcurrentDictionary<GroupVersion, ResourceInfo[]> Known = new();

    /// <summary>The one instance of a resource, so that it can be a key.</summary>
    public static ResourceInfo For<T>() where T : class, IObject<T> => InGroup(new(T.Info.Gvk.Group, T.Info.Gvk.Version)).First(r => r.Kind == T.Info);

    static ResourceInfo[] InGroup(GroupVersion gv) => Known.GetOrAdd(gv, static gv => [.. Resources.Of(gv)]);

    public static FakeRoute Of(string path)
    {
        string[] words = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString).ToArray();
        bool core = words[0] == "api";
        // There is no discovery here: callers take what is built in.
        if (words.Length < (core ? 3 : 4)) throw FakeApi.Error(404, "NotFound", "the server could not find the requested resource");
        var gv = core ? new GroupVersion("", words[1]) : new GroupVersion(words[1], words[2]);
        words = words[(core ? 2 : 3)..];
        string ns = "";
        // namespaces/x/pods is in a namespace; namespaces/x and namespaces/x/status are about one.
        if (words.Length > 2 && words[0] == "namespaces" && words[2] is not ("status" or "finalize"))
        {
            ns = words[1];
            words = words[2..];
        }
        var resource = InGroup(gv).FirstOrDefault(r => r.Gvr.Resource == words[0])
            ?? throw FakeApi.Error(404, "NotFound", "the server could not find the requested resource");
        return new(resource, ns, words.Length > 1 ? words[1] : "", words.Length > 2 ? words[2] : "");
    }

    /// <summary>What a list or a watch asks for; of fields only the name, the namespace, and a Pod's node.</summary>
    public static Func<IObject, bool> Selection(ApiRequest request)
    {
        var labels = Selector.Parse(request.Parameter("labelSelector") ?? "");
        var fields = FieldSelector.Parse(request.Parameter("fieldSelector") ?? "");
        return obj => labels.Matches(obj.Metadata.Labels) && fields.Matches(field => field switch
        {
            "metadata.name" => obj.Metadata.Name,
            "metadata.namespace" => obj.Metadata.Namespace,
            "spec.nodeName" => (obj as Hanbae.Api.Core.V1.Pod)?.Spec.NodeName,
            _ => null,
        });
    }
}
