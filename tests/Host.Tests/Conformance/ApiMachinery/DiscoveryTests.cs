using System.Text.RegularExpressions;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed partial class DiscoveryTests(ControlPlaneRig rig)
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    /// <summary>A resource of each group that every cluster has.</summary>
    static readonly (string Group, string Version, string Resource)[] s_everywhere =
    [
        ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"), ("apiextensions.k8s.io", "v1", "customresourcedefinitions"), ("apiregistration.k8s.io", "v1", "apiservices"),
        ("apps", "v1", "deployments"), ("authentication.k8s.io", "v1", "tokenreviews"), ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"), ("autoscaling", "v1", "horizontalpodautoscalers"),
        ("autoscaling", "v2", "horizontalpodautoscalers"), ("batch", "v1", "jobs"), ("certificates.k8s.io", "v1", "certificatesigningrequests"), ("coordination.k8s.io", "v1", "leases"),
        ("discovery.k8s.io", "v1", "endpointslices"), ("events.k8s.io", "v1", "events"), ("networking.k8s.io", "v1", "ingresses"), ("node.k8s.io", "v1", "runtimeclasses"),
        ("policy", "v1", "poddisruptionbudgets"), ("scheduling.k8s.io", "v1", "priorityclasses"), ("storage.k8s.io", "v1", "csinodes"),
    ];

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup [Conformance]")]
    public async Task Every_group_prefers_a_version_that_it_has()
    {
        var groups = (await rig.Admin.GetAsync("/apis/")).Items("groups");
        Assert.NotEmpty(groups);
        foreach (var listed in groups.Where(g => !g.Text("name").EndsWith(".example.com", StringComparison.Ordinal)))
        {
            var group = await rig.Admin.GetAsync($"/apis/{listed.Text("name")}/");
            Assert.Equal(("APIGroup", listed.Text("name")), (group.Text("kind"), group.Text("name")));
            Assert.Contains(group.Text("preferredVersion", "groupVersion"), group.Items("versions").Select(v => v.Text("groupVersion")));
        }
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup [Conformance]")]
    public async Task Every_group_has_its_version_and_resources()
    {
        foreach (var (group, version, resource) in s_everywhere.Append(("", "v1", "namespaces")))
        {
            var list = await rig.Admin.GetAsync(group.Length == 0 ? "/api/" + version : $"/apis/{group}/{version}");
            Assert.Equal(("APIResourceList", group.Length == 0 ? version : $"{group}/{version}"), (list.Text("kind"), list.Text("groupVersion")));
            Assert.Contains(list.Items("resources"), r => r.Text("name") == resource);
        }
    }

    /// <summary>What a document in the aggregated form has, as <c>group/version/resource</c>.</summary>
    async Task<HashSet<string>> ToldAsync(string path)
    {
        var answer = await rig.Admin.SendAsync("GET", path, accept: Aggregated);
        Assert.Equal((200, Aggregated), (answer.Code, answer.ContentType.Replace(" ", "")));
        Assert.Equal(("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2"), (answer.Json.Text("kind"), answer.Json.Text("apiVersion")));
        return [.. from g in answer.Json.Items("items") from v in g.Items("versions") from r in v.Items("resources") select $"{g.Name()}/{v.Text("version")}/{r.Text("resource")}"];
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface [Conformance]")]
    public async Task Two_documents_tell_all_that_is_served()
    {
        var told = await ToldAsync("/apis");
        Assert.All(s_everywhere, e => Assert.Contains($"{e.Group}/{e.Version}/{e.Resource}", told));
        var old = await ToldAsync("/api");
        Assert.Contains("/v1/namespaces", old);
        // The documents of each version say the same, subresources aside. Others define kinds here, and take them back, at the same time: those are left out.
        foreach (string version in told.Concat(old).Select(r => r[..r.LastIndexOf('/')]).Distinct().Where(v => !v.Contains(".example.com/", StringComparison.Ordinal)))
        {
            var list = (await rig.Admin.GetAsync(version == "/v1" ? "/api/v1" : "/apis/" + version)).Items("resources");
            Assert.Equal(list.Select(r => r.Text("name")).Where(n => !n.Contains('/')).Order(StringComparer.Ordinal),
                told.Concat(old).Where(r => r.StartsWith(version + "/", StringComparison.Ordinal)).Select(r => r[(version.Length + 1)..]).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs [Conformance]")]
    public async Task A_definition_comes_into_the_aggregated_document_and_goes()
    {
        string told;
        await using (var definition = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Definition.Anything)))
        {
            told = $"{definition.Group}/v1/{definition.Plural}";
            await Wire.EventuallyAsync(async () => (await ToldAsync("/apis")).Contains(told));
        }
        await Wire.EventuallyAsync(async () => !(await ToldAsync("/apis")).Contains(told));
    }

    [GeneratedRegex("^[0-9]+$")]
    private static partial Regex Major { get; }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Minor { get; }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] server version should find the server version [Conformance]")]
    public async Task The_version_is_numbers()
    {
        var version = await rig.Admin.GetAsync("/version");
        Assert.Matches(Major, version.Text("major"));
        Assert.Matches(Minor, version.Text("minor"));
        Assert.Equal(("1", "36"), (version.Text("major"), version.Text("minor")));
        Assert.StartsWith("v1.36.", version.Text("gitVersion"));
    }
}
