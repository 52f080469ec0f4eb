using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Crd.Definition;

namespace Hanbae.Server.Tests.Crd;

/// <summary>Definitions themselves: what is accepted, what is said about them, and that their objects go with them.</summary>
public sealed class DefinitionTests
{
    const string Any = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works [Conformance]")]
    public async Task A_definition_is_defaulted_named_and_established()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        var crd = await rig.Test.GetAsync(CrdRig.Definitions + "/things.example.com");
        Assert.Equal("thing", crd.Text("spec", "names", "singular"));
        Assert.Equal("ThingList", crd.Text("status", "acceptedNames", "listKind"));
        Assert.Equal("None", crd.Text("spec", "conversion", "strategy"));
        Assert.Equal("""["v1"]""", crd.Text("status", "storedVersions"));
        var accepted = await rig.ConditionAsync("things.example.com", "NamesAccepted", "True");
        Assert.Equal("NoConflicts", ((JsonString)accepted["reason"]!).Value);
        Assert.Equal("no conflicts found", ((JsonString)accepted["message"]!).Value);
        var established = await rig.ConditionAsync("things.example.com", "Established", "True");
        Assert.Equal("InitialNamesAccepted", ((JsonString)established["reason"]!).Value);
    }

    /// <summary>Upstream's TestOverlappingCustomResource…: what is built in is served and told of as ever, and does not go with the definition.</summary>
    [Theory]
    [InlineData("networking.k8s.io", "networkpolicies", "Namespaced", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", """{"metadata":{"name":"mine"},"spec":{"podSelector":{}}}""", "mine")]
    [InlineData("apiextensions.k8s.io", "customresourcedefinitions", "Cluster", CrdRig.Definitions, "", "things.example.com")]
    public async Task A_definition_does_not_come_in_the_place_of_what_is_built_in(string group, string plural, string scope, string path, string body, string name)
    {
        await using var rig = await CrdRig.StartAsync();
        if (body.Length > 0) Assert.Equal(201, (await rig.Test.PostAsync(path, body)).Code);
        else await rig.DefineAsync(CrdRig.Thing(Any));
        string own = $"{CrdRig.Definitions}/{plural}.{group}";
        await rig.DefineAsync($$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{{plural}}}.{{{group}}}","annotations":{"api-approved.kubernetes.io":"unapproved, for a test"}},
            "spec":{"group":"{{{group}}}","scope":"{{{scope}}}","names":{"plural":"{{{plural}}}","singular":"other","kind":"Other"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","required":["foo"],"properties":{"foo":{"type":"string"}} }} }]}}
            """);

        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", $"{path}/{name}", """{"metadata":{"annotations":{"a":"b"}}}""", "application/merge-patch+json")).Code);
        foreach (var (where, accept) in ((string, string)[])[($"/apis/{group}/v1", "application/json"), ("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
            ("/openapi/v2", "application/json")])
        {
            var told = await rig.Test.GetAsync(where, accept);
            Assert.Equal(200, told.Code);
            Assert.DoesNotContain("\"Other\"", told.Body, StringComparison.Ordinal);
        }

        Assert.Equal(200, (await rig.Test.SendAsync("DELETE", own)).Code);
        await CrdRig.UntilAsync(async () => (await rig.Test.GetAsync(own)).Code == 404, "the definition is gone");
        Assert.Equal(200, (await rig.Test.GetAsync($"{path}/{name}")).Code);
    }

    [Fact]
    public async Task A_definition_whose_webhook_nobody_can_trust_is_kept_but_not_served()
    {
        await using var rig = await CrdRig.StartAsync();
        static string Conversion(string bundle) => "\"conversion\":{\"strategy\":\"Webhook\",\"webhook\":{\"conversionReviewVersions\":[\"v1\"],\"clientConfig\":{\"caBundle\":\"" + bundle + "\",\"service\":{\"namespace\":\"default\",\"name\":\"none\"}}}}";
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Definitions, CrdRig.Thing(Any).Replace("\"versions\":", Conversion("Cg==") + ",\"versions\":", StringComparison.Ordinal))).Code);

        var established = await rig.ConditionAsync("things.example.com", "Established", "False");
        Assert.Equal("InvalidCABundle", ((JsonString)established["reason"]!).Value);
        Assert.Equal("spec.conversion.webhook.clientConfig.caBundle: Invalid value: [bytes]: unable to load root certificates: unable to parse bytes as PEM block", ((JsonString)established["message"]!).Value);

        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", """{"spec":{"conversion":{"strategy":"None","webhook":null}}}""", "application/merge-patch+json")).Code);
        await rig.ConditionAsync("things.example.com", "Established", "True");
        var refused = await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", "{\"spec\":{" + Conversion("Cg==") + "}}", "application/merge-patch+json");
        Assert.Equal(422, refused.Code);
    }

    [Fact]
    public async Task Scale_writes_and_applies_are_accounted_for()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"size":{"type":"integer"},"color":{"type":"string"}}}""", ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".spec.size\",\"statusReplicasPath\":\".status.size\"}}"));
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things + "?fieldManager=me", CrdRig.Object("a", """{"size":1,"color":"red"}"""))).Code);
        const string Scale = """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"a","namespace":"default"},"spec":{"replicas":5}}""";

        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a/scale?fieldManager=hpa", """{"spec":{"replicas":3}}""", "application/merge-patch+json")).Code);
        var scale = await rig.Test.GetAsync(CrdRig.Things + "/a/scale");
        Assert.Equal(("hpa", "scale", "autoscaling/v1", """{"f:spec":{"f:replicas":{}}}"""), (scale.Text("metadata", "managedFields", "0", "manager"), scale.Text("metadata", "managedFields", "0", "subresource"),
            scale.Text("metadata", "managedFields", "0", "apiVersion"), scale.Text("metadata", "managedFields", "0", "fieldsV1")));
        Assert.Equal(415, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a/scale", """{"spec":{"replicas":3}}""", "application/strategic-merge-patch+json")).Code);

        var refused = await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a/scale?fieldManager=ssa", Scale, "application/apply-patch+yaml");
        Assert.Equal("409 Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using example.com/v1: .spec.size", $"{refused.Code} {refused.Message}");
        var forced = await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a/scale?fieldManager=ssa&force=true", Scale, "application/apply-patch+yaml");
        Assert.Equal((200, "5"), (forced.Code, forced.Text("spec", "replicas")));
        var thing = await rig.Test.GetAsync(CrdRig.Things + "/a");
        Assert.Equal("5", thing.Text("spec", "size"));
        Assert.Contains("\"manager\":\"ssa\",\"operation\":\"Apply\"", thing.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_another_has_are_in_conflict_until_it_is_gone()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        string other = CrdRig.Thing(Any).Replace("things.example.com", "others.example.com").Replace("\"plural\":\"things\"", "\"plural\":\"others\"");
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Definitions, other)).Code);
        var conflict = await rig.ConditionAsync("others.example.com", "NamesAccepted", "False");
        Assert.Equal("ListKindConflict", ((JsonString)conflict["reason"]!).Value);
        Assert.Equal("\"ThingList\" is already in use", ((JsonString)conflict["message"]!).Value);
        Assert.Equal("NotAccepted", ((JsonString)(await rig.ConditionAsync("others.example.com", "Established", "False"))["reason"]!).Value);
        Assert.Equal(404, (await rig.Test.GetAsync("/apis/example.com/v1/others")).Code);
        await rig.Test.SendAsync("DELETE", CrdRig.Definitions + "/things.example.com");
        await rig.EstablishedAsync("others.example.com");
        Assert.Equal(200, (await rig.Test.GetAsync("/apis/example.com/v1/others")).Code);
    }

    [Fact]
    public async Task Deleting_a_definition_deletes_its_objects_and_waits_for_those_that_are_held()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        await rig.Test.PostAsync(CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"held","finalizers":["example.com/wait"]}}""");
        await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("free", "{}"));
        var deleted = await rig.Test.SendAsync("DELETE", CrdRig.Definitions + "/things.example.com");
        Assert.Equal("""["customresourcecleanup.apiextensions.k8s.io"]""", deleted.Text("metadata", "finalizers"));
        await rig.ConditionAsync("things.example.com", "Terminating", "True");
        await CrdRig.UntilAsync(async () => (await rig.Test.GetAsync(CrdRig.Things + "/free")).Code == 404, "the object is deleted");
        await CrdRig.UntilAsync(async () => (await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("late", "{}"))) is { Code: 405, Message: "create not allowed while custom resource definition is terminating" }, "nothing new comes in");
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/held", """{"metadata":{"finalizers":null}}""", "application/merge-patch+json")).Code);
        await CrdRig.UntilAsync(async () => (await rig.Test.GetAsync(CrdRig.Definitions + "/things.example.com")).Code == 404, "the definition is gone");
        await CrdRig.UntilAsync(async () => (await rig.Test.GetAsync("/apis/example.com/v1")).Code == 404, "its group is gone");
    }

    [Theory]
    [InlineData("\"scope\":\"Namespaced\"", "\"scope\":\"Galaxy\"", "spec.scope: Unsupported value: \"Galaxy\": supported values: \"Cluster\", \"Namespaced\"")]
    [InlineData("\"storage\":true", "\"storage\":false", "must have exactly one version marked as storage version")]
    [InlineData("\"name\":\"things.example.com\"", "\"name\":\"thing.example.com\"", "metadata.name: Invalid value: \"thing.example.com\": must be spec.names.plural+\".\"+spec.group")]
    [InlineData("\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"status\"", "\"description\":\"x\"},\"status\"", "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields")]
    [InlineData("\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"status\"", "\"type\":\"array\"},\"status\"", "spec.validation.openAPIV3Schema.properties[spec].items: Required value: must be specified")]
    [InlineData("\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"status\"", "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"default\":\"x\"}}},\"status\"", "properties[spec].properties[a].default: Invalid value: \"string\"")]
    [InlineData("\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"status\"", "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"[\"}}},\"status\"", "must be a valid regular expression")]
    [InlineData("\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true},\"status\"", "\"type\":\"object\",\"oneOf\":[{\"type\":\"string\"}]},\"status\"", "oneOf[0].type: Forbidden: must be empty to be structural")]
    [InlineData("\"group\":\"example.com\"", "\"group\":\"example\"", "spec.group: Invalid value: \"example\": should be a domain with at least one dot")]
    [InlineData("\"names\":{", "\"preserveUnknownFields\":true,\"names\":{", "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead")]
    public async Task What_is_no_definition_is_refused_in_upstreams_words(string from, string to, string message)
    {
        await using var rig = await CrdRig.StartAsync();
        string json = CrdRig.Thing(Any);
        Assert.Contains(from, json);
        var answer = await rig.Test.PostAsync(CrdRig.Definitions, json.Replace(from, to));
        Assert.Equal(422, answer.Code);
        Assert.Contains(message, answer.Message);
    }

    [Fact]
    public async Task A_protected_group_must_say_who_approved_it()
    {
        await using var rig = await CrdRig.StartAsync();
        string json = CrdRig.Thing(Any).Replace("example.com", "things.k8s.io");
        var refused = await rig.Test.PostAsync(CrdRig.Definitions, json);
        Assert.Contains("metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation", refused.Message);
        await rig.DefineAsync(json.Replace("\"metadata\":{", "\"metadata\":{\"annotations\":{\"api-approved.kubernetes.io\":\"https://github.com/kubernetes/enhancements/pull/1111\"},"));
        var condition = await rig.ConditionAsync("things.things.k8s.io", "KubernetesAPIApprovalPolicyConformant", "True");
        Assert.Equal("ApprovedAnnotation", ((JsonString)condition["reason"]!).Value);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works [Conformance]")]
    public async Task The_status_is_read_patched_and_replaced_by_itself()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        string status = CrdRig.Definitions + "/things.example.com/status";
        Assert.Equal("things.example.com", (await rig.Test.GetAsync(status)).Text("metadata", "name"));
        var patched = await rig.Test.SendAsync("PATCH", status, """[{"op":"add","path":"/status/conditions/-","value":{"type":"Seen","status":"True","reason":"r","message":"m"}}]""", "application/json-patch+json");
        Assert.Equal(200, patched.Code);
        var replaced = await rig.Test.SendAsync("PUT", status, patched.Body.Replace("\"Seen\"", "\"Known\""));
        Assert.Contains("\"Known\"", replaced.Text("status", "conditions"));
        Assert.Equal("example.com", replaced.Text("spec", "group"));
        await rig.ConditionAsync("things.example.com", "Known", "True");
    }

    [Fact]
    public async Task Established_names_and_scope_stay_and_stored_versions_stay_served_by_the_spec()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        async Task<string> PatchAsync(string patch) => (await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", patch, "application/merge-patch+json")).Message;
        Assert.Contains("spec.scope: Invalid value: \"Cluster\": field is immutable", await PatchAsync("""{"spec":{"scope":"Cluster"}}"""));
        Assert.Contains("spec.names.kind: Invalid value: \"Other\": field is immutable", await PatchAsync("""{"spec":{"names":{"kind":"Other"}}}"""));
        Assert.Contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage version",
            await PatchAsync("""{"spec":{"versions":[{"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"""));
    }

    [Fact]
    public async Task What_is_stored_is_served_again_after_a_restart()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"x":1}"""));
        await using var second = new ApiServer(rig.Test.Store, rig.Test.Server.Options);
        var answer = await second.Transport.SendAsync(new() { Method = "GET", Path = CrdRig.Things + "/a", Identity = new("tester", []) }, CancellationToken.None);
        Assert.Equal(200, answer.Code);
        Assert.Equal(JsonNumber.Of(1), ((Unstructured)answer.Object!)["spec", "x"]);
    }

    [Fact]
    public void A_conflict_leaves_the_other_names_as_wanted()
    {
        var crd = new CustomResourceDefinition { Spec = new() { Group = "g.io", Names = new() { Plural = "a", Singular = "b", Kind = "C", ListKind = "CList", ShortNames = ["d", "e"] } } };
        var status = DefinitionStatus.Next(crd, new HashSet<string> { "b", "e" }, new HashSet<string>(), DateTimeOffset.UnixEpoch);
        Assert.Equal(("a", "", "C", true), (status.AcceptedNames.Plural, status.AcceptedNames.Singular, status.AcceptedNames.Kind, status.AcceptedNames.ShortNames.IsEmpty));
        Assert.Equal("ShortNamesConflict", DefinitionStatus.Find(status.Conditions, "NamesAccepted")!.Reason);
    }
}
