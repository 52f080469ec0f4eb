using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Kit;

namespace Hanbae.Server.Tests;

/// <summary>Health, metrics and the list of paths.</summary>
public sealed class EndpointTests
{
    /// <summary>What every server does at its start.</summary>
    const string Hooks = "[+]poststarthook/crd-informer-synced ok\n[+]poststarthook/start-apiserver-admission-initializer ok\n[+]poststarthook/generic-apiserver-start-informers ok\n"
        + "[+]poststarthook/storage-object-count-tracker-hook ok\n[+]poststarthook/start-apiextensions-informers ok\n[+]poststarthook/start-apiextensions-controllers ok\n";

    [Theory]
    [InlineData("/readyz?verbose", 200, "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]etcd-readiness ok\n[+]informer-sync ok\n" + Hooks + "[+]shutdown ok\nreadyz check passed\n")]
    [InlineData("/livez?verbose", 200, "[+]ping ok\n[+]log ok\n[+]etcd ok\n" + Hooks + "livez check passed\n")]
    [InlineData("/healthz?verbose=1&exclude=etcd", 200, "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n" + Hooks + "healthz check passed\n")]
    [InlineData("/livez?verbose&exclude=b&exclude=a", 200, "[+]ping ok\n[+]log ok\n[+]etcd ok\n" + Hooks + "warn: some health checks cannot be excluded: no matches for \"a\",\"b\"\nlivez check passed\n")]
    [InlineData("/livez", 200, "ok")]
    [InlineData("/readyz/etcd-readiness", 200, "ok")]
    [InlineData("/livez/nothing", 404, "404 page not found\n")]
    public async Task Health_is_told_in_upstreams_form(string path, int code, string text)
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.GetAsync(path);
        Assert.Equal((code, text), (answer.Code, answer.Body));
    }

    [Fact]
    public async Task A_stopping_server_lives_but_is_not_ready()
    {
        await using var server = await TestServer.StartAsync();
        await server.Server.StopAsync();
        var ready = await server.GetAsync("/readyz");
        Assert.Equal(500, ready.Code);
        Assert.Contains("[-]shutdown failed: reason withheld\nreadyz check failed\n", ready.Body);
        Assert.Equal("internal server error: process is shutting down\n", (await server.GetAsync("/readyz/shutdown")).Body);
        Assert.Equal(200, (await server.GetAsync("/livez")).Code);
    }

    [Fact]
    public async Task The_server_tells_what_it_is_and_what_it_was_started_with()
    {
        await using var server = await TestServer.StartAsync(o => o with { Flags = new Dictionary<string, string> { ["event-ttl"] = "2h" } });
        var status = await server.GetAsync("/statusz", "application/json;v=v1beta1;g=config.k8s.io;as=Statusz");
        Assert.Equal(("application/json", "Statusz", "apiserver", """["/flagz","/healthz","/livez","/metrics","/readyz","/statusz","/version"]"""),
            (status.ContentType, status.Text("kind"), status.Text("metadata", "name"), status.Text("paths")));
        var flags = await server.GetAsync("/flagz", "*/*");
        Assert.Equal(("text/plain; charset=utf-8", true), (flags.ContentType, flags.Body.EndsWith("\nevent-ttl=2h\n", StringComparison.Ordinal)));
        Assert.Equal(406, (await server.GetAsync("/statusz")).Code);
        Assert.Equal(405, (await server.PostAsync("/flagz", "")).Code);
    }

    [Fact]
    public async Task The_root_lists_what_there_is()
    {
        await using var server = await TestServer.StartAsync();
        var index = await server.GetAsync("/");
        Assert.StartsWith("{\n  \"paths\": [\n    \"/", index.Body);
        string[] paths = [.. ((JsonArray)index.Json["paths"]!).Items.Select(i => ((JsonString)i).Value)];
        Assert.Equal(paths.Order(StringComparer.Ordinal), paths);
        foreach (string path in (string[])["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/livez/ping", "/readyz/etcd", "/metrics", "/version"]) Assert.Contains(path, paths);
    }

    [Fact]
    public async Task Metrics_count_requests_objects_and_events()
    {
        await using var server = await TestServer.StartAsync(o => o with { MoreMetrics = text => text.Family("workqueue_depth", "gauge", "Depth.").Sample("workqueue_depth", "name=\"x\"", 3) });
        const string Maps = "/api/v1/namespaces/default/configmaps";
        await server.PostAsync(Maps, """{"metadata":{"name":"a"}}""");
        await server.GetAsync(Maps + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=1&resourceVersion=0");
        for (int i = 0; i < 3; i++) await server.GetAsync(Maps + "/a");
        await server.GetAsync("/api/v1/namespaces/default/nosuchthing-1");
        string text = (await server.GetAsync("/metrics")).Body;
        const string Get = "group=\"\",resource=\"configmaps\",scope=\"resource\",subresource=\"\",verb=\"GET\",version=\"v1\"";
        Assert.Contains($"apiserver_request_total{{code=\"200\",component=\"apiserver\",dry_run=\"\",{Get}}} 3\n", text);
        Assert.Contains($"apiserver_request_duration_seconds_count{{component=\"apiserver\",dry_run=\"\",{Get}}} 3\n", text);
        Assert.Contains($"apiserver_request_duration_seconds_bucket{{component=\"apiserver\",dry_run=\"\",{Get},le=\"+Inf\"}} 3\n", text);
        Assert.Contains("apiserver_storage_objects{resource=\"configmaps\"} 1\n", text);
        Assert.Contains("apiserver_watch_events_total{group=\"\",resource=\"configmaps\",version=\"v1\"} 1\n", text);
        Assert.Contains("kubernetes_build_info{", text);
        Assert.Contains("workqueue_depth{name=\"x\"} 3\n", text);
        // What a client made up is no label: the number of series is bounded.
        Assert.DoesNotContain("nosuchthing", text);
        // Every series is said to be of some type once.
        string[] types = [.. text.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2])];
        Assert.Equal(types.Distinct(), types);
    }

    /// <summary>As upstream's metrics_test.go reads them.</summary>
    [Fact]
    public async Task Requests_are_counted_under_upstreams_labels()
    {
        await using var server = await TestServer.StartAsync();
        const string Maps = "/api/v1/namespaces/default/configmaps";
        await server.PostAsync(Maps, """{"metadata":{"name":"a"}}""");
        await server.PostAsync(Maps + "?dryRun=All", """{"metadata":{"name":"b"}}""");
        await server.PostAsync(Maps + "?dryRun=Some", """{"metadata":{"name":"b"}}""");
        await server.SendAsync("PATCH", Maps + "/a?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}""", "application/apply-patch+yaml");
        await server.SendAsync("PATCH", Maps + "/a", "{}", "application/merge-patch+json");
        await server.GetAsync(Maps);
        await server.GetAsync("/api/v1/configmaps");
        await server.SendAsync("DELETE", Maps);
        await server.GetAsync("/api/v1/namespaces/default/pods/none/proxy/");
        await server.GetAsync("/api/v1/endpoints");
        await server.GetAsync("/healthz");
        string[] lines = (await server.GetAsync("/metrics")).Body.Split('\n');
        void Counted(string verb, int code, string scope, string dry = "", string resource = "configmaps", string subresource = "", string version = "v1") =>
            Assert.Contains($"apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"{dry}\",group=\"\",resource=\"{resource}\",scope=\"{scope}\",subresource=\"{subresource}\",verb=\"{verb}\",version=\"{version}\"}} 1", lines);
        Counted("POST", 201, "resource");
        Counted("POST", 201, "resource", "All");
        Counted("POST", 422, "resource", "invalid");
        Counted("APPLY", 200, "resource");
        Counted("PATCH", 200, "resource");
        Counted("LIST", 200, "namespace");
        Counted("LIST", 200, "cluster");
        Counted("DELETECOLLECTION", 200, "namespace");
        Counted("CONNECT", 404, "resource", resource: "pods", subresource: "proxy");
        Counted("GET", 200, "", resource: "", subresource: "/healthz", version: "");
        Assert.Contains("apiserver_requested_deprecated_apis{group=\"\",removed_release=\"\",resource=\"endpoints\",subresource=\"\",version=\"v1\"} 1", lines);
        Assert.Contains("authorization_attempts_total{result=\"allowed\"} 12", lines);
        Assert.Contains("authorization_duration_seconds_bucket{result=\"allowed\",le=\"+Inf\"} 12", lines);
        Assert.Contains("authentication_attempts{result=\"success\"} 12", lines);
        Assert.Contains("authentication_duration_seconds_count{result=\"success\"} 12", lines);
        Assert.Contains("authenticated_user_requests{username=\"other\"} 12", lines);
    }

    [Fact]
    public async Task Bookmarks_come_by_themselves()
    {
        var time = new FakeTime();
        await using var server = await TestServer.StartAsync(o => o with { Time = time });
        await server.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default" } });
        using var ct = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var events = server.WatchAsync("/api/v1/configmaps", ct.Token, ("allowWatchBookmarks", "true")).GetAsyncEnumerator(ct.Token);
        Assert.True(await events.MoveNextAsync());
        // Writes elsewhere move the bookmark on although nothing happens here.
        var other = await server.CreateAsync(new Secret { Metadata = new() { Name = "s", Namespace = "default" } });
        var next = events.MoveNextAsync().AsTask();
        // From one timer to the next, and no further before what it set off had its time: what a round waits for runs out of time, too.
        var start = time.GetUtcNow();
        while (!next.IsCompleted && time.GetUtcNow() - start < TimeSpan.FromMinutes(3))
        {
            var due = time.NextDue ?? TimeSpan.Zero;
            time.Advance(due);
            await ((Task)next.WaitAsync(due > TimeSpan.FromSeconds(10) ? TimeSpan.FromSeconds(2) : TimeSpan.FromMilliseconds(5))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        Assert.True(await next);
        Assert.Equal("BOOKMARK", events.Current.Type);
        Assert.True(long.Parse(events.Current.Object.Metadata.ResourceVersion) >= long.Parse(other.Metadata.ResourceVersion));
    }
}
