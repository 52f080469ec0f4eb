using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Authorization.V1;
using Hanbae.Kit;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Server;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Tests.Real;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Server;

/// <summary>Every path of the kubelet's API: who may is let in, who may not hears why, who says nothing of himself is turned away.</summary>
public sealed partial class KubeletPathTests : IAsyncLifetime
{
    /// <summary>A path, what it is of the Node (any of them will do), and what it answers where there is no Pod.</summary>
    static readonly (string Method, string Path, string Subresources, int Code)[] s_paths =
    [
        ("GET", "/healthz", "healthz proxy", 200), ("GET", "/healthz/ping", "healthz proxy", 200), ("GET", "/healthz/log", "healthz proxy", 200), ("GET", "/healthz/syncloop", "healthz proxy", 200),
        ("GET", "/pods", "pods proxy", 200), ("GET", "/runningpods/", "pods proxy", 200), ("GET", "/configz", "configz proxy", 200),
        ("GET", "/stats", "stats", 200), ("GET", "/stats/summary", "stats", 200),
        ("GET", "/metrics", "metrics", 200), ("GET", "/metrics/cadvisor", "metrics", 200), ("GET", "/metrics/resource", "metrics", 200), ("GET", "/metrics/probes", "metrics", 200),
        ("GET", "/containerLogs/default/web/main", "proxy", 404),
        ("POST", "/exec/default/web/main?command=id&output=1", "proxy", 404), ("GET", "/exec/default/web/uid/main?command=id&output=1", "proxy", 404),
        ("POST", "/attach/default/web/main?output=1", "proxy", 404), ("GET", "/attach/default/web/uid/main?output=1", "proxy", 404),
        ("POST", "/portForward/default/web", "proxy", 404), ("GET", "/portForward/default/web/uid", "proxy", 404),
        // What is not there is not told to everybody either.
        ("GET", "/logs/none.log", "log", 404), ("GET", "/metrics/slis", "metrics", 200), ("GET", "/healthz/none", "healthz proxy", 404), ("POST", "/checkpoint/default/web/main", "checkpoint", 404), ("POST", "/run/default/web/main", "proxy", 404), ("GET", "/statusz", "statusz", 200), ("GET", "/flagz", "configz", 200), ("POST", "/flagz", "configz", 405),
        ("GET", "/debug/pprof/", "proxy", 404), ("GET", "/healthzy", "proxy", 404), ("GET", "/podsx", "proxy", 404), ("GET", "/", "proxy", 404),
    ];

