using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Schema;
using Xunit.Abstractions;

namespace Hanbae.Server.Tests;

/// <summary>Whatever is sent: an answer that blames the sender, in bounded time and memory, from a server that goes on.</summary>
[Collection(Alone)]
public sealed class HostileInputTests(ITestOutputHelper output)
{
    public const string Alone = "alone in the process";
    const string Maps = "/api/v1/namespaces/default/configmaps";
    const int Requests = 2000;
    /// <summary>For a single request, on a machine that is busy with other things.</summary>
    static readonly TimeSpan s_bound = TimeSpan.FromMinutes(1);

    static readonly (string Path, KindInfo Kind, string Json)[] s_seeds =
    [
        (Maps, ConfigMap.Info, """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"},"annotations":{"k":"v"},"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u"}]},"data":{"k":"v"},"binaryData":{"b":"AAEC"}}"""),
        ("/api/v1/namespaces/default/pods", Pod.Info, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"100m","memory":"1Gi"}},"env":[{"name":"A","value":"b"}],"livenessProbe":{"httpGet":{"port":"http","path":"/"}}}],"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],"tolerations":[{"key":"k","operator":"Exists"}]}}"""),
        ("/api/v1/namespaces/default/services", Service.Info, """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"a":"b"},"ports":[{"port":80,"targetPort":"http"}]}}"""),
        ("/apis/apps/v1/namespaces/default/deployments", Deployment.Info, """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}},"strategy":{"rollingUpdate":{"maxSurge":"25%"}}}}"""),
    ];

    static readonly string[] s_tokens =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "\"", "\\u0000", "\\ud800", "1e999", "-0", "9223372036854775808", "1.5", "\"metadata\":", "\"\"", "--- ", "&a ", "*a", "\n", "\t", "%", "\0", "\u00ff", "..", "/",
        "!!binary ", "<<: ", "0x10", ".inf", "~", "\"creationTimestamp\":\"x\"", "\"finalizers\":[\"\"]", "\"$patch\":\"replace\"", "\"$setElementOrder/containers\":[{\"name\":1}]", "\"$deleteFromPrimitiveList/finalizers\":[1]",
    ];

    static readonly (string Name, string[] Values)[] s_parameters =
    [
        ("labelSelector", ["a=b", "a in (b", "!", "a!=b,,", "a>1", "((", "é=ü", "a=b=c", ",", "a notin ()"]),
        ("fieldSelector", ["metadata.name=a", "spec.nodeName=", "=", "metadata.name", "a\\=b=c", "metadata.name=a,metadata.name=b", "metadata.namespace!=x"]),
        ("resourceVersion", ["0", "1", "-1", "x", "99999999999999999999", "1.0"]), ("resourceVersionMatch", ["Exact", "NotOlderThan", "x"]),
        ("continue", ["x", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi8uLiJ9", "e30", "bnVsbA", "W10"]), ("limit", ["-1", "1", "x", "99999999999999999999"]),
        ("timeoutSeconds", ["1"]), ("watch", ["0", "false"]), ("pretty", ["1", "x"]), ("dryRun", ["All", "x", ""]), ("fieldValidation", ["Strict", "Warn", "x"]), ("fieldManager", ["m", "\n"]),
        ("gracePeriodSeconds", ["-1", "x", "0"]), ("propagationPolicy", ["x", "Foreground"]), ("force", ["1"]), ("includeObject", ["x", "None"]), ("allowWatchBookmarks", ["x"]), ("sendInitialEvents", ["true", "x"]),
    ];

    /// <summary>What upstream answers with a code of its own fault, too: a list at a revision that is no number, an applied field that is none, a Service that nobody serves, time that is up.</summary>
    static readonly (int Code, string Text)[] s_blamesItself =
    [
        (500, "resourceVersion: Invalid value"), (500, "failed to create typed patch object"), (503, "no endpoints available for service"), (504, ""),
    ];

    /// <param name="given">0 for one that nobody tried before, or that of HANBAE_FUZZ_SEED to see a round again.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(0)]
    public async Task No_request_makes_the_server_fail(int given)
    {
        int seed = given != 0 ? given : Environment.GetEnvironmentVariable("HANBAE_FUZZ_SEED") is { Length: > 0 } wanted ? int.Parse(wanted) : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var server = await TestServer.StartAsync();
        foreach (var (path, _, json) in s_seeds) Assert.Equal(201, (await server.PostAsync(path, json)).Code);
        int watches = await OpenWatchesAsync(server), watched = 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var failures = new List<string>();
        var codes = new SortedDictionary<int, int>();
        for (int i = 0; i < Requests; i++)
        {
            using var request = Make(server.Address, random, out string shown);
            using var patience = new CancellationTokenSource(s_bound);
            int code;
            string body;
            try
            {
                using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
                code = (int)response.StatusCode;
                // A watch that was begun lasts: all that can be waited for is its head. Going away must end it.
                if (code == 200 && AsksToWatch(request)) watched++;
                body = code == 200 && AsksToWatch(request) ? "" : await response.Content.ReadAsStringAsync(patience.Token);
            }
            catch (OperationCanceledException) { throw new Xunit.Sdk.XunitException($"seed {seed}: request {i} did not end within {s_bound}: {shown}"); }
            codes[code] = codes.GetValueOrDefault(code) + 1;
            if (code >= 500 && !s_blamesItself.Any(b => b.Code == code && body.Contains(b.Text))) failures.Add($"request {i}: {shown}\n{code} {body}");
        }
        Assert.True(failures.Count == 0, $"seed {seed}: {failures.Count} failures\n" + string.Join("\n\n", failures.Take(10)));
        output.WriteLine(string.Join(" ", codes.Select(c => $"{c.Key}:{c.Value}")) + $" watches:{watched}");
        Assert.True(codes.Keys.Count(c => c is 200 or 400 or 404 or 422) == 4, "the requests have become all alike");
        Assert.Equal(200, (await server.GetAsync(Maps)).Code);
        var limit = DateTime.UtcNow + s_bound;
        while (await OpenWatchesAsync(server) != watches) Assert.True(DateTime.UtcNow < limit, $"seed {seed}: watches whose clients have gone go on");
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 256 << 20, $"seed {seed}: {grown} bytes more than before");
    }

    static async Task<int> OpenWatchesAsync(TestServer server) =>
        (await server.GetAsync("/metrics")).Body.Split('\n').Where(l => l.StartsWith("apiserver_longrunning_requests{", StringComparison.Ordinal)).Sum(l => int.Parse(l[(l.LastIndexOf(' ') + 1)..]));

    /// <summary>Nonsense is a true <c>watch=</c>, as everything but <c>false</c> and <c>0</c>; and <c>/api/v1/watch/…</c> is the old way to ask.</summary>
    static bool AsksToWatch(HttpRequestMessage request) => request.Method == HttpMethod.Get
        && (request.RequestUri!.AbsolutePath.Contains("/watch/")
            || request.RequestUri.Query.TrimStart('?').Split('&').First(p => p.StartsWith("watch=", StringComparison.Ordinal)) is not ("watch=0" or "watch=false"));

    static HttpRequestMessage Make(Uri address, Random random, out string shown)
    {
        var (path, kind, json) = s_seeds[random.Next(s_seeds.Length)];
        string method = (string[])["GET", "GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE", "OPTIONS"] is var methods ? methods[random.Next(methods.Length)] : "";
        string name = ((string[])["a", "p", "s", "d", "none", "..", "%00", "%2e%2e", "%ff%fe", "a%2fb", new string('n', 3000), "%F0%9F%98%80", "a:b:c:d", "*"])[random.Next(14)];
        string target = random.Next(8) == 0 ? Path(random) : method is "POST" or "OPTIONS" && random.Next(4) > 0 ? path : random.Next(3) == 0 ? path : $"{path}/{name}";
        if (random.Next(10) == 0) target += ((string[])["/status", "/scale", "/log", "/exec", "/eviction", "/binding", "/proxy/x", "/nothing", "/finalize", "/token"])[random.Next(10)];
        var query = Enumerable.Range(0, random.Next(4)).Select(_ => s_parameters[random.Next(s_parameters.Length)]).Select(p => p.Name + "=" + Uri.EscapeDataString(random.Next(12) == 0 ? Text(random) : p.Values[random.Next(p.Values.Length)]));
        // Few watches: there is not much to see of them here.
        target += "?" + string.Join("&", query.Append("watch=0"));
        var request = new HttpRequestMessage(new(method), new Uri(address.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        string accept = ((string[])["application/json", "application/json", "*/*", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v1;g=meta.k8s.io", "a/b;q=x", ";;,,", "application/json;q=2"])[random.Next(9)];
        request.Headers.TryAddWithoutValidation("Accept", accept);
        byte[] body = [];
        if (method is "POST" or "PUT" or "PATCH" or "DELETE")
        {
            string type;
            (type, body) = Body(random, method, kind, json);
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        shown = $"{method} {(target.Length > 300 ? target[..300] : target)} {request.Content?.Headers.ContentType} {accept}\n{Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)))}";
        return request;
    }

    static (string Type, byte[] Body) Body(Random random, string method, KindInfo kind, string json)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        if (method == "PATCH")
            switch (random.Next(4))
            {
                case 0: return ("application/json-patch+json", Mutated(Encoding.UTF8.GetBytes("""[{"op":"add","path":"/metadata/labels/a~1b","value":"c"},{"op":"move","from":"/data","path":"/metadata/annotations"},{"op":"test","path":"/spec/containers/-","value":1},{"op":"remove","path":"/metadata/name"},{"op":"replace","path":"","value":{}},{"op":"copy","from":"/spec","path":"/spec/template"}]"""), random));
                case 1: return ("application/strategic-merge-patch+json", Mutated(bytes, random));
                case 2: return ("application/apply-patch+yaml", Mutated(bytes, random));
                default: return ("application/merge-patch+json", Mutated(bytes, random));
            }
        return random.Next(6) switch
        {
            0 => ("application/vnd.kubernetes.protobuf", Mutated(kind.ToProto(kind.Decode(bytes)), random)),
            1 => ("application/yaml", Mutated(Encoding.UTF8.GetBytes("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\n  labels: {a: b}\ndata:\n  k: |\n    v\n"), random)),
            2 => ("application/yaml", Mutated(bytes, random)),
            3 => (((string[])["text/plain", "", "application/json; charset=x", "application/cbor"])[random.Next(4)], Mutated(bytes, random)),
            _ => ("application/json", Mutated(bytes, random)),
        };
    }

    /// <summary>The same bytes with a few things wrong, or once in a while nothing.</summary>
    static byte[] Mutated(byte[] bytes, Random random)
    {
        var list = new List<byte>(bytes);
        for (int n = random.Next(5); n > 0 && list.Count > 0; n--)
        {
            int at = random.Next(list.Count), length = Math.Min(random.Next(40), list.Count - at);
            switch (random.Next(7))
            {
                case 0: list[at] = (byte)random.Next(256); break;
                case 1: list.RemoveRange(at, length); break;
                case 2: list.InsertRange(at, list.GetRange(at, length)); break;
                case 3: list.InsertRange(at, Encoding.UTF8.GetBytes(s_tokens[random.Next(s_tokens.Length)])); break;
                case 4: list.RemoveRange(at, list.Count - at); break;
                case 5: list.InsertRange(at, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(s_tokens[random.Next(s_tokens.Length)], random.Next(300))))); break;
                default:
                    // One value in the place of another.
                    string text = Encoding.UTF8.GetString([.. list]);
                    int colon = text.IndexOf(':', Math.Min(at, text.Length - 1));
                    int end = colon < 0 ? -1 : text.IndexOfAny([',', '}', ']'], colon);
                    if (end > colon) list = [.. Encoding.UTF8.GetBytes(text[..(colon + 1)] + ((string[])["1", "-1", "\"\"", "null", "[]", "{}", "true", "\"x\"", "1e400", "[null]", "{\"a\":null}"])[random.Next(11)] + text[end..])];
                    break;
            }
        }
        return [.. list];
    }

    static string Path(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ =>
        "/" + ((string[])["api", "apis", "v1", "apps", "namespaces", "pods", "watch", "proxy", "default", "", "%2f", "openapi", "healthz", "..", "configmaps", "version", "%00"])[random.Next(17)]));

    static string Text(Random random)
    {
        var text = new StringBuilder();
        for (int n = random.Next(20); n > 0; n--) text.Append((char)random.Next(1, 0xD7FF));
        return text.ToString();
    }

    public static TheoryData<string, string, string> Bombs => new()
    {
        { "arrays in arrays", "application/json", """{"metadata":{"name":"x"},"data":""" + new string('[', 1_000_000) },
        { "objects in objects", "application/json", string.Concat(Enumerable.Repeat("{\"metadata\":", 200_000)) },
        { "an unknown field as deep", "application/json", """{"metadata":{"name":"x"},"zzz":""" + new string('[', 1_400_000) + new string(']', 1_400_000) + "}" },
        { "flow sequences", "application/yaml", "metadata: " + new string('[', 200_000) },
        { "aliases of aliases", "application/yaml", "a: &a [x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{(char)('b' + i)}: &{(char)('b' + i)} [{string.Join(",", Enumerable.Repeat("*" + (char)('a' + i), 9))}]\n")) },
        { "a long number", "application/json", """{"metadata":{"name":"x","generation":""" + new string('9', 1_000_000) + "}}" },
        { "many fields", "application/json", """{"metadata":{"name":"x"},""" + string.Join(",", Enumerable.Range(0, 100_000).Select(i => $"\"f{i}\":1")) + "}" },
        { "one field many times", "application/json", """{"metadata":{"name":"x"},""" + string.Join(",", Enumerable.Repeat("\"zz\":1", 200_000)) + "}" },
        { "a patch that doubles", "application/json-patch+json", "[" + string.Join(",", Enumerable.Range(0, 60).Select(_ => """{"op":"copy","from":"/data","path":"/data/x"}""")) + "]" },
        { "a patch of many steps", "application/json-patch+json", "[" + string.Join(",", Enumerable.Repeat("""{"op":"test","path":"/kind","value":"ConfigMap"}""", 50_000)) + "]" },
    };

    [Theory, MemberData(nameof(Bombs))]
    public async Task What_is_small_and_means_much_is_bounded(string what, string type, string body)
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, """{"metadata":{"name":"there"},"data":{"a":"b"}}""");
        var watch = Stopwatch.StartNew();
        bool patch = type.Contains("patch");
        using var request = new HttpRequestMessage(new(patch ? "PATCH" : "POST"), patch ? Maps + "/there" : Maps) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var patience = new CancellationTokenSource(s_bound);
        using var response = await server.Http.SendAsync(request, patience.Token);
        Assert.True((int)response.StatusCode is >= 400 and < 500 or 201, $"{what}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(patience.Token)}");
        output.WriteLine($"{what}: {(int)response.StatusCode} after {watch.Elapsed}");
        Assert.Equal(200, (await server.GetAsync(Maps)).Code);
    }

    /// <summary>Bodies just under upstream's three mebibytes, as its own test of large requests sends them: none is a fault of the server's.</summary>
    public static TheoryData<string, string, string, int[]> Large
    {
        get
        {
            const int Limit = 3 << 20, Half = Limit / 2 - 100;
            string nested = new string('[', Half) + new string(']', Half), blank = new(' ', Limit - 100);
            const string Map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mytest}\nvalues: ", Json = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mytest"},"values":""";
            return new()
            {
                { "PATCH", "application/json-patch+json", $$"""[{"op":"add","path":"/foo","value":{{nested}}}]""", [200, 400] },
                { "PATCH", "application/json-patch+json", $$"""[{"op":"add","path":"/foo","value":0{{blank}}}]""", [200] },
                { "PATCH", "application/merge-patch+json", $$"""{"value":{{nested}}}""", [200, 400] },
                { "PATCH", "application/merge-patch+json", $$"""{"value":0{{blank}}}""", [200] },
                { "PATCH", "application/strategic-merge-patch+json", $$"""{"value":{{nested}}}""", [200, 400] },
                { "PATCH", "application/strategic-merge-patch+json", $$"""{"value":0{{blank}}}""", [200] },
                { "PATCH", "application/apply-patch+yaml", $$"""{"value":{{nested}}}""", [400] },
                { "PATCH", "application/apply-patch+yaml", $$"""{"apiVersion":"v1","kind":"ConfigMap"{{blank}}}""", [200] },
                { "POST", "application/yaml", Map + new string('[', Limit), [413] },
                { "POST", "application/yaml", Map + new string('[', Half - 500) + new string(']', Half - 500), [400] },
                { "POST", "application/yaml", Map + new string('[', Limit - 1000), [400] },
                { "POST", "application/json", Json + new string('[', Limit / 2) + new string(']', Limit / 2) + "}", [413] },
                { "POST", "application/json", Json + nested + "}", [201, 400] },
                { "POST", "application/json", Json + new string('[', Limit - 1000) + "}", [400] },
            };
        }
    }

    [Theory, MemberData(nameof(Large), DisableDiscoveryEnumeration = true)]
    public async Task What_is_as_large_as_it_may_be_is_taken_or_told_what_is_wrong_with_it(string method, string type, string body, int[] codes)
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, """{"metadata":{"name":"there"} }""");
        var answer = await server.SendAsync(method, method == "PATCH" ? Maps + "/there?fieldManager=test" : Maps, body, type);
        Assert.True(codes.Contains(answer.Code), $"{type}: {answer.Code} {answer.Body[..Math.Min(answer.Body.Length, 400)]}");
    }

    [Fact]
    public async Task A_patch_has_as_many_operations_as_upstream_takes()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, """{"metadata":{"name":"there"} }""");
        static string Patch(int operations) => "[" + string.Join(",", Enumerable.Repeat("""{"op":"add","path":"/x","value":"y"}""", operations)) + "]";
        var refused = await server.SendAsync("PATCH", Maps + "/there", Patch(10_001), "application/json-patch+json");
        Assert.Equal((413, "RequestEntityTooLarge", "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"), (refused.Code, refused.Text("reason"), refused.Message));
        Assert.Equal(200, (await server.SendAsync("PATCH", Maps + "/there", Patch(10_000), "application/json-patch+json")).Code);
    }

    [Fact]
    public async Task Too_many_and_too_large_headers_are_refused_and_the_server_goes_on()
    {
        await using var server = await TestServer.StartAsync();
        foreach (int count in (int[])[600, 3])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Maps);
            for (int i = 0; i < count; i++) request.Headers.TryAddWithoutValidation("X-Many-" + i, count > 100 ? "v" : new string('v', 300_000));
            try
            {
                using var response = await server.Http.SendAsync(request);
                Assert.Equal(431, (int)response.StatusCode);
            }
            catch (HttpRequestException) { } // over HTTP/2 the connection may end instead
            Assert.Equal(200, (await server.GetAsync(Maps)).Code);
        }
        // What people do send is taken.
        Assert.Equal(200, (await server.GetAsync(Maps + "?labelSelector=" + Uri.EscapeDataString("a in (" + string.Join(",", Enumerable.Range(0, 5000).Select(i => "v" + i)) + ")"))).Code);
    }
}

/// <summary>Memory is the whole process's: nothing else may run beside what measures it.</summary>
[CollectionDefinition(HostileInputTests.Alone, DisableParallelization = true)]
public sealed class AloneCollection;
