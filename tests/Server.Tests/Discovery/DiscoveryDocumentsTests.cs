using System.Collections.Immutable;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Discovery;

namespace Hanbae.Server.Tests.Discovery;

public sealed class DiscoveryDocumentsTests
{
    readonly DiscoveryDocuments _documents = new(ServedGroup.BuiltIn, "10.0.0.1:6443");

    JsonObject Plain(string path) => (JsonObject)JsonValue.Parse(_documents.Plain(path)!.Json.Span);

    static string Text(Document document) => System.Text.Encoding.UTF8.GetString(document.Json.Span);

    [Theory]
    [InlineData("/api", """{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"10.0.0.1:6443"}]}""")]
    [InlineData("/apis/apps", """{"kind":"APIGroup","apiVersion":"v1","name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}""")]
    public void Small_documents_are_upstreams_to_the_byte(string path, string expected) => Assert.Equal(expected + "\n", Text(_documents.Plain(path)!));

    [Fact]
    public void Cores_resources_are_listed_without_an_apiVersion_and_those_of_other_groups_with()
    {
        Assert.StartsWith("""{"kind":"APIResourceList","groupVersion":"v1","resources":[""", Text(_documents.Plain("/api/v1")!));
        Assert.StartsWith("""{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[""", Text(_documents.Plain("/apis/apps/v1")!));
    }

    [Fact]
    public void The_preferred_version_stands_first() =>
        Assert.Contains("""{"name":"autoscaling","versions":[{"groupVersion":"autoscaling/v2","version":"v2"},{"groupVersion":"autoscaling/v1","version":"v1"}],"preferredVersion":{"groupVersion":"autoscaling/v2","version":"v2"}}""",
            Text(_documents.Plain("/apis")!));

    [Theory]
    [InlineData("/apis/apps/v1", """{"name":"deployments/status","singularName":"","namespaced":true,"kind":"Deployment","verbs":["get","patch","update"]}""")]
    [InlineData("/apis/apps/v1", """{"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}""")]
    [InlineData("/api/v1", """{"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]}""")]
    public void A_subresource_tells_its_group_only_when_it_is_another_one(string path, string entry) => Assert.Contains(entry, Text(_documents.Plain(path)!));

    [Fact]
    public void Pods_are_known_by_all_their_names() =>
        Assert.Contains("""{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["po"],"categories":["all"],"storageVersionHash":"xPOwRZ+Yhw8="}""",
            Text(_documents.Plain("/api/v1")!));

    [Theory]
    [InlineData("/apis/nosuch")]
    [InlineData("/apis/apps/v9")]
    [InlineData("/api/v1/pods")]
    public void What_is_not_served_is_not_found(string path) => Assert.Null(_documents.Plain(path));

    [Fact]
    public void Subresources_stand_inside_of_their_resource_when_all_is_told_at_once()
    {
        string all = Text(_documents.Aggregated(core: false, "v2"));
        Assert.StartsWith("""{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[""", all);
        Assert.Contains("""{"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},"scope":"Namespaced","singularResource":"deployment","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["deploy"],"categories":["all"],"subresources":[{"subresource":"scale","responseKind":{"group":"autoscaling","version":"v1","kind":"Scale"},"verbs":["get","patch","update"]},{"subresource":"status","responseKind":{"group":"","version":"","kind":"Deployment"},"verbs":["get","patch","update"]}]}""", all);
        Assert.Contains("\"apiVersion\":\"apidiscovery.k8s.io/v2beta1\"", Text(_documents.Aggregated(core: false, "v2beta1")));
    }

    [Fact]
    public void The_tag_changes_with_what_is_served()
    {
        var served = new ServedGroup("stable.example.com", [new("v1", [new APIResource { Name = "crontabs", SingularName = "crontab", Namespaced = true, Kind = "CronTab", Verbs = ["get"] }], Stale: true)]);
        var more = new DiscoveryDocuments(ServedGroup.Join(ServedGroup.BuiltIn, [served]), "10.0.0.1:6443");
        Assert.Equal(_documents.Aggregated(false, "v2").ETag, new DiscoveryDocuments(ServedGroup.BuiltIn, "10.0.0.1:6443").Aggregated(false, "v2").ETag);
        Assert.NotEqual(_documents.Aggregated(false, "v2").ETag, more.Aggregated(false, "v2").ETag);
        Assert.Contains("\"freshness\":\"Stale\"", Text(more.Aggregated(false, "v2")));
        Assert.Contains("\"name\":\"crontabs\"", Text(more.Plain("/apis/stable.example.com/v1")!));
    }

