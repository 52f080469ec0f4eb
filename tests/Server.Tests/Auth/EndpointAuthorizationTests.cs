using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Xunit.Abstractions;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Whatever the server serves is asked for by one who may, one who may not and nobody: made of what it serves, so that nothing new is left out.</summary>
public sealed class EndpointAuthorizationTests(ITestOutputHelper output) : IAsyncLifetime
{
    static readonly Identity s_may = new("may", [Hanbae.Server.Auth.Groups.Authenticated]), s_mayNot = new("may-not", [Hanbae.Server.Auth.Groups.Authenticated]);
    const string Role = "one-thing";

    /// <summary>Where something is that is no resource. Who adds a path adds it here, and says by that that it is to be authorized as a path.</summary>
    static readonly string[] s_paths =
    [
        "/.well-known/openid-configuration", "/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version",
    ];

    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        ApiServer? made = null;
        _server = await StartAsync(also: o => o with
        {
            LegacyApis = true,
            Paths = [.. new OpenApiHandler(() => made?.MoreOpenApi ?? []).Routes, .. new DiscoveryHandler(() => made?.MoreGroups ?? [], "localhost:6443", true).Routes],
        });
        made = _server.Api;
        await _server.BindAsync(Role, User("may"), Rule("none", "none", "none"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task GrantAsync(params PolicyRule[] rules)
    {
        var role = await _server.GetAsync<ClusterRole>("", Role);
        Good(await _server.CallAsync(Admin, "PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/" + Role, role with { Rules = rules }));
    }

    /// <summary>Verbs as requests; null for what no request alone can be.</summary>
    static (string Method, bool Named, (string, string)[] Query)? RequestOf(string verb) => verb switch
    {
        "get" => ("GET", true, []),
        "list" => ("GET", false, []),
        // Ends at once behind authorization: there is no such version.
        "watch" => ("GET", false, [("watch", "1"), ("resourceVersion", "nonsense")]),
        "create" => ("POST", false, [("dryRun", "All")]),
        "update" => ("PUT", true, [("dryRun", "All")]),
        "patch" => ("PATCH", true, [("dryRun", "All")]),
        "delete" => ("DELETE", true, [("dryRun", "All")]),
        "deletecollection" => ("DELETE", false, [("dryRun", "All")]),
        _ => null,
    };

    static IEnumerable<(ResourceInfo Info, string Subresource, string Verb)> Endpoints(ApiServer server)
    {
        foreach (var resource in server.Resources.All)
        {
            foreach (string verb in resource.Info.Verbs) yield return (resource.Info, "", verb);
            foreach (var sub in resource.Info.Subresources)
                foreach (string verb in sub.Verbs) yield return (resource.Info, sub.Name, verb);
            // What answers but is not told of in discovery.
            foreach (string hidden in resource.Handlers.Keys)
                if (hidden.Length > 0 && !resource.Info.Subresources.Any(s => s.Name == hidden))
                    foreach (string verb in (string[])["get", "create"]) yield return (resource.Info, hidden, verb);
        }
    }

    [Fact]
    public async Task Every_resource_and_verb_is_for_those_who_may()
    {
        var wrong = new List<string>();
        int seen = 0;
        foreach (var (info, sub, verb) in Endpoints(_server.Api))
        {
            string what = $"{verb} {info.Gvr.Group}/{info.Gvr.Version} {info.Gvr.Resource}/{sub}";
            if (RequestOf(verb) is not var (method, named, query))
            {
                wrong.Add(what + ": no request is known for that verb");
                continue;
            }
            string path = info.Path(info.Namespaced ? "default" : "", named || sub.Length > 0 ? "some" : "", sub);
            async Task<(int Code, string Text)> Ask(Identity user)
            {
                var result = await _server.CallAsync(user, method, path, null, query);
                return (result.Code, Message(result));
            }
            string resource = sub.Length > 0 ? info.Gvr.Resource + "/" + sub : info.Gvr.Resource;
            await GrantAsync(Rule(verb, info.Gvr.Group, resource));
            if (await Ask(s_may) is { Code: 401 or 403 } refused) wrong.Add($"{what}: who may is refused: {refused.Text}");
            foreach (var user in (Identity[])[s_mayNot, RequestContext.Anonymous])
                if (await Ask(user) is var answer && (answer.Code != 403 || !answer.Text.Contains($"User \"{user.Name}\" cannot {verb} resource \"{resource}\" in API group \"{info.Gvr.Group}\"", StringComparison.Ordinal)))
                    wrong.Add($"{what}: {user.Name} is answered {answer.Code} {answer.Text}");
            // The right to the resource is none to what is below it, and the other way round.
            await GrantAsync(Rule(verb, info.Gvr.Group, sub.Length > 0 ? info.Gvr.Resource : resource + "/status"));
            if (await Ask(s_may) is { Code: not 403 } taken) wrong.Add($"{what}: allowed by the wrong right: {taken.Code}");
            seen++;
        }
        output.WriteLine($"{seen} endpoints");
        Assert.Empty(wrong);
        Assert.InRange(seen, 700, 5000);
    }

    [Fact]
    public async Task Every_path_is_for_those_who_may()
    {
        var wrong = new List<string>();
        string[] paths = [.. s_paths, "/", "/readyz/ping", "/livez/etcd", "/openapi/v3/api/v1", "/apis/apps", "/apis/apps/v1", "/api/v1", "/logs", "/debug/pprof/"];
        foreach (string path in paths)
        {
            await GrantAsync(new PolicyRule { Verbs = ["get"], NonResourceURLs = [path] });
            if ((await _server.CallAsync(s_may, "GET", path)).Code is 401 or 403) wrong.Add(path + ": who may is refused");
            foreach (var user in (Identity[])[s_mayNot, RequestContext.Anonymous])
                if (await _server.CallAsync(user, "GET", path) is var answer && (answer.Code != 403 || Message(answer) != $"forbidden: User \"{user.Name}\" cannot get path \"{path}\"")) wrong.Add($"{path}: {user.Name} is answered {answer.Code} {Message(answer)}");
            await GrantAsync(new PolicyRule { Verbs = ["get"], NonResourceURLs = [path + "-not"] });
            if ((await _server.CallAsync(s_may, "GET", path)).Code != 403) wrong.Add(path + ": allowed by the wrong right");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_path_is_known_here()
    {
        var served = _server.Api.Options.Paths.Select(p => p.Path.TrimEnd('/')).Where(p => p.Length > 0);
        Assert.DoesNotContain(served, p => !s_paths.Any(known => p == known || p.StartsWith(known + "/", StringComparison.Ordinal)));
    }
}