    readonly PodBench _bench = new();
    readonly TestPki _pki = new();
    readonly MemoryApi _api = new();
    readonly CancellationTokenSource _stop = new();
    PodWorkers _workers = null!;
    KubeletServer _server = null!;
    HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        // A token says who, and of what subresource its owner may do what.
        _api.OnCreate = o => o switch
        {
            TokenReview r => r with { Status = r.Spec.Token.StartsWith("may-", StringComparison.Ordinal) ? new() { Authenticated = true, User = new() { Username = r.Spec.Token } } : new() },
            SubjectAccessReview { Spec: { User: var user, ResourceAttributes: { Resource: "nodes", Name: "node" } of } } r => r with { Status = new() { Allowed = user == "may-all" || user == $"may-{of.Verb}-{of.Subresource}" } },
            _ => null,
        };
        var options = _bench.Options with { ServingCertificate = _pki.Server, ClientCAs = [_pki.Authority], Address = IPAddress.Loopback, Port = 0 };
        var workers = _workers = new PodWorkers(_bench.Context, _stop.Token);
        var sampler = new PodSampler(options, _bench.Cri, () => [], TimeProvider.System, NullLogger.Instance);
        var prober = new Prober(_bench.Cri, _bench.Events, _bench.Time, _ => "127.0.0.1");
        var stats = new StatsRoutes(options, _bench.Cri, sampler, workers, prober, Hanbae.Kubelet.Nodes.MachineInfo.Read(options.Folders.Data), () => "1");
        _server = new(options, new(options, _api, TimeProvider.System, NullLogger.Instance), new(options, _bench.Cri, workers, stats, TimeProvider.System, NullLogger.Instance));
        await _server.StartAsync(default);
        _client = _pki.Client(null);
        _client.BaseAddress = new($"https://127.0.0.1:{_server.Port}");
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        await _stop.CancelAsync();
        _stop.Dispose();
        _pki.Dispose();
        _bench.Dispose();
    }

    public static TheoryData<string, string, string, int> Paths()
    {
        var data = new TheoryData<string, string, string, int>();
        foreach (var (method, path, subresources, code) in s_paths) data.Add(method, path, subresources, code);
        return data;
    }

    async Task<(int Code, string Text)> AskAsync(string method, string path, string? token)
    {
        using var request = new HttpRequestMessage(new(method), path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await _client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    [Theory, MemberData(nameof(Paths))]
    public async Task Only_who_may_is_answered(string method, string path, string subresources, int code)
    {
        string verb = method == "POST" ? "create" : "get";
        Assert.Equal((401, "Unauthorized"), await AskAsync(method, path, null));
        Assert.Equal((401, "Unauthorized"), await AskAsync(method, path, "bad"));
        Assert.Equal((403, $"Forbidden (user=may-nothing, verb={verb}, resource=nodes, subresource(s)=[{subresources}])"), await AskAsync(method, path, "may-nothing"));
        Assert.Equal(code, (await AskAsync(method, path, "may-all")).Code);
        string[] any = subresources.Split(' ');
        foreach (string subresource in (string[])["healthz", "pods", "configz", "stats", "metrics", "log", "checkpoint", "statusz", "proxy"])
            Assert.Equal(any.Contains(subresource) ? code : 403, (await AskAsync(method, path, $"may-{verb}-{subresource}")).Code);
        // To read is not to act, nor the other way.
        Assert.Equal(403, (await AskAsync(method, path, $"may-{(verb == "get" ? "create" : "get")}-{any[0]}")).Code);
        // A certificate says who as a token does; the API server's own needs nobody's word.
        await CertifiedAsync("nobody", 403);
        await CertifiedAsync("kube-apiserver-kubelet-client", code);

        async Task CertifiedAsync(string name, int expected)
        {
            using var client = _pki.Client(name);
            using var answer = await client.SendAsync(new(new(method), _client.BaseAddress + path[1..]));
            Assert.Equal(expected, (int)answer.StatusCode);
        }
    }

    /// <summary>In upstream's words, by which clients know it: a container of that name has ended, or never began.</summary>
    [Theory]
    [InlineData("/exec/default/web/main?command=id&output=1", "container not found (\"main\")")]
    [InlineData("/attach/default/web/main?output=1", "container main not found in pod web_default")]
    public async Task Nobody_speaks_with_what_does_not_run(string path, string told)
    {
        Assert.Equal((404, "pod does not exist"), await AskAsync("POST", path, "may-all"));
        Assert.Equal((404, "pod \"web\" does not exist"), await AskAsync("GET", "/containerLogs/default/web/main", "may-all"));
        _workers.Add(Make.Pod(Make.Container("main", "no-such-image")));
        Assert.Equal((500, told), await AskAsync("POST", path, "may-all"));
    }

    /// <summary>A path that somebody adds is asked for here, too.</summary>
    [Fact]
    public void Every_path_that_is_served_is_among_them()
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "src/Kubelet/Server/KubeletRoutes.cs"));
        string[] served = [.. Route().Matches(source).Select(m => m.Groups[1].Value).Distinct()];
        Assert.True(served.Length >= 10, $"{served.Length} routes found: does the source still have them as list patterns?");
        Assert.Empty(served.Except(s_paths.Select(p => p.Path.Split('/', '?')[1])));
        string[] second = [.. Second().Matches(source).SelectMany(m => m.Groups[2].Value.Split(" or ").Select(s => $"{m.Groups[1].Value}/{s.Trim('"')}"))];
        Assert.NotEmpty(second);
        Assert.Empty(second.Except(s_paths.Select(p => p.Path[1..])));
    }

    [GeneratedRegex("""(?:^ +|or )\["(\w+)"[\],]""", RegexOptions.Multiline)]
    private static partial Regex Route();

    [GeneratedRegex("""\["(\w+)", ("\w+"(?: or "\w+")*)\]""")]
    private static partial Regex Second();
}
