using System.Collections.Immutable;
using System.Text;
using Hanbae.Server.Discovery;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Health;

/// <summary>Lists what there is to ask for: <c>kubectl get --raw /</c>.</summary>
/// <param name="more">Groups that are served besides those of the catalog.</param>
sealed class PathIndex(ResourceCatalog resources, IReadOnlyList<PathRoute> fixedPaths, Func<ImmutableArray<ServedGroup>> more)
{
    public IEnumerable<PathRoute> Paths()
    {
        yield return new("/", false, Answer);
        yield return new("/index.html", false, Answer);
    }

    ValueTask<Reply> Answer(RequestContext request)
    {
        if (request.Method is not ("GET" or "HEAD")) throw Errors.Statuses.MethodNotAllowed();
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var route in fixedPaths)
            if (!route.Below) paths.Add(route.Path);
        foreach (var resource in resources.All) Add(paths, resource.Info.Gvr.Group, resource.Info.Gvr.Version);
        foreach (var group in more())
            foreach (var version in group.Versions) Add(paths, group.Name, version.Version);
        // Names of paths need no escapes; two spaces are Go's MarshalIndent.
        var text = new StringBuilder("{\n  \"paths\": [\n    \"").AppendJoin("\",\n    \"", paths).Append("\"\n  ]\n}");
        return new(Reply.Bytes("application/json", Encoding.UTF8.GetBytes(text.ToString())));
    }

    static void Add(SortedSet<string> paths, string group, string version)
    {
        string parent = group.Length == 0 ? "/api" : "/apis/" + group;
        paths.Add(group.Length == 0 ? "/api" : "/apis");
        paths.Add(parent);
        paths.Add(parent + "/" + version);
    }
}
