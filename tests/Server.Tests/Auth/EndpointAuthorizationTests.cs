using System.Collections.Immutable;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Discovery;
using Hanbae.Server.OpenApi;
using Hanbae.Server.ResourceMetrics;
using Hanbae.Server.Tests.Aggregation;
using Hanbae.Server.Tests.Crd;
using Xunit.Abstractions;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Whatever the server serves is asked for by one who may, one who may not and nobody: made of what it serves, so that nothing new is left out.</summary>
/// <remarks>The server has all that the program gives it: older versions, custom resources, other servers behind it, figures, flow control.</remarks>
public sealed class EndpointAuthorizationTests(ITestOutputHelper output) : IAsyncLifetime
{
    static readonly Identity s_may = new("may", [Hanbae.Server.Auth.Groups.Authenticated]), s_mayNot = new("may-not", [Hanbae.Server.Auth.Groups.Authenticated]);
    const string Role = "one-thing";

    /// <summary>What is done at a start, of a server that aggregates and shares its time.</summary>
    static readonly string[] s_hooks =
    [
        "aggregator-reload-proxy-client-cert", "apiservice-discovery-controller", "apiservice-openapi-controller", "apiservice-openapiv3-controller", "apiservice-registration-controller",
        "apiservice-status-local-available-controller", "apiservice-status-remote-available-controller", "crd-informer-synced", "generic-apiserver-start-informers",
        "kube-apiserver-autoregistration", "priority-and-fairness-config-consumer", "priority-and-fairness-filter", "start-apiextensions-controllers", "start-apiextensions-informers",
        "start-apiserver-admission-initializer", "start-kube-aggregator-informers", "storage-object-count-tracker-hook",
    ];

    /// <summary>Where something is that is no resource. Who adds a path adds it here, and says by that that it is to be authorized as a path; a star stands for what is below.</summary>
    static readonly string[] s_paths =
    [
        "/", "/.well-known/openid-configuration", "/api", "/api/*", "/apis", "/apis/*", "/apis/metrics.k8s.io/v1beta1/*", "/flagz", "/statusz",
        "/debug/api_priority_and_fairness/dump_priority_levels", "/debug/api_priority_and_fairness/dump_queues", "/debug/api_priority_and_fairness/dump_requests",
        "/healthz", "/healthz/autoregister-completion", "/healthz/etcd", "/healthz/log", "/healthz/ping", "/index.html", "/livez", "/livez/autoregister-completion", "/livez/etcd", "/livez/log", "/livez/ping", "/metrics", "/metrics/slis",
        "/openapi/v2", "/openapi/v3", "/openapi/v3/*", "/openid/v1/jwks",
        "/readyz", "/readyz/autoregister-completion", "/readyz/etcd", "/readyz/etcd-readiness", "/readyz/informer-sync", "/readyz/log", "/readyz/ping", "/readyz/shutdown",
        "/version", "/version/",
        .. from path in (string[])["/healthz", "/livez", "/readyz"] from hook in s_hooks select $"{path}/poststarthook/{hook}",
    ];

    /// <summary>Resources that others answer for: they are authorized here all the same. By group and version.</summary>
    static readonly (string Group, string Version, string Resource, bool Namespaced)[] s_elsewhere =
    [
        (ResourceMetricsApi.Group, ResourceMetricsApi.Version, "nodes", false), (ResourceMetricsApi.Group, ResourceMetricsApi.Version, "pods", true),
        (FlunderServer.Group, FlunderServer.Version, "flunders", true), (FlunderServer.Group, FlunderServer.Version, "fischers", false),
    ];

