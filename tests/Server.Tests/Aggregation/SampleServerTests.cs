using Hanbae.Api.Json;

namespace Hanbae.Server.Tests.Aggregation;

/// <summary>Another API server behind an APIService, from the first registration to the end.</summary>
public sealed class SampleServerTests
{
    const string Services = "/apis/apiregistration.k8s.io/v1/apiservices", Path = Services + "/" + AggregatedServer.Name, Flunders = FlunderServer.Base + "/namespaces/default/flunders";
    const string Merge = "application/merge-patch+json";

    static string Condition(string type) => $$"""{"type":"{{type}}","status":"True","reason":"Test","message":"Set by a test","lastTransitionTime":"2030-01-01T00:00:00Z"}""";

    static IEnumerable<string> Types(TestServer.Answer answer) => ((JsonArray)((JsonObject)answer.Json["status"]!)["conditions"]!).OfType<JsonObject>().Select(c => ((JsonString)c["type"]!).Value);

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly] [Conformance]")]
    public async Task Its_objects_are_made_through_this_server_and_its_APIService_lives_its_whole_life()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        var server = aggregated.Server;
        async Task<TestServer.Answer> GoodAsync(string method, string path, string? body = null, string type = "application/json")
        {
            var answer = await server.SendAsync(method, path, body, type);
            Assert.True(answer.Code is 200 or 201, $"{method} {path}: {answer.Code} {answer.Body}");
            return answer;
        }
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();

        // Its group is found like any other, and its objects come and go.
        var group = await aggregated.UntilAnswerAsync(() => server.GetAsync("/apis/" + FlunderServer.Group), a => a.Code == 200);
        Assert.Equal($"{FlunderServer.Group}/{FlunderServer.Version}", group.Text("preferredVersion", "groupVersion"));
        Assert.Contains(((JsonArray)(await server.GetAsync(FlunderServer.Base)).Json["resources"]!).OfType<JsonObject>(), r => r["name"]!.Equals(new JsonString("flunders")));
        foreach (string name in (string[])["first", "second"])
        {
            await GoodAsync("POST", Flunders, $$"""{"kind":"Flunder","apiVersion":"{{FlunderServer.Group}}/{{FlunderServer.Version}}","metadata":{"name":"{{name}}","labels":{"sample-label":"true"} },"spec":{} }""");
            Assert.Equal(name, (await GoodAsync("GET", Flunders)).Text("items", "0", "metadata", "name"));
            Assert.Equal(name, (await GoodAsync("GET", FlunderServer.Base + "/flunders")).Text("items", "0", "metadata", "name"));
            await GoodAsync("DELETE", Flunders + "/" + name);
            Assert.Empty((JsonArray)(await GoodAsync("GET", Flunders)).Json["items"]!);
        }

        // The APIService is labelled; its status is read, updated and patched, and says still that it is available.
        Assert.Equal("patched", (await GoodAsync("PATCH", Path, """{"metadata":{"labels":{"apiservice":"patched"}}}""", Merge)).Text("metadata", "labels", "apiservice"));
        Assert.Contains("Available", Types(await GoodAsync("GET", Path + "/status")));
        TestServer.Answer updated;
        do
        {
            var now = (await GoodAsync("GET", Path)).Json;
            var status = (JsonObject)now["status"]!;
            var conditions = (JsonArray)status["conditions"]!;
            updated = await server.SendAsync("PUT", Path + "/status", now.With("status", status.With("conditions", JsonValue.Parse($"[{string.Join(",", conditions.Append(JsonValue.Parse(Condition("StatusUpdated"))))}]"))).ToString());
        }
        while (updated.Code == 409);
        Assert.Equal(200, updated.Code);
        Assert.Equal(["Available", "StatusUpdated"], Types(updated).Order(StringComparer.Ordinal));
        var patched = await GoodAsync("PATCH", Path + "/status", $$"""{"status":{"conditions":[{{Condition("StatusPatched")}}]} }""", "application/strategic-merge-patch+json");
        Assert.Contains("StatusPatched", Types(patched));
        await aggregated.AvailableAsync();
        Assert.Contains("StatusPatched", Types(await GoodAsync("GET", Path)));

        await GoodAsync("DELETE", Services + "?labelSelector=apiservice%3Dpatched");
        await aggregated.UntilAnswerAsync(() => server.GetAsync(Path), a => a.Code == 404);
        await aggregated.UntilAnswerAsync(() => server.GetAsync(Flunders), a => a.Code == 404);
        // Nobody else's went along.
        Assert.Equal(200, (await server.GetAsync(Services + "/v1.apps")).Code);
    }
}
