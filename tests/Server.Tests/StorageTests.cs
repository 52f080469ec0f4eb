using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Tests;

public sealed class StorageTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";

    static string Map(string name, string data = "1", string more = "") => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"{{{more}}}},"data":{"a":"{{{data}}}"}}""";

    [Fact]
    public async Task What_is_created_can_be_read_listed_changed_and_deleted()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.PostAsync(Maps, Map("one"));
        Assert.Equal(201, created.Code);
        Assert.NotEmpty(created.Text("metadata", "uid"));
        Assert.StartsWith("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one","namespace":"default","uid":""", created.Body);

        var read = await server.GetAsync(Maps + "/one");
        Assert.Equal(created.Body, read.Body);

        var list = await server.GetAsync(Maps);
        Assert.Equal("ConfigMapList", list.Text("kind"));
        Assert.Equal("one", list.Text("items", "0", "metadata", "name"));
        Assert.Equal("", list.Text("items", "0", "kind"));

        var updated = await server.SendAsync("PUT", Maps + "/one", Map("one", "2"));
        Assert.Equal((200, "2"), (updated.Code, updated.Text("data", "a")));
        Assert.NotEqual(created.Text("metadata", "resourceVersion"), updated.Text("metadata", "resourceVersion"));

        var deleted = await server.SendAsync("DELETE", Maps + "/one");
        Assert.Equal((200, "Success", "configmaps"), (deleted.Code, deleted.Text("status"), deleted.Text("details", "kind")));
        var gone = await server.GetAsync(Maps + "/one");
        Assert.Equal((404, "configmaps \"one\" not found", "NotFound"), (gone.Code, gone.Message, gone.Text("reason")));
    }

    [Fact]
    public async Task A_second_create_of_the_same_name_already_exists()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one"));
        var second = await server.PostAsync(Maps, Map("one"));
        Assert.Equal((409, "AlreadyExists", "configmaps \"one\" already exists"), (second.Code, second.Text("reason"), second.Message));
    }

    [Fact]
    public async Task An_update_of_an_older_version_conflicts()
    {
        await using var server = await TestServer.StartAsync();
        string version = (await server.PostAsync(Maps, Map("one"))).Text("metadata", "resourceVersion");
        await server.SendAsync("PUT", Maps + "/one", Map("one", "2"));
        var late = await server.SendAsync("PUT", Maps + "/one", Map("one", "3", $",\"resourceVersion\":\"{version}\""));
        Assert.Equal(409, late.Code);
        Assert.Equal("Operation cannot be fulfilled on configmaps \"one\": the object has been modified; please apply your changes to the latest version and try again", late.Message);
    }

    [Fact]
    public async Task An_update_that_changes_nothing_is_no_new_version()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.PostAsync(Maps, Map("one"));
        var same = await server.SendAsync("PUT", Maps + "/one", Map("one"));
        Assert.Equal(created.Body, same.Body);
    }

    [Fact]
    public async Task Names_are_generated_from_a_prefix()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.PostAsync(Maps, """{"metadata":{"generateName":"job-"}}""");
        Assert.Matches("^job-[bcdfghjklmnpqrstvwxz2456789]{5}$", created.Text("metadata", "name"));
    }

    [Fact]
    public async Task A_nameless_object_is_invalid()
    {
        await using var server = await TestServer.StartAsync();
        var refused = await server.PostAsync(Maps, """{"metadata":{}}""");
        Assert.Equal((422, "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"), (refused.Code, refused.Message));
        Assert.Equal("FieldValueRequired", refused.Text("details", "causes", "0", "reason"));
    }

    [Fact]
    public async Task Finalizers_keep_a_deleted_object_until_the_last_is_gone()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one", more: ",\"finalizers\":[\"example.com/hold\"]"));
        var deleted = await server.SendAsync("DELETE", Maps + "/one");
        Assert.Equal((200, "ConfigMap"), (deleted.Code, deleted.Text("kind")));
        Assert.NotEmpty(deleted.Text("metadata", "deletionTimestamp"));
        Assert.Equal(200, (await server.GetAsync(Maps + "/one")).Code);
        await server.SendAsync("PATCH", Maps + "/one", """{"metadata":{"finalizers":null}}""", "application/merge-patch+json");
        Assert.Equal(404, (await server.GetAsync(Maps + "/one")).Code);
    }

    [Fact]
    public async Task A_scheduled_Pod_ends_gracefully_and_another_at_once()
    {
        await using var server = await TestServer.StartAsync();
        var bound = new Pod { Metadata = new() { Name = "bound", Namespace = "default" }, Spec = new() { NodeName = "n1", Containers = [new Container { Name = "c", Image = "i" }] } };
        await server.CreateAsync(bound);
        await server.CreateAsync(bound with { Metadata = new() { Name = "free", Namespace = "default" }, Spec = bound.Spec with { NodeName = "" } });
        var pod = (Pod)(await server.CallAsync("DELETE", "/api/v1/namespaces/default/pods/bound")).Object!;
        Assert.Equal(30, pod.Metadata.DeletionGracePeriodSeconds);
        Assert.Equal(200, (await server.CallAsync("GET", "/api/v1/namespaces/default/pods/bound")).Code);
        await server.CallAsync("DELETE", "/api/v1/namespaces/default/pods/bound", new DeleteOptions { GracePeriodSeconds = 0 });
        Assert.Equal(404, (await server.CallAsync("GET", "/api/v1/namespaces/default/pods/bound")).Code);
        await server.CallAsync("DELETE", "/api/v1/namespaces/default/pods/free");
        Assert.Equal(404, (await server.CallAsync("GET", "/api/v1/namespaces/default/pods/free")).Code);
    }

    [Fact]
    public async Task A_dry_run_leaves_nothing()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(201, (await server.PostAsync(Maps + "?dryRun=All", Map("one"))).Code);
        Assert.Equal(404, (await server.GetAsync(Maps + "/one")).Code);
        var wrong = await server.PostAsync(Maps + "?dryRun=Some", Map("one"));
        Assert.Equal((422, "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: \"Some\": supported values: \"All\""), (wrong.Code, wrong.Message));
    }

    [Fact]
    public async Task Status_and_spec_are_updated_apart()
    {
        await using var server = await TestServer.StartAsync();
        const string Path = "/apis/apps/v1/namespaces/default/deployments";
        var created = await server.PostAsync(Path, """{"metadata":{"name":"web"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"replicas":7}}""");
        Assert.Equal(("1", ""), (created.Text("metadata", "generation"), created.Text("status", "replicas")));
        var status = await server.SendAsync("PATCH", Path + "/web/status", """{"spec":{"replicas":5},"status":{"replicas":3}}""", "application/merge-patch+json");
        Assert.Equal(("1", "1", "3"), (status.Text("metadata", "generation"), status.Text("spec", "replicas"), status.Text("status", "replicas")));
        var spec = await server.SendAsync("PATCH", Path + "/web", """{"spec":{"replicas":5},"status":{"replicas":9}}""", "application/merge-patch+json");
        Assert.Equal(("2", "5", "3"), (spec.Text("metadata", "generation"), spec.Text("spec", "replicas"), spec.Text("status", "replicas")));
    }

    [Fact]
    public async Task Who_names_no_version_is_never_in_the_way_of_others()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one"));
        var writes = Enumerable.Range(0, 24).Select(i => i % 2 == 0
            ? server.SendAsync("PATCH", Maps + "/one", $$$"""{"data":{"k{{{i}}}":"v"}}""", "application/merge-patch+json")
            : server.SendAsync("PUT", Maps + "/one", Map("one", i.ToString(System.Globalization.CultureInfo.InvariantCulture))));

        Assert.All(await Task.WhenAll(writes), a => Assert.Equal(200, a.Code));
    }

    [Fact]
    public async Task Owners_are_named_once()
    {
        await using var server = await TestServer.StartAsync();
        const string owner = """{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u1"}""", other = """{"apiVersion":"v1","kind":"Pod","name":"q","uid":"u2"}""";
        const string told = "299 - \".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: [u1]\"";

        var created = await server.PostAsync(Maps, Map("one", more: $",\"ownerReferences\":[{owner},{other},{owner}]"));

        Assert.Equal([told], created.Headers.GetValues("Warning"));
        Assert.Equal(["u1", "u2"], ConfigMap.Info.Decode(System.Text.Encoding.UTF8.GetBytes(created.Body)) is ConfigMap map ? map.Metadata.OwnerReferences.Select(o => o.Uid) : []);
    }

    [Fact]
    public async Task Preconditions_must_hold()
    {
        await using var server = await TestServer.StartAsync();
        string uid = (await server.PostAsync(Maps, Map("one"))).Text("metadata", "uid");
        var refused = await server.SendAsync("DELETE", Maps + "/one", """{"preconditions":{"uid":"other"}}""");
        Assert.Equal((409, $"Operation cannot be fulfilled on ConfigMap \"one\": the UID in the precondition (other) does not match the UID in record ({uid}). The object might have been deleted and then recreated"), (refused.Code, refused.Message));
        var (old, now) = ("1", (await server.GetAsync(Maps + "/one")).Text("metadata", "resourceVersion"));
        refused = await server.SendAsync("DELETE", Maps + "/one", $$$"""{"preconditions":{"resourceVersion":"{{{old}}}"}}""");
        Assert.Equal((409, $"Operation cannot be fulfilled on ConfigMap \"one\": the ResourceVersion in the precondition ({old}) does not match the ResourceVersion in record ({now}). The object might have been modified"), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task Whose_identity_is_another_is_not_written()
    {
        await using var server = await TestServer.StartAsync();
        string uid = (await server.PostAsync(Maps, Map("one"))).Text("metadata", "uid");
        var put = await server.SendAsync("PUT", Maps + "/one", Map("one", more: ",\"uid\":\"other\""));
        Assert.Equal((409, true), (put.Code, put.Message.EndsWith($"Precondition failed: UID in precondition: other, UID in object meta: {uid}", StringComparison.Ordinal)));
        foreach (string type in (string[])["merge-patch", "strategic-merge-patch"])
        {
            var patched = await server.SendAsync("PATCH", Maps + "/one", "{\"metadata\":{\"uid\":\"other\"}}", $"application/{type}+json");
            Assert.Equal((422, "ConfigMap \"one\" is invalid: metadata.uid: Invalid value: \"other\": field is immutable"), (patched.Code, patched.Message));
        }
        Assert.Equal(200, (await server.SendAsync("PATCH", Maps + "/one", "{\"metadata\":{\"uid\":\"" + uid + "\"}}", "application/merge-patch+json")).Code);
    }

    [Fact]
    public async Task Foreground_and_orphan_deletes_leave_the_rest_to_the_collector()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one"));
        var deleted = await server.SendAsync("DELETE", Maps + "/one?propagationPolicy=Foreground");
        Assert.Equal("foregroundDeletion", deleted.Text("metadata", "finalizers", "0"));
        var orphaned = await server.SendAsync("DELETE", Maps + "/one?propagationPolicy=Orphan");
        Assert.Equal("orphan", orphaned.Text("metadata", "finalizers", "0"));
        // Nothing depends on an Event.
        const string Events = "/api/v1/namespaces/default/events";
        Assert.Equal(201, (await server.PostAsync(Events, """{"metadata":{"name":"e","finalizers":["example.com/wait"]},"involvedObject":{"namespace":"default"}}""")).Code);
        Assert.Equal("""["example.com/wait"]""", (await server.SendAsync("DELETE", Events + "/e?propagationPolicy=Foreground")).Text("metadata", "finalizers"));
    }

    [Fact]
    public async Task Deletecollection_deletes_what_is_selected()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one", more: ",\"labels\":{\"a\":\"b\"}"));
        await server.PostAsync(Maps, Map("two"));
        var deleted = await server.SendAsync("DELETE", Maps + "?labelSelector=a%3Db");
        Assert.Equal(("ConfigMapList", "one"), (deleted.Text("kind"), deleted.Text("items", "0", "metadata", "name")));
        Assert.Equal(404, (await server.GetAsync(Maps + "/one")).Code);
        Assert.Equal(200, (await server.GetAsync(Maps + "/two")).Code);
    }

    [Fact]
    public async Task Deletecollection_answers_the_list_that_it_went_by()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string name in (string[])["one", "three", "two"]) await server.PostAsync(Maps, Map(name, more: ",\"finalizers\":[\"example.com/wait\"]"));
        var first = await server.SendAsync("DELETE", Maps + "?limit=2");
        Assert.Equal(("one", "three", "", "1"),
            (first.Text("items", "0", "metadata", "name"), first.Text("items", "1", "metadata", "name"), first.Text("items", "0", "metadata", "deletionTimestamp"), first.Text("metadata", "remainingItemCount")));
        Assert.NotEqual("", (await server.GetAsync(Maps + "/one")).Text("metadata", "deletionTimestamp"));
        Assert.Equal("", (await server.GetAsync(Maps + "/two")).Text("metadata", "deletionTimestamp"));
        var rest = await server.SendAsync("DELETE", Maps + "?limit=2&continue=" + first.Text("metadata", "continue"));
        Assert.Equal(("two", ""), (rest.Text("items", "0", "metadata", "name"), rest.Text("metadata", "continue")));
        Assert.NotEqual("", (await server.GetAsync(Maps + "/two")).Text("metadata", "deletionTimestamp"));
    }

    [Theory]
    [InlineData("true", 400), InlineData("1", 400), InlineData("", 400), InlineData("false", 200), InlineData("0", 200)]
    public async Task Nothing_is_exported(string value, int code)
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, Map("one"));
        Assert.Equal(code, (await server.GetAsync(Maps + "/one?export=" + value)).Code);
    }

    [Fact]
    public async Task Events_are_one_resource_under_two_groups()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces/default/events", """{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"message":"hello","reason":"R"}""");
        var other = await server.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events/e");
        Assert.Equal(("events.k8s.io/v1", "hello", "p"), (other.Text("apiVersion"), other.Text("note"), other.Text("regarding", "name")));
        var list = await server.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events");
        Assert.Equal("hello", list.Text("items", "0", "note"));
    }
}
