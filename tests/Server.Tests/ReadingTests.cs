using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Kit;

namespace Hanbae.Server.Tests;

/// <summary>What a resourceVersion, a limit and a continue token mean, and what happens to them when the past is forgotten.</summary>
public sealed class ReadingTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";

    static async Task FillAsync(TestServer server, int from, int to)
    {
        for (int i = from; i < to; i++) await server.CreateAsync(new ConfigMap { Metadata = new() { Name = $"m-{i:D4}", Namespace = "default" } });
    }

    static string[] Names(TestServer.Answer answer) => [.. ((JsonArray)answer.Json["items"]!).Items.Select(i => ((JsonString)((JsonObject)((JsonObject)i)["metadata"]!)["name"]!).Value)];

    static string Page(string token, int limit) => $"{Maps}?limit={limit}&continue={Uri.EscapeDataString(token)}";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls [Conformance]")]
    public async Task Chunks_of_any_size_make_the_whole_list()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 0, 40);
        foreach (int size in (int[])[1, 7, 39, 40, 500])
        {
            string token = "", revision = "";
            var seen = new List<string>();
            do
            {
                var page = await server.GetAsync(Page(token, size));
                Assert.Equal(200, page.Code);
                string[] names = Names(page);
                Assert.True(names.Length <= size);
                seen.AddRange(names);
                if (revision.Length > 0) Assert.Equal(revision, page.Text("metadata", "resourceVersion"));
                revision = page.Text("metadata", "resourceVersion");
                token = page.Text("metadata", "continue");
                Assert.Equal(token.Length == 0 ? "" : (40 - seen.Count).ToString(), page.Text("metadata", "remainingItemCount"));
            }
            while (token.Length > 0);
            Assert.Equal(Enumerable.Range(0, 40).Select(i => $"m-{i:D4}"), seen);
        }
        // Without a limit everything comes at once.
        Assert.Equal(40, Names(await server.GetAsync(Maps)).Length);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow] [Conformance]")]
    public async Task After_compaction_a_token_is_expired_and_leads_to_an_inconsistent_rest()
    {
        var time = new FakeTime();
        await using var server = await TestServer.StartAsync(o => o with { Time = time });
        await FillAsync(server, 0, 10);
        var first = await server.GetAsync(Maps + "?limit=4");
        string token = first.Text("metadata", "continue");
        await server.SendAsync("DELETE", Maps + "/m-0007");
        await FillAsync(server, 10, 12);
        // What began is consistent while its revision is there, whatever was written since.
        Assert.Equal(["m-0004", "m-0005", "m-0006", "m-0007"], Names(await server.GetAsync(Page(token, 4))));

        var expired = await UntilExpiredAsync(server, time, Page(token, 4));
        Assert.Equal((410, "Expired", "Failure"), (expired.Code, expired.Text("reason"), expired.Text("status")));
        Assert.StartsWith("The provided continue parameter is too old to display a consistent list result.", expired.Message);
        var rest = await server.GetAsync(Page(expired.Text("metadata", "continue"), 4));
        Assert.Equal(["m-0004", "m-0005", "m-0006", "m-0008"], Names(rest));
        Assert.NotEqual(first.Text("metadata", "resourceVersion"), rest.Text("metadata", "resourceVersion"));
        // From here on it is consistent again.
        Assert.Equal(["m-0009", "m-0010", "m-0011"], Names(await server.GetAsync(Page(rest.Text("metadata", "continue"), 4))));
    }

    /// <summary>Two rounds of compaction: the first one only notes where the store is.</summary>
    static async Task<TestServer.Answer> UntilExpiredAsync(TestServer server, FakeTime time, string path)
    {
        for (int i = 0; i < 1000; i++)
        {
            time.Advance(TimeSpan.FromMinutes(5));
            var answer = await server.GetAsync(path);
            if (answer.Code != 200) return answer;
        }
        throw new InvalidOperationException("never compacted");
    }

    [Fact]
    public async Task A_revision_without_a_match_is_exact_when_there_is_a_limit()
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 0, 3);
        string then = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
        await server.SendAsync("DELETE", Maps + "/m-0000");
        Assert.Equal(["m-0000", "m-0001"], Names(await server.GetAsync($"{Maps}?resourceVersion={then}&limit=2")));
        Assert.Equal(["m-0001", "m-0002"], Names(await server.GetAsync($"{Maps}?resourceVersion={then}")));
        Assert.Equal(["m-0001", "m-0002"], Names(await server.GetAsync($"{Maps}?resourceVersion={then}&limit=2&resourceVersionMatch=NotOlderThan")));
        // Any state at all: the limit is not heeded, as upstream's watch cache does not.
        Assert.Equal(["m-0001", "m-0002"], Names(await server.GetAsync($"{Maps}?resourceVersion=0&limit=1")));
    }

    [Fact]
    public async Task An_exact_revision_that_was_compacted_is_gone()
    {
        var time = new FakeTime();
        await using var server = await TestServer.StartAsync(o => o with { Time = time });
        await FillAsync(server, 0, 2);
        string then = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
        await FillAsync(server, 2, 3);
        string exact = $"{Maps}?resourceVersion={then}&resourceVersionMatch=Exact";
        Assert.Equal(2, Names(await server.GetAsync(exact)).Length);
        var gone = await UntilExpiredAsync(server, time, exact);
        Assert.Equal((410, "Expired", "The resourceVersion for the provided list is too old."), (gone.Code, gone.Text("reason"), gone.Message));
    }

    [Theory]
    [InlineData("v1", 2, "a/../b")]
    [InlineData("v1", 2, "a\u0001b")]
    [InlineData("v2", 2, "a")]
    [InlineData("v1", 0, "a")]
    [InlineData("v1", 2, "")]
    public async Task A_token_that_nobody_gave_out_is_refused(string version, long revision, string start)
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 0, 3);
        string token = Convert.ToBase64String(JsonObject.Of(("v", "meta.k8s.io/" + version), ("rv", revision), ("start", start)).ToUtf8()).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var refused = await server.GetAsync(Page(token, 1));
        Assert.Equal((400, "BadRequest"), (refused.Code, refused.Text("reason")));
        Assert.StartsWith("continue key is not valid: ", refused.Message);
    }

    [Theory]
    [InlineData("resourceVersion=9223372036854775807", 504)]
    [InlineData("resourceVersion=18446744073709551615", 500)]
    [InlineData("resourceVersion=-1", 500)]
    public async Task A_get_at_a_revision_that_cannot_be_is_refused(string query, int code)
    {
        await using var server = await TestServer.StartAsync();
        await FillAsync(server, 0, 1);
        Assert.Equal(code, (await server.GetAsync(Maps + "/m-0000?" + query)).Code);
    }
}
