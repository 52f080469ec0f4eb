using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed class NamespaceTests(ControlPlaneRig rig)
{
    const string All = "/api/v1/namespaces";
    const string Pod = """{"metadata":{"name":"test-pod"},"spec":{"containers":[{"name":"nginx","image":"pause"}]}}""";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should patch a Namespace [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status [Conformance]")]
    public async Task A_Namespace_is_patched_updated_and_has_a_status()
    {
        string path = All + "/" + await rig.NamespaceAsync();
        Assert.Equal("testValue", (await rig.Admin.PatchAsync(path, """{"metadata":{"labels":{"testLabel":"testValue"}}}""", Wire.Strategic)).Label("testLabel"));
        Assert.Equal("testValue", (await rig.Admin.GetAsync(path)).Label("testLabel"));
        Assert.Equal("updated", (await rig.Admin.ChangeAsync(path, now => now.With("""{"metadata":{"labels":{"testLabel":"updated"}}}"""))).Label("testLabel"));

        Assert.Equal("Active", (await rig.Admin.GetAsync(path + "/status")).Text("status", "phase"));
        var patched = await rig.Admin.PatchAsync(path + "/status", """{"metadata":{"annotations":{"patched":"status"}},"status":{"conditions":[{"type":"StatusPatch","status":"True","reason":"Test","message":"Patched by a test"}]}}""");
        Assert.Equal(("status", "StatusPatch", "Patched by a test"), (patched.Annotation("patched"), patched.Text("status", "conditions", "0", "type"), patched.Text("status", "conditions", "0", "message")));
        var updated = await rig.Admin.ChangeAsync(path + "/status", now =>
        {
            now["status"]!["conditions"]!.AsArray().Add(JsonNode.Parse("""{"type":"StatusUpdate","status":"True","reason":"Test","message":"Updated by a test"}"""));
            return now;
        }, path);
        Assert.Equal(["StatusPatch", "StatusUpdate"], updated.Items("status", "conditions").Select(c => c.Text("type")));
        Assert.Equal("Active", updated.Text("status", "phase"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace [Conformance]")]
    public async Task A_finalizer_of_somebody_elses_comes_and_goes()
    {
        string path = All + "/" + await rig.NamespaceAsync();
        var with = await rig.Admin.ChangeAsync(path + "/finalize", now => now.With("""{"spec":{"finalizers":["kubernetes","example.com/fake"]}}"""), path);
        Assert.Equal("""["kubernetes","example.com/fake"]""", with.At("spec", "finalizers")!.ToJsonString());
        var without = await rig.Admin.ChangeAsync(path + "/finalize", now => now.With("""{"spec":{"finalizers":["kubernetes"]}}"""), path);
        Assert.Equal("""["kubernetes"]""", without.At("spec", "finalizers")!.ToJsonString());
        Assert.Equal("Active", without.Text("status", "phase"));
    }

    [Theory]
    [InlineData("pods", Pod)]
    [InlineData("services", """{"metadata":{"name":"test-service"},"spec":{"selector":{"a":"b"},"ports":[{"port":80,"targetPort":80}]}}""")]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted [Conformance]")]
    public async Task What_was_in_a_Namespace_is_gone_when_its_name_comes_again(string resource, string body)
    {
        string ns = await rig.NamespaceAsync();
        await rig.Admin.CreateAsync($"{All}/{ns}/{resource}", body);
        if (resource == "pods") await rig.Admin.UntilAsync($"{All}/{ns}/pods", "test-pod", p => p.Text("status", "phase") == "Running");
        await rig.Admin.DeleteAsync($"{All}/{ns}");
        await rig.Admin.GoneAsync(All, ns);
        await rig.Admin.CreateAsync(All, $$"""{"metadata":{"name":"{{ns}}"} }""");
        Assert.Empty(await rig.Admin.ListAsync($"{All}/{ns}/{resource}"));
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", $"{All}/{ns}/{resource}/{JsonNode.Parse(body).Name()}");
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first [Conformance]")]
    public async Task Pods_go_before_all_else()
    {
        string ns = await rig.NamespaceAsync(), root = $"{All}/{ns}";
        await rig.Admin.CreateAsync(root + "/pods", JsonNode.Parse(Pod).With("""{"metadata":{"finalizers":["example.com/finalizer"]}}""").ToJsonString());
        await rig.Admin.CreateAsync(root + "/configmaps", """{"metadata":{"name":"kept"},"data":{"key":"value"}}""");
        using var maps = await rig.Admin.WatchAsync(root + "/configmaps", (await rig.Admin.GetAsync(root + "/configmaps")).Revision());
        await rig.Admin.DeleteAsync(root);
        await rig.Admin.UntilAsync(root + "/pods", "test-pod", p => p.Text("metadata", "deletionTimestamp").Length > 0);
        // The controller said what it waits for: it looked, and all else is untouched.
        var waiting = await rig.Admin.UntilAsync(All, ns, n => n.Items("status", "conditions").Any(c => c.Text("type") == "NamespaceFinalizersRemaining" && c.Text("status") == "True"));
        Assert.Equal("Terminating", waiting.Text("status", "phase"));
        Assert.Contains("example.com/finalizer", waiting.Items("status", "conditions").Single(c => c.Text("type") == "NamespaceFinalizersRemaining").Text("message"));
        Assert.Equal("", (await rig.Admin.GetAsync(root + "/configmaps/kept")).Text("metadata", "deletionTimestamp"));
        var pod = await rig.Admin.PatchAsync(root + "/pods/test-pod", """{"metadata":{"finalizers":null}}""");
        await rig.Admin.GoneAsync(All, ns);
        var gone = await maps.UntilAsync("DELETED", m => m.Name() == "kept");
        Assert.True(ulong.Parse(gone.Revision()) > ulong.Parse(pod.Revision()), "a ConfigMap went before the Pod");
    }
}
