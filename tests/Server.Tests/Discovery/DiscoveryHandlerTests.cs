using System.Collections.Immutable;
using Hanbae.Server.Discovery;

namespace Hanbae.Server.Tests.Discovery;

public sealed class DiscoveryHandlerTests
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    static Task<TestServer> StartAsync(Func<ImmutableArray<ServedGroup>>? more = null) =>
        TestServer.StartAsync(o => o with { Paths = new DiscoveryHandler(more ?? (() => []), "10.0.0.1:6443").Routes });

    [Fact]
    public async Task A_client_that_has_the_answer_is_told_so()
    {
        await using var server = await StartAsync();
        var first = await server.GetAsync("/apis?timeout=32s", Aggregated);
        Assert.Equal((200, Aggregated), (first.Code, first.ContentType.Replace(" ", "")));
        string tag = first.Headers.ETag!.ToString();
        Assert.Contains("Accept", first.Headers.Vary);

        var again = await server.SendAsync("GET", "/apis", accept: Aggregated, headers: ("If-None-Match", tag));
        Assert.Equal((304, "", tag), (again.Code, again.Body, again.Headers.ETag!.ToString()));

        var other = await server.SendAsync("GET", "/apis", accept: Aggregated, headers: ("If-None-Match", "\"ABC\""));
        Assert.Equal((200, first.Body), (other.Code, other.Body));
    }

    [Fact]
    public async Task New_groups_show_at_once()
    {
        ImmutableArray<ServedGroup> more = [];
        await using var server = await StartAsync(() => more);
        Assert.DoesNotContain("example.com", (await server.GetAsync("/apis")).Body);
        more = [new("example.com", [new("v1", [])])];
        Assert.Contains("example.com", (await server.GetAsync("/apis")).Body);
        Assert.Equal(200, (await server.GetAsync("/apis/example.com/v1")).Code);
        more = [];
        Assert.Equal(404, (await server.GetAsync("/apis/example.com/v1")).Code);
    }

    [Theory]
    [InlineData("application/json", "application/json", "{\"kind\":\"APIGroup\",")]
    [InlineData("application/yaml", "application/yaml", "apiVersion: v1\n")]
    [InlineData("application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf", "k8s\0")]
    public async Task A_group_can_be_read_in_every_encoding(string accept, string type, string begins)
    {
        await using var server = await StartAsync();
        foreach (string path in (string[])["/apis/apps", "/apis/apps/"])
        {
            var answer = await server.GetAsync(path, accept);
            Assert.Equal((200, type), (answer.Code, answer.ContentType));
            Assert.StartsWith(begins, answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Unknown_groups_are_not_found_and_nothing_can_be_written()
    {
        await using var server = await StartAsync();
        var unknown = await server.GetAsync("/apis/nosuch");
        Assert.Equal((404, "404 page not found\n"), (unknown.Code, unknown.Body));
        Assert.Equal(405, (await server.PostAsync("/apis", "{}")).Code);
    }
}
