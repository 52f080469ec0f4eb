using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Tests.Auth;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Server.Tests.Crd;

/// <summary>Several versions of one kind: by name only, and through a webhook.</summary>
public sealed class VersionsTests
{
    const string Any = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";

    static string Two(string storage, string conversion = "") => $$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},
        "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},{{{conversion}}}"versions":[
        {"name":"v1","served":true,"storage":{{{(storage == "v1" ? "true" : "false")}}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"hostPort":{"type":"string"}} } } },
        {"name":"v2","served":true,"storage":{{{(storage == "v2" ? "true" : "false")}}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"host":{"type":"string"},"port":{"type":"string"}} } } }]}}
        """;

    [Fact]
    public async Task Versions_without_a_webhook_differ_in_their_name_only()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(Two("v1"));
        Assert.Equal(201, (await rig.Test.PostAsync("/apis/example.com/v2/namespaces/default/things", """{"apiVersion":"example.com/v2","kind":"Thing","metadata":{"name":"a"},"host":"h"}""")).Code);
        var one = await rig.Test.GetAsync(CrdRig.Things + "/a");
        Assert.Equal(("example.com/v1", "h"), (one.Text("apiVersion"), one.Text("host")));
        Assert.Equal("example.com/v2", (await rig.Test.GetAsync("/apis/example.com/v2/things")).Text("items", "0", "apiVersion"));
        var group = await rig.Test.GetAsync("/apis/example.com");
        Assert.Equal("v2", group.Text("preferredVersion", "version"));
    }

    [Fact]
    public async Task A_new_storage_version_reads_what_the_old_one_wrote_and_any_write_moves_it()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(Two("v1"));
        await rig.Test.PostAsync(CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"host":"h"}""");
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", Two("v2"), "application/merge-patch+json")).Code);
        await CrdRig.UntilAsync(() => Task.FromResult(rig.Test.Server.Resources.Stored(new("example.com", "things"))?.Kind.Gvk.Version == "v2"), "the storage version changes");
        var read = await rig.Test.GetAsync("/apis/example.com/v2/namespaces/default/things/a");
        Assert.Equal(("example.com/v2", "h"), (read.Text("apiVersion"), read.Text("host")));
        var key = new Store.Key("/registry/example.com/things/default/a");
        Assert.Contains("example.com/v1", Encoding.UTF8.GetString((await rig.Test.Store.GetAsync(key, CancellationToken.None))!.Value.Span));
        Assert.Equal(200, (await rig.Test.SendAsync("PUT", CrdRig.Things.Replace("v1", "v2") + "/a", read.Body)).Code);
        Assert.Contains("example.com/v2", Encoding.UTF8.GetString((await rig.Test.Store.GetAsync(key, CancellationToken.None))!.Value.Span));
        Assert.Equal("""["v1","v2"]""", (await rig.Test.GetAsync(CrdRig.Definitions + "/things.example.com")).Text("status", "storedVersions"));
    }

    /// <summary>A webhook as upstream's tests have one: hostPort of v1 is host and port of v2.</summary>
    sealed class Webhook(HttpsServer https) : IAsyncDisposable
    {
        public string Configuration => $$$"""
            "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"{{{https.Address}}}convert","caBundle":"{{{https.Bundle}}}"}} },
            """;

        public static async Task<Webhook> StartAsync() => new(await HttpsServer.StartAsync(AnswerAsync));

        static async Task AnswerAsync(HttpContext http)
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            var review = (JsonObject)((JsonObject)JsonValue.Parse(body.ToArray()))["request"]!;
            string to = ((JsonString)review["desiredAPIVersion"]!).Value;
            var converted = ((JsonArray)review["objects"]!).Items.Select(o => (JsonValue)Of((JsonObject)o, to)).ToArray();
            bool refuse = converted.OfType<JsonObject>().Any(o => o["refuse"] is not null);
            var response = refuse ? JsonObject.Of(("uid", review["uid"]!), ("result", JsonObject.Of(("status", "Failure"), ("message", "not today"))))
                : JsonObject.Of(("uid", review["uid"]!), ("result", JsonObject.Of(("status", "Success"))), ("convertedObjects", JsonArray.Of(converted)));
            await http.Response.Body.WriteAsync(JsonObject.Of(("apiVersion", "apiextensions.k8s.io/v1"), ("kind", "ConversionReview"), ("response", response)).ToUtf8());
        }

        static JsonObject Of(JsonObject obj, string to)
        {
            obj = obj.With("apiVersion", to);
            // How many it wants has another name in each version, too.
            var (here, there) = to.EndsWith("v2", StringComparison.Ordinal) ? ("size", "count") : ("count", "size");
            if ((obj["spec"] as JsonObject)?[here] is { } size) obj = obj.With("spec", JsonObject.Of((there, size)));
            if (to.EndsWith("v2", StringComparison.Ordinal) && obj["hostPort"] is JsonString both)
                return obj.Without("hostPort").With("host", both.Value.Split(':')[0]).With("port", both.Value.Split(':')[1]);
            if (to.EndsWith("v1", StringComparison.Ordinal) && obj["host"] is JsonString host)
                return obj.Without("host").Without("port").With("hostPort", host.Value + ":" + ((obj["port"] as JsonString)?.Value ?? ""));
            return obj;
        }

        public ValueTask DisposeAsync() => https.DisposeAsync();
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR v1 to CR v2 [Conformance]")]
    public async Task A_webhook_converts_what_is_read_written_patched_and_watched()
    {
        await using var webhook = await Webhook.StartAsync();
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(Two("v1", webhook.Configuration));
        string v2 = CrdRig.Things.Replace("v1", "v2");
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"hostPort":"h:1"}""")).Code);
        var read = await rig.Test.GetAsync(v2 + "/a");
        Assert.Equal(("example.com/v2", "h", "1"), (read.Text("apiVersion"), read.Text("host"), read.Text("port")));

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var watch = rig.Test.WatchAsync("/apis/example.com/v2/things", stop.Token).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("ADDED", "h"), (watch.Current.Type, ((JsonString)((Unstructured)watch.Current.Object)["host"]!).Value));
        var patched = await rig.Test.SendAsync("PATCH", v2 + "/a", """{"port":"2"}""", "application/merge-patch+json");
        Assert.Equal("2", patched.Text("port"));
        Assert.Equal("h:2", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("hostPort"));
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("MODIFIED", "2"), (watch.Current.Type, ((JsonString)((Unstructured)watch.Current.Object)["port"]!).Value));

        Assert.Equal(200, (await rig.Test.SendAsync("PUT", v2 + "/a", patched.Body.Replace("\"h\"", "\"x\""))).Code);
        Assert.Equal("x:2", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("hostPort"));
        var refused = await rig.Test.PostAsync(v2, """{"apiVersion":"example.com/v2","kind":"Thing","metadata":{"name":"r"},"host":"h","refuse":true}""");
        Assert.Equal(500, refused.Code);
        Assert.Equal("conversion webhook for example.com/v2, Kind=Thing failed: not today", refused.Message);
    }

    [Fact]
    public async Task Who_owns_what_is_kept_in_the_version_that_was_written_in_and_what_is_applied_is_converted()
    {
        await using var webhook = await Webhook.StartAsync();
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(Two("v1", webhook.Configuration));
        string v2 = CrdRig.Things.Replace("v1", "v2");
        static string Applied(string fields) => "apiVersion: example.com/v2\nkind: Thing\nmetadata: {name: a}\n" + fields;
        Task<TestServer.Answer> ApplyAsync(string fields, string manager, string more = "") =>
            rig.Test.SendAsync("PATCH", $"{v2}/a?fieldManager={manager}{more}", Applied(fields), "application/apply-patch+yaml");

        var made = await ApplyAsync("host: h\nport: '1'\n", "me");
        Assert.Equal((201, "h", "me", "Apply", "example.com/v2"), (made.Code, made.Text("host"), made.Text("metadata", "managedFields", "0", "manager"), made.Text("metadata", "managedFields", "0", "operation"), made.Text("metadata", "managedFields", "0", "apiVersion")));
        Assert.Equal("""{"f:host":{},"f:port":{}}""", made.Text("metadata", "managedFields", "0", "fieldsV1"));
        Assert.Equal("h:1", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("hostPort"));

        var refused = await ApplyAsync("port: '2'\n", "other");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"me\": .port"), (refused.Code, refused.Message));
        var forced = await ApplyAsync("port: '2'\n", "other", "&force=true");
        Assert.Equal((200, "2"), (forced.Code, forced.Text("port")));
        Assert.Equal("h:2", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("hostPort"));

        var patched = await rig.Test.SendAsync("PATCH", v2 + "/a?fieldManager=third", """{"host":"x"}""", "application/merge-patch+json");
        Assert.Contains("\"manager\":\"third\",\"operation\":\"Update\",\"apiVersion\":\"example.com/v2\"", patched.Body, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]")]
    public async Task Fields_of_a_converted_version_select_lists_watches_and_what_is_deleted()
    {
        await using var webhook = await Webhook.StartAsync();
        await using var rig = await CrdRig.StartAsync();
        static string Fields(params string[] paths) => ",\"selectableFields\":[" + string.Join(',', paths.Select(p => $$"""{"jsonPath":"{{p}}"}""")) + "]";
        await rig.DefineAsync(Two("v1", webhook.Configuration)
            .Replace("\"hostPort\":{\"type\":\"string\"}} } }", "\"hostPort\":{\"type\":\"string\"}} } }" + Fields(".hostPort"), StringComparison.Ordinal)
            .Replace("\"port\":{\"type\":\"string\"}} } }", "\"port\":{\"type\":\"string\"}} } }" + Fields(".host", ".port"), StringComparison.Ordinal));
        string v2 = CrdRig.Things.Replace("v1", "v2");
        async Task MakeAsync(string name, string at) =>
            Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, $$$"""{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"{{{name}}}","labels":{"all":"yes"}},"hostPort":"{{{at}}}"}""")).Code);
        async Task<string> NamesAsync(string things, string query) =>
            await rig.Test.GetAsync(things + query) is { Code: 200 } list ? string.Join(' ', ((JsonArray)((JsonObject)JsonValue.Parse(Encoding.UTF8.GetBytes(list.Body)))["items"]!).Items.Select(o => ((JsonString)((JsonObject)((JsonObject)o)["metadata"]!)["name"]!).Value)) : "";
        await MakeAsync("a", "x:80");
        await MakeAsync("b", "y:80");
        await MakeAsync("c", "x:81");
        await MakeAsync("d", "x:80");

        Assert.Equal("b", await NamesAsync(CrdRig.Things, "?fieldSelector=hostPort%3Dy:80"));
        Assert.Equal("a c d", await NamesAsync(v2, "?fieldSelector=host%3Dx"));
        Assert.Equal("c", await NamesAsync(v2, "?fieldSelector=host%3Dx,port!%3D80"));
        Assert.Equal("a d", await NamesAsync(v2, "?fieldSelector=host%3Dx,port%3D80&labelSelector=all%3Dyes"));
        // Each version has its own.
        Assert.Equal((400, 400), ((await rig.Test.GetAsync(CrdRig.Things + "?fieldSelector=host%3Dx")).Code, (await rig.Test.GetAsync(v2 + "?fieldSelector=hostPort%3Dx:80")).Code));
        var first = await rig.Test.GetAsync(v2 + "?fieldSelector=host%3Dx&limit=2");
        Assert.Equal("a c", await NamesAsync(v2, "?fieldSelector=host%3Dx&limit=2"));
        Assert.Equal("d", await NamesAsync(v2, "?fieldSelector=host%3Dx&limit=2&continue=" + first.Text("metadata", "continue")));

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var watch = rig.Test.WatchAsync(v2, stop.Token, ("fieldSelector", "host=x,port=80")).GetAsyncEnumerator();
        async Task NextAsync(string type, string name, string host)
        {
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal((type, name, host), (watch.Current.Type, watch.Current.Object.Metadata.Name, ((JsonString)((Unstructured)watch.Current.Object)["host"]!).Value));
        }
        await NextAsync("ADDED", "a", "x");
        await NextAsync("ADDED", "d", "x");
        async Task SetAsync(string name, string at) =>
            Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/" + name, $$"""{"hostPort":"{{at}}"}""", "application/merge-patch+json")).Code);
        await SetAsync("c", "x:80");
        await NextAsync("ADDED", "c", "x");
        await SetAsync("b", "z:80");
        await SetAsync("a", "z:80");
        // As it was when it still belonged there.
        await NextAsync("DELETED", "a", "x");
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", v2 + "/d", """{"metadata":{"labels":{"all":"no"}}}""", "application/merge-patch+json")).Code);
        await NextAsync("MODIFIED", "d", "x");

        Assert.Equal(200, (await rig.Test.SendAsync("DELETE", v2 + "?fieldSelector=host%3Dx")).Code);
        await NextAsync("DELETED", "c", "x");
        await NextAsync("DELETED", "d", "x");
        Assert.Equal("a b", await NamesAsync(v2, ""));
    }

    [Fact]
    public async Task The_scale_of_a_converted_version_is_found_and_set_by_the_paths_of_that_version()
    {
        await using var webhook = await Webhook.StartAsync();
        await using var rig = await CrdRig.StartAsync();
        static string Scale(string path) => ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".spec." + path + "\",\"statusReplicasPath\":\".status.replicas\"}}";
        await rig.DefineAsync(Two("v1", webhook.Configuration)
            .Replace("\"hostPort\":{\"type\":\"string\"}} } }", "\"hostPort\":{\"type\":\"string\"}} } }" + Scale("size"), StringComparison.Ordinal)
            .Replace("\"port\":{\"type\":\"string\"}} } }", "\"port\":{\"type\":\"string\"}} } }" + Scale("count"), StringComparison.Ordinal));
        string v2 = CrdRig.Things.Replace("v1", "v2");
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"size":2}}""")).Code);
        foreach (string things in (string[])[CrdRig.Things, v2]) Assert.Equal("2", (await rig.Test.GetAsync(things + "/a/scale")).Text("spec", "replicas"));

        var patched = await rig.Test.SendAsync("PATCH", v2 + "/a/scale", """{"spec":{"replicas":3}}""", "application/merge-patch+json");
        Assert.True(patched.Code == 200, patched.Body);
        Assert.Equal(("Scale", "3"), (patched.Text("kind"), patched.Text("spec", "replicas")));
        Assert.Equal("3", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("spec", "size"));
        Assert.Equal(200, (await rig.Test.SendAsync("PUT", v2 + "/a/scale", patched.Body.Replace("\"replicas\":3", "\"replicas\":4", StringComparison.Ordinal))).Code);
        Assert.Equal("4", (await rig.Test.GetAsync(v2 + "/a")).Text("spec", "count"));
        // That was for the version before.
        Assert.Equal(409, (await rig.Test.SendAsync("PUT", v2 + "/a/scale", patched.Body)).Code);
        string table = (await rig.Test.GetAsync(v2 + "/a/scale", "application/json;as=Table;v=v1;g=meta.k8s.io")).Body;
        Assert.Contains("\"cells\":[\"a\",4,0,", table);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non homogeneous list of CRs [Conformance]")]
    public async Task Objects_stored_in_different_versions_are_listed_in_either()
    {
        await using var webhook = await Webhook.StartAsync();
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(Two("v1", webhook.Configuration));
        string v2 = CrdRig.Things.Replace("v1", "v2");
        await rig.Test.PostAsync(CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"hostPort":"h:1"}""");
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", Two("v2", webhook.Configuration), "application/merge-patch+json")).Code);
        await CrdRig.UntilAsync(() => Task.FromResult(rig.Test.Server.Resources.Stored(new("example.com", "things"))?.Kind.Gvk.Version == "v2"), "the storage version changes");
        Assert.Equal(201, (await rig.Test.PostAsync(v2, """{"apiVersion":"example.com/v2","kind":"Thing","metadata":{"name":"b"},"host":"g","port":"2"}""")).Code);
        var old = await rig.Test.GetAsync(CrdRig.Things);
        Assert.Equal(("h:1", "g:2"), (old.Text("items", "0", "hostPort"), old.Text("items", "1", "hostPort")));
        var now = await rig.Test.GetAsync(v2);
        Assert.Equal(("h", "g"), (now.Text("items", "0", "host"), now.Text("items", "1", "host")));
    }
}
