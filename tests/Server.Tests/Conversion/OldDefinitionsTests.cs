using Hanbae.Server.Tests.Crd;

namespace Hanbae.Server.Tests.Conversion;

/// <summary>CustomResourceDefinitions as charts of before Kubernetes 1.22 wrote them.</summary>
public sealed class OldDefinitionsTests
{
    const string Old = "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions", New = CrdRig.Definitions, Things = CrdRig.Things;

    static Task<CrdRig> StartAsync() => CrdRig.StartAsync(o => o with { LegacyApis = true });

    static string Definition(string spec) => $$"""
        {"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},
        "spec":{"group":"example.com","names":{"plural":"things","kind":"Thing"},{{spec}} } }
        """;

    const string Schema = """{"openAPIV3Schema":{"properties":{"spec":{"properties":{"size":{"type":"integer","minimum":1},"name":{"type":"string"}},"required":["size"]}}}}""";

    static async Task<TestServer.Answer> DefineAsync(CrdRig rig, string spec)
    {
        var made = await rig.Test.PostAsync(Old, Definition(spec));
        Assert.True(made.Code == 201, made.Body);
        await rig.EstablishedAsync("things.example.com");
        return made;
    }

    [Fact]
    public async Task One_schema_for_all_versions_becomes_each_versions()
    {
        await using var rig = await StartAsync();
        var made = await DefineAsync(rig, $$"""
            "version":"v1","scope":"Namespaced","validation":{{Schema}},"subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"} },
            "additionalPrinterColumns":[{"name":"Size","type":"integer","JSONPath":".spec.size"}],
            "versions":[{"name":"v1","served":true,"storage":true},{"name":"v2","served":true,"storage":false}]
            """);
        Assert.Contains("299 - \"apiextensions.k8s.io/v1beta1 CustomResourceDefinition is deprecated in v1.16+, unavailable in v1.22+; use apiextensions.k8s.io/v1 CustomResourceDefinition\"", made.Headers.GetValues("Warning"));
        Assert.Equal(("apiextensions.k8s.io/v1beta1", "v1", "true"), (made.Text("apiVersion"), made.Text("spec", "version"), made.Text("spec", "preserveUnknownFields")));
        Assert.Equal((".spec.size", "1"), (made.Text("spec", "additionalPrinterColumns", "0", "JSONPath"), made.Text("spec", "validation", "openAPIV3Schema", "properties", "spec", "properties", "size", "minimum")));
        Assert.Equal("", made.Text("spec", "versions", "0", "schema"));

        var kept = await rig.Test.GetAsync(New + "/things.example.com");
        foreach (string version in (string[])["0", "1"])
        {
            Assert.Equal(("1", ".spec.size", "{}"), (kept.Text("spec", "versions", version, "schema", "openAPIV3Schema", "properties", "spec", "properties", "size", "minimum"),
                kept.Text("spec", "versions", version, "additionalPrinterColumns", "0", "jsonPath"), kept.Text("spec", "versions", version, "subresources", "status")));
        }
        Assert.Equal(("true", "", ""), (kept.Text("spec", "preserveUnknownFields"), kept.Text("spec", "version"), kept.Text("spec", "validation")));
        // The schema lacks types: that is said, and is no reason to refuse it.
        var condition = await rig.ConditionAsync("things.example.com", "NonStructuralSchema", "True");
        Assert.Contains("spec.preserveUnknownFields: Invalid value: true: must be false", condition["message"]!.ToString());
        Assert.Contains("spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root", condition["message"]!.ToString());
    }

    [Fact]
    public async Task Unknown_fields_are_kept_and_known_ones_checked()
    {
        await using var rig = await StartAsync();
        await DefineAsync(rig, $$"""  "version":"v1","validation":{{Schema}}  """);
        var made = await rig.Test.PostAsync(Things, CrdRig.Object("a", """{"size":2,"other":{"deep":[1,{"x":"y"}]}}""", ",\"more\":true"));
        Assert.Equal((201, """{"deep":[1,{"x":"y"}]}""", "true"), (made.Code, made.Text("spec", "other"), made.Text("more")));
        Assert.Equal("""{"deep":[1,{"x":"y"}]}""", (await rig.Test.GetAsync(Things + "/a")).Text("spec", "other"));
        Assert.Equal(422, (await rig.Test.PostAsync(Things, CrdRig.Object("b", """{"size":0}"""))).Code);
        Assert.Equal(422, (await rig.Test.PostAsync(Things, CrdRig.Object("b", "{}"))).Code);
        var patched = await rig.Test.SendAsync("PATCH", Things + "/a", """{"spec":{"other":{"deep":null,"flat":1}}}""", "application/merge-patch+json");
        Assert.Equal("""{"flat":1}""", patched.Text("spec", "other"));
        var applied = await rig.Test.SendAsync("PATCH", Things + "/a?fieldManager=m", """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"free":{"a":1}}}""", "application/apply-patch+yaml");
        Assert.Equal((200, "1"), (applied.Code, applied.Text("spec", "free", "a")));
    }