    [Fact]
    public void Versions_of_a_group_that_is_there_already_are_added_once()
    {
        var joined = ServedGroup.Join(ServedGroup.BuiltIn, [new("apps", [new("v1", []), new("v2", [])])]);
        Assert.Equal(["v1", "v2"], joined.Single(g => g.Name == "apps").Versions.Select(v => v.Version));
        Assert.Equal(ServedGroup.BuiltIn.Length, joined.Length);
    }

    /// <summary>Upstream's TestGroupPriority and TestCRD of aggregated discovery.</summary>
    [Fact]
    public void What_another_server_serves_has_its_place_by_priority_and_its_version_is_its_own()
    {
        const string Name = "stable.example.com";
        var definitions = new ServedGroup(Name, [new("v1", [new APIResource { Name = "bars" }]), new("v2", [])]);
        ServedGroup Remote(int priority, params (string Version, int Priority)[] versions) => new(Name, [.. versions.Select(v => new ServedVersion(v.Version, [], true, v.Priority))], priority);
        string[] Order(params ServedGroup[] more) => [.. ServedGroup.Join(ServedGroup.BuiltIn, [.. more]).Select(g => g.Name)];

        var both = ServedGroup.Join(ServedGroup.BuiltIn, [definitions, Remote(1000, ("v1", 15))]).Single(g => g.Name == Name);
        Assert.Equal([("v2", false, 0), ("v1", true, 0)], both.Versions.Select(v => (v.Version, v.Stale, v.Resources.Count)));
        var tie = ServedGroup.Join(ServedGroup.BuiltIn, [Remote(1000, ("v1alpha1", 15), ("v2", 15), ("v1beta1", 15), ("v1", 15)), definitions with { Name = "b.example.com" }]);
        Assert.Equal(Name, tie[^2].Name);
        Assert.Equal(["", "apiregistration.k8s.io", Name], Order(definitions, Remote(20000, ("v1", 15)))[..3]);
        Assert.Equal([.. ServedGroup.BuiltIn.Select(g => g.Name), "a.example.com", Name], Order(new ServedGroup("a.example.com", [new("v1", [])]), Remote(1, ("v1", 15))));
        Assert.Equal([.. ServedGroup.BuiltIn.Select(g => g.Name), Name, "a.example.com"], Order(new ServedGroup("a.example.com", [new("v1", [])]), Remote(2000, ("v1", 15))));
        string[] between = Order(Remote(17300, ("v1", 15)));
        Assert.Equal(("certificates.k8s.io", "networking.k8s.io"), (between[Array.IndexOf(between, Name) - 1], between[Array.IndexOf(between, Name) + 1]));
    }

    [Fact]
    public void The_protobuf_form_says_the_same()
    {
        var message = Envelope.Message(_documents.Plain("/apis/apps/v1")!.Protobuf.Span, out var type);
        var reader = new ProtoReader(message);
        var list = APIResourceList.ReadProto(ref reader);
        Assert.Equal(("v1", "APIResourceList"), type);
        Assert.Equal(((JsonArray)Plain("/apis/apps/v1")["resources"]!).Count, list.Resources.Count);
        Assert.Equal("apps/v1", list.GroupVersion);
    }

    [Theory]
    [InlineData("application/json", null)]
    [InlineData("", null)]
    [InlineData("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", "v2")]
    [InlineData("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", "v2beta1")]
    [InlineData("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json", null)]
    [InlineData("application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", null)]
    [InlineData("application/json;q=0.5,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", "v2")]
    [InlineData("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer,application/json", "v2")]
    public void The_first_form_that_client_and_server_know_is_taken(string accept, string? version) => Assert.Equal(version, DiscoveryAccept.Of(accept)?.Version);
}
