using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Store.Memory;

namespace Hanbae.Server.Tests;

public sealed class ListTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";

    static async Task FillAsync(TestServer server, int count, string ns = "default")
    {
        for (int i = 0; i < count; i++)
            await server.CreateAsync(new ConfigMap { Metadata = new() { Name = $"m-{i:D4}", Namespace = ns, Labels = Api.Map.Of(("parity", i % 2 == 0 ? "even" : "odd")) } });
    }

    static string[] Names(TestServer.Answer answer) => [.. ((JsonArray)answer.Json["items"]!).Items.Select(i => ((JsonString)((JsonObject)((JsonObject)i)["metadata"]!)["name"]!).Value)];

    [Fact]
    public async Task Pages_are_of_one_revision_and_leave_nothing_out()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 25);
        var first = await server.GetAsync(Maps + "?limit=10");
        Assert.Equal("15", first.Text("metadata", "remainingItemCount"));
        await FillAsync(server, 1, "other");
        await server.SendAsync("DELETE", Maps + "/m-0015");
        var second = await server.GetAsync(Maps + "?limit=10&continue=" + first.Text("metadata", "continue"));
        var third = await server.GetAsync(Maps + "?limit=10&continue=" + second.Text("metadata", "continue"));
        Assert.Equal(first.Text("metadata", "resourceVersion"), third.Text("metadata", "resourceVersion"));
        Assert.Equal("5", second.Text("metadata", "remainingItemCount"));
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"m-{i:D4}"), [.. Names(first), .. Names(second), .. Names(third)]);
        Assert.Equal("", third.Text("metadata", "continue"));
    }

    [Fact]
    public async Task A_page_too_late_is_gone_and_says_how_to_go_on()
    {
        await using var server = await TestServer.StartAsync(store: new() { History = 5 });
        await FillAsync(server, 4);
        var first = await server.GetAsync(Maps + "?limit=2");
        // More first pages than are remembered, each at a revision of its own.
        for (int i = 0; i < 40; i++)
        {
            await server.SendAsync("PATCH", Maps + "/m-0003", $$$"""{"data":{"i":"{{{i}}}"}}""", "application/merge-patch+json");
            await server.GetAsync(Maps + "?limit=1");
        }
        var late = await server.GetAsync(Maps + "?limit=2&continue=" + first.Text("metadata", "continue"));
        Assert.Equal((410, "Expired"), (late.Code, late.Text("reason")));
        Assert.StartsWith("The provided continue parameter is too old to display a consistent list result.", late.Message);
        var inconsistent = await server.GetAsync(Maps + "?continue=" + late.Text("metadata", "continue"));
        Assert.Equal(["m-0002", "m-0003"], Names(inconsistent));
    }

    [Fact]
    public async Task Labels_fields_and_namespaces_select()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 4);
        await FillAsync(server, 4, "other");
        Assert.Equal(["m-0001", "m-0003"], Names(await server.GetAsync(Maps + "?labelSelector=parity%3Dodd")));
        Assert.Equal(["m-0001", "m-0003", "m-0001", "m-0003"], Names(await server.GetAsync("/api/v1/configmaps?labelSelector=parity%20in%20(odd)")));
        Assert.Equal(["m-0000", "m-0002"], Names(await server.GetAsync(Maps + "?labelSelector=parity!%3Dodd")));
        Assert.Equal(["m-0002"], Names(await server.GetAsync(Maps + "?fieldSelector=metadata.name%3Dm-0002")));
        Assert.Equal(["m-0002"], Names(await server.GetAsync("/api/v1/configmaps?fieldSelector=metadata.name%3Dm-0002,metadata.namespace%3Dother")));
        // The index follows what is written after it was made.
        await server.SendAsync("PATCH", Maps + "/m-0001", """{"metadata":{"labels":{"parity":"even"}}}""", "application/merge-patch+json");
        await server.SendAsync("DELETE", Maps + "/m-0000");
        Assert.Equal(["m-0003"], Names(await server.GetAsync(Maps + "?labelSelector=parity%3Dodd")));
        Assert.Equal(["m-0001", "m-0002"], Names(await server.GetAsync(Maps + "?labelSelector=parity%3Deven")));
    }

    [Fact]
    public async Task Pods_are_selected_by_node()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string node in (string[])["a", "b"])
            await server.CreateAsync(new Pod { Metadata = new() { Name = "on-" + node, Namespace = "default" }, Spec = new() { NodeName = node, Containers = [new Container { Name = "c", Image = "i" }] } });
        Assert.Equal(["on-b"], Names(await server.GetAsync("/api/v1/pods?fieldSelector=spec.nodeName%3Db")));
        Assert.Equal(["on-a"], Names(await server.GetAsync("/api/v1/pods?fieldSelector=spec.nodeName!%3Db")));
    }

    [Theory]
    [InlineData("labelSelector=a+in+(b", 400, "unable to parse requirement: found '', expected: ',' or ')'")]
    [InlineData("fieldSelector=spec.foo%3Da", 400, "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")]
    [InlineData("continue=x", 400, "continue key is not valid: illegal base64 data at input byte 0")]
    [InlineData("continue=x&resourceVersion=1", 400, "continue key is not valid: illegal base64 data at input byte 0")]
    [InlineData("continue=x&resourceVersion=abc", 500, "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax")]
    [InlineData("continue=x&resourceVersion=1&resourceVersionMatch=Exact", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided")]
    [InlineData("resourceVersionMatch=Exact", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")]
    [InlineData("resourceVersion=1&resourceVersionMatch=Maybe", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Maybe\": supported values: \"Exact\", \"NotOlderThan\", \"\"")]
    [InlineData("resourceVersion=0&resourceVersionMatch=Exact", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")]
    [InlineData("sendInitialEvents=true", 422, "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")]
    [InlineData("watch=1&continue=abc", 422, "ListOptions.meta.k8s.io \"\" is invalid: continue: Forbidden: continue is forbidden for watch")]
    [InlineData("watch=1&resourceVersionMatch=NotOlderThan", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    [InlineData("resourceVersion=abc", 500, "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax")]
    public async Task What_cannot_be_asked_is_refused_in_upstreams_words(string query, int code, string message)
    {
        await using var server = await TestServer.StartAsync();
        var refused = await server.GetAsync(Maps + "?" + query);
        Assert.Equal((code, message), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task An_exact_revision_is_what_was_then()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 2);
        string then = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
        await server.SendAsync("DELETE", Maps + "/m-0000");
        Assert.Equal(["m-0000", "m-0001"], Names(await server.GetAsync(Maps + $"?resourceVersion={then}&resourceVersionMatch=Exact")));
        Assert.Equal(["m-0001"], Names(await server.GetAsync(Maps + $"?resourceVersion={then}&resourceVersionMatch=NotOlderThan")));
    }

    [Fact]
    public async Task A_revision_yet_to_come_times_out_with_the_cause_that_clients_know()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 1);
        var refused = await server.GetAsync(Maps + "?resourceVersion=1000000");
        Assert.Equal((504, "Timeout", "ResourceVersionTooLarge", "1"), (refused.Code, refused.Text("reason"), refused.Text("details", "causes", "0", "reason"), refused.Text("details", "retryAfterSeconds")));
        Assert.StartsWith("Timeout: Too large resource version: 1000000, current: ", refused.Message);
    }

    [Fact]
    public async Task Large_answers_are_compressed_when_asked()
    {
        await using var server = await TestServer.StartAsync();
        for (int i = 0; i < 3; i++)
            await server.CreateAsync(new ConfigMap { Metadata = new() { Name = $"big-{i}", Namespace = "default" }, Data = Api.Map.Of(("a", new string('x', 60_000))) });
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var response = await server.Http.SendAsync(request);
        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        await using var body = new System.IO.Compression.GZipStream(await response.Content.ReadAsStreamAsync(), System.IO.Compression.CompressionMode.Decompress);
        using var text = new StreamReader(body);
        Assert.Equal("ConfigMapList", ((JsonString)((JsonObject)JsonValue.Parse(await text.ReadToEndAsync()))["kind"]!).Value);
    }
}
