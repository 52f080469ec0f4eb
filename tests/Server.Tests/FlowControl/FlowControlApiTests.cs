using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hanbae.Server.Tests.FlowControl;

/// <summary>The two conformance tests of the flow control API, step by step over HTTP.</summary>
public sealed class FlowControlApiTests
{
    const string Group = "/apis/flowcontrol.apiserver.k8s.io", Version = Group + "/v1";

    [Fact, Trait("Conformance", "[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]")]
    public Task FlowSchemas_support_all_operations() => AllAsync("flowschemas", "FlowSchema", name => JsonNode.Parse($$$$$"""
        {"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","metadata":{"name":"{{{{{name}}}}}","labels":{"special-label":"fs"}},
         "spec":{"matchingPrecedence":10000,"priorityLevelConfiguration":{"name":"global-default"},"distinguisherMethod":{"type":"ByUser"},
           "rules":[{"subjects":[{"kind":"User","user":{"name":"example-e2e-non-existent-user"}}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}}
        """)!, "{\"metadata\":{\"annotations\":{\"patched\":\"true\"}},\"spec\":{\"matchingPrecedence\":9999}}", spec => (int)spec["matchingPrecedence"]! == 9999);

    [Fact, Trait("Conformance", "[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]")]
    public Task PriorityLevelConfigurations_support_all_operations() => AllAsync("prioritylevelconfigurations", "PriorityLevelConfiguration", name => JsonNode.Parse($$$$$"""
        {"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"PriorityLevelConfiguration","metadata":{"name":"{{{{{name}}}}}","labels":{"special-label":"fs"}},
         "spec":{"type":"Limited","limited":{"nominalConcurrencyShares":2,"limitResponse":{"type":"Reject"}}}}
        """)!, "{\"metadata\":{\"annotations\":{\"patched\":\"true\"}},\"spec\":{\"limited\":{\"nominalConcurrencyShares\":4}}}", spec => (int)spec["limited"]!["nominalConcurrencyShares"]! == 4);