    [Theory]
    [InlineData("""  "version":"v2","versions":[{"name":"v1","served":true,"storage":true},{"name":"v2","served":true,"storage":false}]  """,
        "spec.version: Invalid value: \"v2\": must match the first version in spec.versions")]
    [InlineData("""  "version":"v1","validation":{"openAPIV3Schema":{"type":"object"}},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{}}},{"name":"v2","served":true,"storage":false}]  """,
        "spec.validation: Forbidden: top-level and per-version schemas are mutually exclusive")]
    [InlineData("""  "version":"v1","versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}}}]  """,
        "per-version subresources may not all be set to identical values (top-level subresources should be used instead)")]
    public async Task What_is_said_in_two_ways_at_once_is_refused(string spec, string why)
    {
        await using var rig = await StartAsync();
        var refused = await rig.Test.PostAsync(Old, Definition(spec));
        Assert.Equal((422, "Invalid"), (refused.Code, refused.Text("reason")));
        Assert.Contains(why, refused.Text("message"));
    }

    [Fact]
    public async Task Without_a_schema_anything_goes()
    {
        await using var rig = await StartAsync();
        await DefineAsync(rig, """  "version":"v1"  """);
        var kept = await rig.Test.GetAsync(New + "/things.example.com");
        Assert.Equal(("Namespaced", """[{"name":"v1","served":true,"storage":true}]"""), (kept.Text("spec", "scope"), kept.Text("spec", "versions")));
        Assert.Equal("[1,2]", (await rig.Test.PostAsync(Things, CrdRig.Object("a", """{"any":[1,2]}"""))).Text("spec", "any"));
    }

    [Fact]
    public async Task Fields_that_are_not_to_be_kept_need_a_structural_schema()
    {
        await using var rig = await StartAsync();
        var refused = await rig.Test.PostAsync(Old, Definition($$"""  "version":"v1","preserveUnknownFields":false,"validation":{{Schema}}  """));
        Assert.Equal(422, refused.Code);
        Assert.Contains("must not be empty at the root", refused.Message);
        await DefineAsync(rig, """  "version":"v1","preserveUnknownFields":false,"validation":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","default":3}}}}}}  """);
        Assert.Equal("""{"size":3}""", (await rig.Test.PostAsync(Things, CrdRig.Object("a", """{"other":1}"""))).Text("spec"));
    }

    [Fact]
    public async Task Defaults_and_kept_fields_do_not_go_together()
    {
        await using var rig = await StartAsync();
        var refused = await rig.Test.PostAsync(Old, Definition("""  "version":"v1","validation":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","default":3}}}}}}  """));
        Assert.Equal(422, refused.Code);
        Assert.Contains("spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema", refused.Message);
    }

    [Fact]
    public async Task What_v1_does_not_take_it_takes_back_only_from_what_had_it()
    {
        await using var rig = await StartAsync();
        await DefineAsync(rig, """  "version":"v1"  """);
        var kept = await rig.Test.GetAsync(New + "/things.example.com");
        Assert.Equal(200, (await rig.Test.SendAsync("PUT", New + "/things.example.com", kept.Body.Replace("\"plural\":\"things\"", "\"plural\":\"things\",\"shortNames\":[\"th\"]"))).Code);
        string other = kept.Body.Replace("things", "others").Replace("Thing", "Other").Replace($"\"resourceVersion\":\"{kept.Text("metadata", "resourceVersion")}\",", "");
        Assert.Contains("cannot set to true", (await rig.Test.PostAsync(New, other)).Message);
    }

    [Fact]
    public async Task A_conversion_webhook_is_in_its_old_place()
    {
        await using var rig = await StartAsync();
        var made = await rig.Test.PostAsync(Old, Definition("""  "version":"v1","preserveUnknownFields":false,"validation":{"openAPIV3Schema":{"type":"object"}},"conversion":{"strategy":"Webhook","webhookClientConfig":{"url":"https://example.com/convert"},"conversionReviewVersions":["v1beta1"]}  """));
        Assert.Equal((201, "https://example.com/convert"), (made.Code, made.Text("spec", "conversion", "webhookClientConfig", "url")));
        Assert.Equal("""{"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://example.com/convert"},"conversionReviewVersions":["v1beta1"]}}""", (await rig.Test.GetAsync(New + "/things.example.com")).Text("spec", "conversion"));
    }

    [Fact]
    public async Task Nobody_finds_the_old_version_unless_it_is_wanted()
    {
        await using var rig = await CrdRig.StartAsync();
        Assert.Equal(404, (await rig.Test.PostAsync(Old, Definition("\"version\":\"v1\""))).Code);
    }
}
