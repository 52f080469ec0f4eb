namespace Hanbae.Server;

/// <summary>What a path and method ask for, as upstream's RequestInfo resolves them: what authorization, audit and routing look at.</summary>
public sealed record RequestInfo
{
    public required bool IsResourceRequest { get; init; }
    /// <summary>get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in small letters.</summary>
    public required string Verb { get; init; }
    public string ApiPrefix { get; init; } = "";
    public string ApiGroup { get; init; } = "";
    public string ApiVersion { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    /// <summary>The name in the path.</summary>
    public string Name { get; init; } = "";
    /// <summary>The path segments from the resource on, for what stands behind a subresource (proxy).</summary>
    public IReadOnlyList<string> Parts { get; init; } = [];

    public static RequestInfo Of(RequestContext request) => Of(request.Method, request.Path, request.Parameter("watch"));

    /// <param name="watch">The query parameter of that name.</param>
    internal static RequestInfo Of(string method, string path, string? watch)
    {
        string[] parts = Split(path.AsSpan().Trim('/'));
        if (parts.Length < 3 || parts[0] is not ("api" or "apis")) return Other(method);
        int at = 1;
        string group = "";
        if (parts[0] == "apis")
        {
            if (parts.Length < 4) return Other(method);
            group = parts[at++];
        }
        string version = parts[at++];
        string verb = method switch
        {
            "POST" => "create", "GET" or "HEAD" => "get", "PUT" => "update", "PATCH" => "patch", "DELETE" => "delete", _ => "",
        };
        bool watchPath = parts[at] == "watch";
        if (watchPath)
        {
            if (++at >= parts.Length) return Other(method);
            verb = "watch";
        }
        string ns = "";
        if (parts[at] == "namespaces" && at + 1 < parts.Length)
        {
            ns = parts[at + 1];
            // namespaces/x/status and finalize are subresources of the namespace, all else is something in it.
            if (at + 2 < parts.Length && parts[at + 2] is not ("status" or "finalize")) at += 2;
        }
        string name = at + 1 < parts.Length ? parts[at + 1] : "";
        if (name.Length == 0)
        {
            if (verb == "get") verb = IsTrue(watch) ? "watch" : "list";
            else if (verb == "delete") verb = "deletecollection";
        }
        return new()
        {
            IsResourceRequest = true, Verb = verb, ApiPrefix = parts[0], ApiGroup = group, ApiVersion = version, Namespace = ns,
            Resource = parts[at], Name = name, Subresource = at + 2 < parts.Length ? parts[at + 2] : "", Parts = parts.Length > at + 3 ? parts[at..] : [],
        };
    }

    static RequestInfo Other(string method) => new() { IsResourceRequest = false, Verb = method.ToLowerInvariant() };

    /// <summary>At each slash; what stands in most paths is not made anew.</summary>
    static string[] Split(ReadOnlySpan<char> path)
    {
        string[] parts = new string[path.Count('/') + 1];
        int count = 0;
        foreach (var range in path.Split('/'))
            parts[count++] = path[range] switch
            {
                "api" => "api", "apis" => "apis", "v1" => "v1", "namespaces" => "namespaces", "pods" => "pods", "events" => "events", "nodes" => "nodes", "leases" => "leases",
                "status" => "status", "binding" => "binding", "apps" => "apps", "coordination.k8s.io" => "coordination.k8s.io", var part => part.ToString(),
            };
        return parts;
    }

    /// <summary>As upstream converts query parameters: absent, <c>false</c> and <c>0</c> are false, all else is true.</summary>
    internal static bool IsTrue(string? value) => value is not (null or "false" or "0");
}