    static async Task AllAsync(string resource, string kind, Func<string, JsonNode> make, string patch, Func<JsonNode, bool> isPatched)
    {
        await using var rig = await FlowRig.StartAsync();
        var http = rig.Http;
        string path = Version + "/" + resource, selected = path + "?labelSelector=special-label%3Dfs";
        async Task<JsonNode> OkAsync(string method, string at, string? body = null, int code = 200, string type = "application/json")
        {
            var answer = await http.SendAsync(method, at, body, type);
            Assert.True(answer.Code == code, $"{method} {at}: {answer.Code} {answer.Body}");
            return JsonNode.Parse(answer.Body)!;
        }
        static JsonArray Items(JsonNode list) => (JsonArray)list["items"]!;

        // Discovery: the group, its version, the resource and its status.
        Assert.Contains((JsonArray)(await OkAsync("GET", "/apis"))["groups"]!, g => (string)g!["name"]! == "flowcontrol.apiserver.k8s.io" && ((JsonArray)g["versions"]!).Any(v => (string)v!["version"]! == "v1"));
        Assert.Equal("flowcontrol.apiserver.k8s.io/v1", (string)(await OkAsync("GET", Group))["preferredVersion"]!["groupVersion"]!);
        string[] resources = [.. ((JsonArray)(await OkAsync("GET", Version))["resources"]!).Select(r => (string)r!["name"]!)];
        Assert.Contains(resource, resources);
        Assert.Contains(resource + "/status", resources);

        // Create, read, list.
        var created = await OkAsync("POST", path, make("e2e-one").ToJsonString(), 201);
        await OkAsync("POST", path, make("e2e-two").ToJsonString(), 201);
        await OkAsync("POST", path, make("e2e-three").ToJsonString(), 201);
        var read = await OkAsync("GET", path + "/e2e-one");
        Assert.Equal((string)created["metadata"]!["uid"]!, (string)read["metadata"]!["uid"]!);
        Assert.Equal(kind, (string)read["kind"]!);
        // Whoever says no version overwrites.
        await OkAsync("PUT", path + "/e2e-two", make("e2e-two").ToJsonString());
        var list = await OkAsync("GET", selected);
        Assert.Equal(3, Items(list).Count);

        // Watch from the list: the patch and the update come as MODIFIED.
        using var watch = await http.Http.GetAsync($"{selected}&watch=1&resourceVersion={(string)list["metadata"]!["resourceVersion"]!}", HttpCompletionOption.ResponseHeadersRead);
        using var events = new StreamReader(await watch.Content.ReadAsStreamAsync());
        var patched = await OkAsync("PATCH", path + "/e2e-one", patch, type: "application/merge-patch+json");
        Assert.Equal("true", (string)patched["metadata"]!["annotations"]!["patched"]!);
        Assert.True(isPatched(patched["spec"]!));
        patched["metadata"]!["annotations"]!["updated"] = "true";
        // The controller may have written the status meanwhile: as the e2e test, on the newest version.
        JsonNode? updated = null;
        await rig.UntilAsync(async () =>
        {
            var newest = await OkAsync("GET", path + "/e2e-one");
            newest["metadata"]!["annotations"]!["updated"] = "true";
            var answer = await http.SendAsync("PUT", path + "/e2e-one", newest.ToJsonString());
            updated = answer.Code == 200 ? JsonNode.Parse(answer.Body) : null;
            return updated is not null;
        });
        Assert.Equal("true", (string)updated!["metadata"]!["annotations"]!["updated"]!);
        var seen = new List<JsonNode>();
        while (!seen.Any(e => (string)e["type"]! == "MODIFIED" && (string?)e["object"]!["metadata"]!["annotations"]?["updated"] == "true"))
            seen.Add(JsonNode.Parse((await events.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)))!)!);
        Assert.Contains(seen, e => (string)e["type"]! == "MODIFIED" && (string?)e["object"]!["metadata"]!["annotations"]?["patched"] == "true");

        // Status: read, patched, updated; the spec stays as it is.
        await OkAsync("GET", path + "/e2e-one/status");
        var ofStatus = await OkAsync("PATCH", path + "/e2e-one/status",
            """{"metadata":{"annotations":{"ofstatus":"true"}},"spec":{"matchingPrecedence":1},"status":{"conditions":[{"type":"PatchStatusFailed","status":"False","reason":"e2e","message":"patched","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}""", type: "application/strategic-merge-patch+json");
        Assert.Contains((JsonArray)ofStatus["status"]!["conditions"]!, c => (string)c!["type"]! == "PatchStatusFailed");
        Assert.True(isPatched(ofStatus["spec"]!));
        JsonNode? put = null;
        await rig.UntilAsync(async () =>
        {
            var newest = await OkAsync("GET", path + "/e2e-one/status");
            ((JsonArray)newest["status"]!["conditions"]!).Add(JsonNode.Parse("""{"type":"StatusUpdateFailed","status":"False","reason":"e2e","message":"updated","lastTransitionTime":"2026-01-01T00:00:00Z"}"""));
            var answer = await http.SendAsync("PUT", path + "/e2e-one/status", newest.ToJsonString());
            put = answer.Code == 200 ? JsonNode.Parse(answer.Body) : null;
            return put is not null;
        });
        Assert.Contains((JsonArray)put!["status"]!["conditions"]!, c => (string)c!["type"]! == "StatusUpdateFailed");

        // Delete one, then all that are selected; nobody else's.
        await OkAsync("DELETE", path + "/e2e-one");
        Assert.Equal(404, (await http.GetAsync(path + "/e2e-one")).Code);
        Assert.Equal(2, Items(await OkAsync("GET", selected)).Count);
        await OkAsync("DELETE", selected);
        Assert.Empty(Items(await OkAsync("GET", selected)));
        Assert.NotEmpty(Items(await OkAsync("GET", path)));
    }
}