    readonly CancellationTokenSource _stop = new();
    Task _aggregating = Task.CompletedTask;
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        ApiServer? made = null;
        _server = await StartAsync(o => o with { StaticTokens = StaticTokens.Parse("root,root,u1,system:masters\n") }, also: o => o with
        {
            LegacyApis = true, FlowControl = new(), MoreGroups = [ResourceMetricsApi.Served], Aggregation = new() { ProxyClientCertificate = () => null, CheckEvery = TimeSpan.FromMilliseconds(100) },
            Paths =
            [
                .. new ResourceMetricsApi(() => new([], [])).Routes,
                .. new OpenApiHandler(() => made?.MoreOpenApi ?? [], true, ResourceMetricsApi.Described).Routes, .. new DiscoveryHandler(() => made?.MoreGroups ?? [], "localhost:6443", true).Routes,
            ],
        });
        made = _server.Api;
        _aggregating = made.Aggregator!.RunAsync(_stop.Token);
        await _server.BindAsync(Role, User("may"), Rule("none", "none", "none"));
        var defined = await _server.Http.SendAsync("POST", CrdRig.Definitions, CrdRig.Thing("""{"type":"object","properties":{"replicas":{"type":"integer"}}}""",
            ""","subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}}"""), headers: ("Authorization", "Bearer root"));
        Assert.Equal(201, defined.Code);
        Good(await _server.CreateAsync(Admin, AggregatedServer.Flunders(1, default)));
        // Until both are served, which nobody tells.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (made.Resources.Find("example.com", "v1", "things") is null || (await _server.CallAsync(Admin, "GET", FlunderServer.Base + "/fischers")).Code != 503) await timer.WaitForNextTickAsync(patience.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _aggregating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        await _server.DisposeAsync();
    }

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

    sealed record Endpoint(string Group, string Version, string Resource, bool Namespaced, string Subresource, string Verb)
    {
        public string Path(bool named) => $"/{(Group.Length == 0 ? "api" : "apis/" + Group)}/{Version}{(Namespaced ? "/namespaces/default" : "")}/{Resource}{(named ? "/some" : "")}{(Subresource.Length > 0 ? "/" + Subresource : "")}";
        public override string ToString() => $"{Verb} {Group}/{Version} {Resource}/{Subresource}";
    }

    static readonly string[] s_standard = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

    static IEnumerable<Endpoint> Endpoints(ApiServer server)
    {
        foreach (var resource in server.Resources.All)
        {
            var info = resource.Info;
            Endpoint Of(string sub, string verb) => new(info.Gvr.Group, info.Gvr.Version, info.Gvr.Resource, info.Namespaced, sub, verb);
            // What a resource does not take is forbidden before it is said to be not allowed.
            foreach (string verb in info.Verbs.Concat(s_standard).Distinct()) yield return Of("", verb);
            foreach (var sub in info.Subresources)
                foreach (string verb in sub.Verbs) yield return Of(sub.Name, verb);
            // What answers but is not told of in discovery, and the history that every object has. Below a namespace's name there is what it holds.
            foreach (string hidden in info.Gvr.Resource == "namespaces" ? resource.Handlers.Keys : resource.Handlers.Keys.Append("history"))
                if (hidden.Length > 0 && !info.Subresources.Any(s => s.Name == hidden))
                    foreach (string verb in (string[])["get", "create"]) yield return Of(hidden, verb);
        }
        foreach (var (group, version, resource, namespaced) in s_elsewhere)
            foreach (string verb in s_standard)
                foreach (string sub in verb is "get" or "update" or "patch" or "create" ? (string[])["", "status"] : [""]) yield return new(group, version, resource, namespaced, sub, verb);
    }

    [Fact]
    public async Task Every_resource_and_verb_is_for_those_who_may()
    {
        var wrong = new List<string>();
        var groups = new HashSet<string>();
        int seen = 0;
        foreach (var what in Endpoints(_server.Api))
        {
            if (RequestOf(what.Verb) is not var (method, named, query))
            {
                wrong.Add(what + ": no request is known for that verb");
                continue;
            }
            string path = what.Path(named || what.Subresource.Length > 0);
            async Task<(int Code, string Text)> Ask(Identity user)
            {
                var result = await _server.CallAsync(user, method, path, null, query);
                return (result.Code, Message(result));
            }
            string resource = what.Subresource.Length > 0 ? what.Resource + "/" + what.Subresource : what.Resource;
            // Who runs something in a container by way of a GET creates it, too.
            string verbs = what is { Verb: not "create", Subresource: "exec" or "attach" or "portforward" } ? what.Verb + ",create" : what.Verb;
            await GrantAsync(Rule(verbs, what.Group, resource));
            if (await Ask(s_may) is { Code: 401 or 403 } refused) wrong.Add($"{what}: who may is refused: {refused.Text}");
            foreach (var user in (Identity[])[s_mayNot, RequestContext.Anonymous])
                if (await Ask(user) is var answer && (answer.Code != 403 || !answer.Text.Contains($"User \"{user.Name}\" cannot {what.Verb} resource \"{resource}\" in API group \"{what.Group}\"", StringComparison.Ordinal)))
                    wrong.Add($"{what}: {user.Name} is answered {answer.Code} {answer.Text}");
            // The right to the resource is none to what is below it, and the other way round; nor is any other verb, group or name.
            foreach (var rule in (PolicyRule[])[Rule(verbs, what.Group, what.Subresource.Length > 0 ? what.Resource : resource + "/status"), Rule(verbs, what.Group + "x", resource), Rule(verbs + "x", what.Group, resource), Rule(verbs, what.Group, resource, "another")])
            {
                await GrantAsync(rule);
                if (await Ask(s_may) is { Code: not 403 } taken) wrong.Add($"{what}: allowed by the wrong right: {taken.Code}");
            }
            groups.Add(what.Group);
            seen++;
        }
        output.WriteLine($"{seen} endpoints of {groups.Count} groups");
        Assert.Empty(wrong);
        Assert.Superset(new HashSet<string> { "", "apps", "example.com", ResourceMetricsApi.Group, FlunderServer.Group }, groups);
        Assert.InRange(seen, 1200, 10_000);
    }

    /// <summary>Those that the server has, and some that it has not: a path is authorized before it is looked for.</summary>
    IEnumerable<string> Paths() => _server.Api.Routes.Select(r => r.Below ? r.Path + "some" : r.Path).Where(p => !RequestInfo.Of(new Asked(p)).IsResourceRequest)
        .Concat(["/openapi/v3/api/v1", "/apis/apps", "/apis/apps/v1", "/api/v1", "/apis/example.com/v1", FlunderServer.Base, "/logs", "/logs/", "/debug/pprof/", "/debug/pprof/heap", "/statusz", "/flagz", "/nothing"]).Distinct();

    sealed class Asked(string path) : RequestContext("GET", path, [], CancellationToken.None)
    {
        public override string RawTarget => Path;
        public override IEnumerable<KeyValuePair<string, string>> Headers => [];
        public override string Header(string name) => "";
        public override System.Security.Cryptography.X509Certificates.X509Certificate2? ClientCertificate => null;
        public override string RemoteAddress => "";
        public override bool InProcess => false;
        public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => default;
    }

    [Fact]
    public async Task Every_path_is_for_those_who_may()
    {
        var wrong = new List<string>();
        int seen = 0;
        foreach (string path in Paths())
            foreach (string method in (string[])["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
            {
                string verb = method.ToLowerInvariant(), what = $"{method} {path}";
                await GrantAsync(new PolicyRule { Verbs = [verb], NonResourceURLs = [path] });
                if ((await _server.CallAsync(s_may, method, path)).Code is 401 or 403) wrong.Add(what + ": who may is refused");
                foreach (var user in (Identity[])[s_mayNot, RequestContext.Anonymous])
                    if (await _server.CallAsync(user, method, path) is var answer && (answer.Code != 403 || Message(answer) != $"forbidden: User \"{user.Name}\" cannot {verb} path \"{path}\"")) wrong.Add($"{what}: {user.Name} is answered {answer.Code} {Message(answer)}");
                foreach (var rule in (PolicyRule[])[new() { Verbs = [verb], NonResourceURLs = [path + "-not", path + "/*"] }, new() { Verbs = [verb == "get" ? "post" : "get"], NonResourceURLs = [path] }, Rule(verb, "*", "*")])
                {
                    await GrantAsync(rule);
                    if ((await _server.CallAsync(s_may, method, path)).Code != 403) wrong.Add(what + ": allowed by the wrong right");
                }
                seen++;
            }
        output.WriteLine($"{seen} paths and methods");
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_path_is_known_here() =>
        Assert.Equal(s_paths.Order(StringComparer.Ordinal), _server.Api.Routes.Select(p => p.Below ? p.Path + "*" : p.Path).Distinct().Order(StringComparer.Ordinal));

    /// <summary>A path below which somebody answers for resources must be among those that are asked for.</summary>
    [Fact]
    public void Who_answers_for_resources_by_a_path_is_known_here()
    {
        var answered = _server.Api.Routes.Where(r => r.Below && RequestInfo.Of(new Asked(r.Path + "some")).IsResourceRequest).Select(r => RequestInfo.Of(new Asked(r.Path + "some"))).Select(i => (i.ApiGroup, i.ApiVersion)).ToImmutableArray();
        Assert.NotEmpty(answered);
        Assert.DoesNotContain(answered, a => !s_elsewhere.Any(e => (e.Group, e.Version) == a));
    }

    [Theory]
    [InlineData("exec")]
    [InlineData("attach")]
    [InlineData("portforward")]
    public async Task Who_may_only_get_runs_nothing_in_a_container_by_way_of_a_WebSocket(string subresource)
    {
        await _server.MakeAsync(Pod("p"));
        string path = "/api/v1/namespaces/default/pods/p/" + subresource;
        await GrantAsync(Rule("get", "", "pods/" + subresource));
        var refused = await _server.CallAsync(s_may, "GET", path, null, ("command", "sh"));
        await GrantAsync(Rule("get,create", "", "pods/" + subresource));
        var asked = await _server.CallAsync(s_may, "GET", path, null, ("command", "sh"));

        Assert.Equal((403, $"pods \"p\" is forbidden: User \"may\" cannot create resource \"pods/{subresource}\" in API group \"\" in the namespace \"default\""), (refused.Code, Message(refused)));
        Assert.Equal((400, "pod p does not have a host assigned"), (asked.Code, Message(asked)));
    }
}
