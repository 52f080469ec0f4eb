using static Hanbae.Server.Tests.Crd.CrdRig;

namespace Hanbae.Server.Tests.Crd;

/// <summary>Server-side apply on custom resources follows their schema.</summary>
public sealed class AppliedTests
{
    const string Spec = """
        {"type":"object","properties":{"size":{"type":"integer"},
        "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"port":{"type":"integer"}}}},
        "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
        "words":{"type":"array","items":{"type":"string"}},
        "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}
        """;

    static Task<TestServer.Answer> ApplyAsync(CrdRig rig, string manager, string spec, bool force = false, string version = "v1", string sub = "") => rig.Test.SendAsync(
        "PATCH", $"/apis/example.com/{version}/namespaces/default/things/a{sub}?fieldManager={manager}{(force ? "&force=true" : "")}",
        $$"""{"apiVersion":"example.com/{{version}}","kind":"Thing","metadata":{"name":"a"},{{(sub.Length > 0 ? "\"status\"" : "\"spec\"")}}:{{spec}}}""", "application/apply-patch+yaml");

    [Fact]
    public async Task Appliers_share_keyed_lists_and_sets_and_replace_other_lists()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec));
        Assert.Equal(201, (await ApplyAsync(rig, "ann", """{"ports":[{"name":"a","port":1}],"tags":["x"],"words":["one"],"free":{"a":1}}""")).Code);
        var both = await ApplyAsync(rig, "bob", """{"ports":[{"name":"b","port":2}],"tags":["y"],"free":{"b":2}}""");
        Assert.Equal(200, both.Code);
        Assert.Equal(("a", "b", "x", "y"), (both.Text("spec", "ports", "0", "name"), both.Text("spec", "ports", "1", "name"), both.Text("spec", "tags", "0"), both.Text("spec", "tags", "1")));
        Assert.Equal(("1", "2"), (both.Text("spec", "free", "a"), both.Text("spec", "free", "b")));

        var conflict = await ApplyAsync(rig, "bob", """{"words":["two"]}""");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"ann\": .spec.words"), (conflict.Code, conflict.Message));
        var forced = await ApplyAsync(rig, "bob", """{"words":["two"]}""", force: true);
        // What he no longer applies goes, as far as it is his alone.
        Assert.Equal(("two", """[{"name":"a","port":1}]""", """["x"]"""), (forced.Text("spec", "words", "0"), forced.Text("spec", "ports"), forced.Text("spec", "tags")));
    }

    [Fact]
    public async Task What_the_schema_does_not_have_is_refused()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec));
        var answer = await ApplyAsync(rig, "ann", """{"sise":1}""");
        Assert.True(answer.Code is 400 or 500 or 422, answer.Body);
        Assert.Contains("sise", answer.Message);
    }

    [Fact]
    public async Task A_status_is_applied_through_its_own_door()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec, ""","subresources":{"status":{}}"""));
        Assert.Equal(201, (await ApplyAsync(rig, "ann", """{"size":1}""")).Code);
        var seen = await ApplyAsync(rig, "controller", """{"ready":true}""", sub: "/status");
        Assert.Equal((200, "true", "1"), (seen.Code, seen.Text("status", "ready"), seen.Text("spec", "size")));
        Assert.Equal(("controller", "status"), (seen.Text("metadata", "managedFields", "1", "manager"), seen.Text("metadata", "managedFields", "1", "subresource")));
    }

    [Fact]
    public async Task Owners_in_another_version_keep_their_fields()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec, more: """,{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":""" + Spec + "}}}}"));
        Assert.Equal(201, (await ApplyAsync(rig, "ann", """{"size":1}""")).Code);
        var conflict = await ApplyAsync(rig, "bob", """{"size":2}""", version: "v2");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"ann\": .spec.size"), (conflict.Code, conflict.Message));
        Assert.Equal(200, (await ApplyAsync(rig, "ann", """{"size":3}""", version: "v2")).Code);
    }

    /// <summary>Gives the kind another schema for its spec, and waits until it is the one in use.</summary>
    static async Task RedefineAsync(CrdRig rig, string spec, string versions = "")
    {
        string name = Definitions + "/things.example.com";
        string description = "Seen " + Guid.NewGuid();
        string wanted = Thing(spec, more: versions).Replace("A thing.", description);
        var now = (Api.Json.JsonObject)Api.Json.JsonValue.Parse(wanted);
        var patched = await rig.Test.SendAsync("PATCH", name, "{\"spec\":{\"versions\":" + ((Api.Json.JsonObject)now["spec"]!)["versions"] + "},\"status\":{}}", "application/merge-patch+json");
        Assert.True(patched.Code == 200, patched.Body);
        await UntilAsync(async () => (await rig.Test.GetAsync("/openapi/v3/apis/example.com/v1")).Body.Contains(description), "the new schema");
    }

    static string Owned(TestServer.Answer answer, string manager)
    {
        for (int i = 0; answer.Text("metadata", "managedFields") is { } all && i < ((Api.Json.JsonArray)Api.Json.JsonValue.Parse(all)).Count; i++)
            if (answer.Text("metadata", "managedFields", $"{i}", "manager") == manager) return answer.Text("metadata", "managedFields", $"{i}", "fieldsV1");
        return "";
    }

    [Fact]
    public async Task What_was_one_value_is_owned_item_by_item_once_the_schema_says_so()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec.Replace("\"x-kubernetes-list-type\":\"set\"", "\"x-kubernetes-list-type\":\"atomic\"")));
        var first = await ApplyAsync(rig, "ann", """{"tags":["x","y"]}""");
        Assert.Equal("""{"f:spec":{"f:tags":{}}}""", Owned(first, "ann"));
        Assert.Equal(409, (await ApplyAsync(rig, "bob", """{"tags":["z"]}""")).Code);

        await RedefineAsync(rig, Spec);
        var both = await ApplyAsync(rig, "bob", """{"tags":["z"]}""");
        Assert.Equal((200, """["x","y","z"]"""), (both.Code, both.Text("spec", "tags")));
        Assert.Equal("""{"f:spec":{"f:tags":{".":{},"v:\"x\"":{},"v:\"y\"":{}}}}""", Owned(both, "ann"));
        Assert.Equal("""{"f:spec":{"f:tags":{"v:\"z\"":{}}}}""", Owned(both, "bob"));
        Assert.Equal("""["y","z"]""", (await ApplyAsync(rig, "ann", """{"tags":["y"]}""")).Text("spec", "tags"));
    }

    [Fact]
    public async Task What_was_owned_item_by_item_is_one_value_once_the_schema_says_so()
    {
        await using var rig = await StartAsync();
        await rig.DefineAsync(Thing(Spec));
        Assert.Equal(201, (await ApplyAsync(rig, "ann", """{"ports":[{"name":"a","port":1}],"tags":["x"]}""")).Code);
        Assert.Equal(200, (await ApplyAsync(rig, "bob", """{"ports":[{"name":"b","port":2}]}""")).Code);

        await RedefineAsync(rig, Spec.Replace("\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"],", ""));
        var updated = await rig.Test.SendAsync("PATCH", Things + "/a?fieldManager=cat", """{"spec":{"size":1}}""", "application/merge-patch+json");
        Assert.Equal(("""{"f:spec":{"f:ports":{},"f:tags":{"v:\"x\"":{}}}}""", """{"f:spec":{"f:ports":{}}}"""), (Owned(updated, "ann"), Owned(updated, "bob")));
        var conflict = await ApplyAsync(rig, "bob", """{"ports":[{"name":"b","port":3}]}""");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"ann\": .spec.ports"), (conflict.Code, conflict.Message));
        Assert.Equal("""[{"name":"b","port":3}]""", (await ApplyAsync(rig, "bob", """{"ports":[{"name":"b","port":3}]}""", force: true)).Text("spec", "ports"));
    }

    [Fact]
    public async Task Nobody_owns_anything_in_a_version_that_is_gone()
    {
        await using var rig = await StartAsync();
        string second = """,{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":""" + Spec + "}}}}";
        await rig.DefineAsync(Thing(Spec, more: second));
        Assert.Equal(201, (await ApplyAsync(rig, "ann", """{"size":1}""", version: "v2")).Code);
        // While it is only not served any more, what was written in it counts.
        await RedefineAsync(rig, Spec, second.Replace("\"served\":true", "\"served\":false"));
        Assert.Equal(409, (await ApplyAsync(rig, "bob", """{"size":2}""")).Code);
        await RedefineAsync(rig, Spec);
        var applied = await ApplyAsync(rig, "bob", """{"size":2}""");
        Assert.Equal((200, "", """{"f:spec":{"f:size":{}}}"""), (applied.Code, Owned(applied, "ann"), Owned(applied, "bob")));
    }
}
