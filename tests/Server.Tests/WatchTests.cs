using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Tests;

public sealed class WatchTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    static ConfigMap Map(string name, string ns = "default", string label = "") =>
        new() { Metadata = new() { Name = name, Namespace = ns, Labels = label.Length > 0 ? Api.Map.Of(("l", label)) : default } };

    static async Task<List<string>> TakeAsync(IAsyncEnumerable<ApiEvent> events, int count)
    {
        var seen = new List<string>();
        await foreach (var e in events)
        {
            seen.Add(e.Type + " " + e.Object.Metadata.Name);
            if (seen.Count == count) break;
        }
        return seen;
    }

    [Fact]
    public async Task A_watch_from_nothing_begins_with_what_is_there_and_goes_on_with_what_happens()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        using var ct = new CancellationTokenSource(s_patience);
        await using var events = server.WatchAsync(Maps, ct.Token).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("ADDED", "a"), (events.Current.Type, events.Current.Object.Metadata.Name));
        var b = await server.CreateAsync(Map("b"));
        await server.CreateAsync(Map("c", "elsewhere"));
        await server.CallAsync("DELETE", Maps + "/b");
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("ADDED", events.Current.Type);
        Assert.Same(b, events.Current.Object);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("DELETED", "b"), (events.Current.Type, events.Current.Object.Metadata.Name));
        Assert.NotEqual(b.Metadata.ResourceVersion, events.Current.Object.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_watch_resumes_after_a_revision()
    {
        await using var server = await TestServer.StartAsync();
        await server.GetAsync(Maps);
        var a = await server.CreateAsync(Map("a"));
        await server.CreateAsync(Map("b"));
        await server.CreateAsync(Map("c"));
        using var ct = new CancellationTokenSource(s_patience);
        Assert.Equal(["ADDED b", "ADDED c"], await TakeAsync(server.WatchAsync(Maps, ct.Token, ("resourceVersion", a.Metadata.ResourceVersion)), 2));
    }

    [Fact]
    public async Task What_enters_or_leaves_the_selection_is_added_or_deleted()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        var a = await server.CreateAsync(Map("a"));
        await using var events = server.WatchAsync(Maps, ct.Token, ("labelSelector", "l=x"), ("resourceVersion", a.Metadata.ResourceVersion)).GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        await server.CallAsync("PUT", Maps + "/a", Map("a", label: "x"));
        Assert.True(await next);
        Assert.Equal("ADDED", events.Current.Type);
        await server.CallAsync("PUT", Maps + "/a", Map("a", label: "x") with { Data = Api.Map.Of(("k", "v")) });
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("MODIFIED", events.Current.Type);
        var last = (ConfigMap)(await server.CallAsync("PUT", Maps + "/a", Map("a", label: "y"))).Object!;
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("DELETED", "x", last.Metadata.ResourceVersion), (events.Current.Type, events.Current.Object.Metadata.Labels["l"], events.Current.Object.Metadata.ResourceVersion));
    }

    [Fact]
    public async Task A_kubelet_sees_Pods_that_come_to_its_node()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        await server.CreateAsync(new Pod { Metadata = new() { Name = "p", Namespace = "default" }, Spec = new() { Containers = [new Container { Name = "c", Image = "i" }] } });
        await using var events = server.WatchAsync("/api/v1/pods", ct.Token, ("fieldSelector", "spec.nodeName=n1")).GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        var bound = await server.CallAsync("POST", "/api/v1/namespaces/default/pods/p/binding", new Binding { Metadata = new() { Name = "p" }, Target = new() { Kind = "Node", Name = "n1" } });
        Assert.Equal(201, bound.Code);
        Assert.True(await next);
        Assert.Equal(("ADDED", "n1"), (events.Current.Type, ((Pod)events.Current.Object).Spec.NodeName));
    }

    [Fact]
    public async Task Initial_events_end_with_a_bookmark_that_says_so()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        using var ct = new CancellationTokenSource(s_patience);
        await using var events = server.WatchAsync(Maps, ct.Token, ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"), ("allowWatchBookmarks", "true")).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("ADDED", events.Current.Type);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("BOOKMARK", "true"), (events.Current.Type, events.Current.Object.Metadata.Annotations["k8s.io/initial-events-end"]));
    }

    [Theory]
    [InlineData("", "PartialObjectMetadata")]
    [InlineData("&includeObject=Object", "ConfigMap")]
    public async Task The_bookmark_of_a_table_says_so_in_its_one_row(string include, string kind)
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        var watch = await server.GetAsync(Maps + "?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true" + include, "application/json;as=Table;v=v1;g=meta.k8s.io");
        string line = watch.Body.Split('\n').Single(l => l.Contains("initial-events-end", StringComparison.Ordinal));
        var table = (Api.Json.JsonObject)((Api.Json.JsonObject)Api.Json.JsonValue.Parse(System.Text.Encoding.UTF8.GetBytes(line)))["object"]!;
        var row = (Api.Json.JsonObject)Assert.Single(((Api.Json.JsonArray)table["rows"]!).Items);
        var obj = (Api.Json.JsonObject)row["object"]!;
        Assert.Equal(kind, ((Api.Json.JsonString)obj["kind"]!).Value);
        Assert.Equal("true", ((Api.Json.JsonString)((Api.Json.JsonObject)((Api.Json.JsonObject)obj["metadata"]!)["annotations"]!)["k8s.io/initial-events-end"]!).Value);
    }

    [Fact]
    public async Task A_watch_from_before_what_is_kept_is_told_to_list_again()
    {
        await using var server = await TestServer.StartAsync();
        for (int i = 0; i < 3; i++) await server.CreateAsync(Map("m" + i));
        await server.GetAsync(Maps);
        var refused = await server.GetAsync(Maps + "?watch=1&resourceVersion=1");
        Assert.Equal((200, "ERROR", "Expired", "410"), (refused.Code, refused.Text("type"), refused.Text("object", "reason"), refused.Text("object", "code")));
        Assert.StartsWith("too old resource version: 1 (", refused.Text("object", "message"));
        var thrown = await Assert.ThrowsAsync<ApiException>(() => TakeAsync(server.WatchAsync(Maps, CancellationToken.None, ("resourceVersion", "1")), 1));
        Assert.True(thrown.IsExpired);
    }

    [Fact]
    public async Task A_watch_ends_when_its_time_is_over_with_a_bookmark()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        var watch = await server.GetAsync(Maps + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=0");
        string[] lines = watch.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("""{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a",""", lines[0]);
        Assert.StartsWith("""{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":""", lines[1]);
    }

    [Fact]
    public async Task One_object_can_be_watched_by_the_old_path()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        await server.CreateAsync(Map("b"));
        var watch = await server.GetAsync("/api/v1/watch/namespaces/default/configmaps/b?timeoutSeconds=1");
        Assert.Contains("\"name\":\"b\"", Assert.Single(watch.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task Watches_end_when_the_server_stops()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        var watch = server.GetAsync(Maps + "?watch=1");
        using var ct = new CancellationTokenSource(s_patience);
        await using var events = server.WatchAsync(Maps, ct.Token).GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());
        await server.Server.StopAsync();
        Assert.False(await events.MoveNextAsync());
        Assert.Equal(200, (await watch).Code);
    }

    [Fact]
    public async Task Table_watches_name_their_columns_once()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("a"));
        await server.CreateAsync(Map("b"));
        var watch = await server.GetAsync(Maps + "?watch=1&timeoutSeconds=1", "application/json;as=Table;v=v1;g=meta.k8s.io");
        string[] lines = watch.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("\"columnDefinitions\":[{\"name\":\"Name\"", lines[0]);
        Assert.Contains("\"columnDefinitions\":null", lines[1]);
        Assert.Contains("\"cells\":[\"b\",", lines[1]);
    }
}
