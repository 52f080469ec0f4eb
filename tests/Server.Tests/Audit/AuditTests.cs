using System.Text;
using System.Text.Json.Nodes;
using Hanbae.Server.Audit;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Tests.Audit;

/// <summary>What stands in the audit log about requests of every kind.</summary>
public sealed class AuditTests
{
    const string Everything = "rules: [{level: RequestResponse}]", Metadata = "rules: [{level: Metadata}]";
    const string Map = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"<v>"}}""";

    [Fact]
    public async Task An_event_has_upstreams_fields_in_upstreams_order()
    {
        await using var rig = await AuditRig.StartAsync(Metadata);
        var answer = await rig.Http.SendAsync("GET", "/api/v1/namespaces/default/configmaps/none?x=y", headers: [("Audit-ID", "one"), ("User-Agent", "kubectl/v1"), ("X-Forwarded-For", "10.1.2.3, 10.1.2.4"), ("Impersonate-User", "jane"), ("Impersonate-Group", "devs")]);
        Assert.Equal(404, answer.Code);
        Assert.Equal("one", Assert.Single(answer.Headers.GetValues("Audit-ID")));

        var events = rig.Of("one");
        Assert.Equal(["RequestReceived", "ResponseComplete"], events.Select(e => (string)e["stage"]!));
        var done = events[1];
        Assert.Equal(["kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user", "impersonatedUser", "sourceIPs", "userAgent", "objectRef", "responseStatus", "requestReceivedTimestamp", "stageTimestamp", "annotations"], done.Select(m => m.Key));
        Assert.Equal("Event audit.k8s.io/v1 Metadata get /api/v1/namespaces/default/configmaps/none?x=y kubectl/v1",
            string.Join(' ', new[] { "kind", "apiVersion", "level", "verb", "requestURI", "userAgent" }.Select(f => (string)done[f]!)));
        Assert.Equal("""{"username":"system:anonymous","groups":["system:unauthenticated"]}""", done["user"]!.ToJsonString());
        Assert.Equal("""{"username":"jane","groups":["devs","system:authenticated"]}""", done["impersonatedUser"]!.ToJsonString());
        Assert.Equal("""["10.1.2.3","10.1.2.4","127.0.0.1"]""", done["sourceIPs"]!.ToJsonString());
        Assert.Equal("""{"resource":"configmaps","namespace":"default","name":"none","apiVersion":"v1"}""", done["objectRef"]!.ToJsonString());
        Assert.StartsWith("""{"metadata":{},"status":"Failure","message":"configmaps \u0022none\u0022 not found","reason":"NotFound","details":{"name":"none","kind":"configmaps"},"code":404}""", done["responseStatus"]!.ToJsonString());
        Assert.Equal("""{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}""", done["annotations"]!.ToJsonString());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", (string)done["requestReceivedTimestamp"]!);
        Assert.Null(events[0]["responseStatus"]);
    }

    [Fact]
    public async Task Bodies_are_written_at_the_levels_that_ask_for_them_without_managed_fields_if_so()
    {
        await using var rig = await AuditRig.StartAsync("""
            omitStages: [RequestReceived]
            rules:
            - {level: Metadata, namespaces: [meta]}
            - {level: Request, namespaces: [req]}
            - {level: RequestResponse, namespaces: [cut], omitManagedFields: true}
            - {level: RequestResponse}
            """);
        async Task<JsonObject> CreateAsync(string ns)
        {
            Assert.Equal(201, (await rig.Http.SendAsync("POST", $"/api/v1/namespaces/{ns}/configmaps", Map, headers: ("Audit-ID", ns))).Code);
            return Assert.Single(rig.Of(ns));
        }
        var meta = await CreateAsync("meta");
        Assert.False(meta.ContainsKey("requestObject") || meta.ContainsKey("responseObject"));
        // Of what is created the name is told although no path has it.
        Assert.Equal("c", (string)meta["objectRef"]!["name"]!);
        Assert.Equal("""{"metadata":{},"code":201}""", meta["responseStatus"]!.ToJsonString());
        var request = await CreateAsync("req");
        Assert.Equal("<v>", (string)request["requestObject"]!["data"]!["k"]!);
        Assert.False(request.ContainsKey("responseObject"));
        var all = await CreateAsync("all");
        Assert.NotEmpty((string)all["responseObject"]!["metadata"]!["uid"]!);
        Assert.NotNull(all["responseObject"]!["metadata"]!["managedFields"]);
        var cut = await CreateAsync("cut");
        Assert.Null(cut["responseObject"]!["metadata"]!["managedFields"]);
        Assert.NotEmpty((string)cut["responseObject"]!["metadata"]!["uid"]!);

        await rig.Http.SendAsync("GET", "/api/v1/namespaces/cut/configmaps", headers: ("Audit-ID", "list"));
        var list = Assert.Single(rig.Of("list"));
        Assert.Equal("ConfigMapList", (string)list["responseObject"]!["kind"]!);
        Assert.Null(list["responseObject"]!["items"]![0]!["metadata"]!["managedFields"]);
        Assert.False(list.ContainsKey("requestObject"));
        await rig.Http.SendAsync("PATCH", "/api/v1/namespaces/all/configmaps/c?fieldManager=t&force=true", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  k: w\n", "application/apply-patch+yaml", headers: ("Audit-ID", "yaml"));
        Assert.Equal("w", (string)Assert.Single(rig.Of("yaml"))["requestObject"]!["data"]!["k"]!);
        await rig.Http.SendAsync("DELETE", "/api/v1/namespaces/all/configmaps/c", headers: ("Audit-ID", "gone"));
        Assert.Equal("Success", (string)Assert.Single(rig.Of("gone"))["responseObject"]!["status"]!);
        // One line each, whatever was sent.
        Assert.All(rig.Lines(), l => Assert.StartsWith("{\"kind\":\"Event\"", l));
    }

    [Fact]
    public async Task In_process_callers_are_written_down_with_their_objects()
    {
        await using var rig = await AuditRig.StartAsync(Everything);
        await rig.Http.CreateAsync(new Api.Core.V1.ConfigMap { Metadata = new() { Name = "x", Namespace = "default" } });
        var e = rig.Events().Last(e => (string)e["verb"]! == "create");
        Assert.Equal(("tester", "x"), ((string)e["user"]!["username"]!, (string)e["requestObject"]!["metadata"]!["name"]!));
    }

    [Fact]
    public async Task A_watch_is_written_when_it_starts_and_when_it_ends()
    {
        await using var rig = await AuditRig.StartAsync(Metadata);
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/namespaces?watch=1&timeoutSeconds=3600"))
        {
            request.Headers.Add("Audit-ID", "watch");
            using var watch = await rig.Http.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(["RequestReceived", "ResponseStarted"], rig.Of("watch").Select(e => (string)e["stage"]!));
        }
        await rig.UntilAsync(() => rig.Of("watch").Length == 3);
        var end = rig.Of("watch")[2];
        Assert.Equal(("ResponseComplete", "watch", 200), ((string)end["stage"]!, (string)end["verb"]!, (int)end["responseStatus"]!["code"]!));
    }

    sealed class Nobody : IAuthorizer
    {
        public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => new(Decision.NoOpinion("because"));
    }

    sealed class Wrong : IAuthenticator
    {
        public ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct) => new(AuthResult.Rejected("no"));
    }

    [Fact]
    public async Task Who_is_forbidden_and_who_is_turned_away_is_written_down_too()
    {
        await using (var rig = await AuditRig.StartAsync(Metadata, change: o => o with { Authorizers = [new Nobody()] }))
        {
            await rig.Http.SendAsync("GET", "/api/v1/pods", headers: ("Audit-ID", "no"));
            var e = rig.Of("no")[1];
            Assert.Equal(("forbid", "because", 403), ((string)e["annotations"]!["authorization.k8s.io/decision"]!, (string)e["annotations"]!["authorization.k8s.io/reason"]!, (int)e["responseStatus"]!["code"]!));
        }
        await using var closed = await AuditRig.StartAsync(Metadata, change: o => o with { Authenticators = [new Wrong()] });
        Assert.Equal(401, (await closed.Http.SendAsync("GET", "/api/v1/pods", headers: ("Audit-ID", "who"))).Code);
        Assert.Equal(401, (int)Assert.Single(closed.Of("who"))["responseStatus"]!["code"]!);
    }

    [Fact]
    public async Task What_breaks_is_a_panic_in_the_log_and_a_500_for_the_client()
    {
        await using var rig = await AuditRig.StartAsync(Metadata, change: o => o with { Paths = [new("/broken", false, _ => throw new InvalidOperationException("oh"))] });
        Assert.Equal(500, (await rig.Http.SendAsync("GET", "/broken", headers: ("Audit-ID", "b"))).Code);
        Assert.Equal(["RequestReceived", "Panic"], rig.Of("b").Select(e => (string)e["stage"]!));
    }

    [Fact]
    public async Task Plugins_annotations_are_in_the_event_each_key_once()
    {
        await using var rig = await AuditRig.StartAsync(Metadata, change: o => o with { Paths = [new("/noted", false, r =>
        {
            r.AuditAnnotations.Add("example.com/why", "first");
            r.AuditAnnotations.Add("example.com/why", "second");
            return new(Reply.Text("ok"));
        })] });
        await rig.Http.SendAsync("GET", "/noted", headers: ("Audit-ID", "n"));
        Assert.Equal("first", (string)rig.Of("n")[1]["annotations"]!["example.com/why"]!);
    }

    [Fact]
    public async Task Every_answer_has_an_id_and_foreign_ones_are_taken_only_if_they_are_sane()
    {
        await using var rig = await AuditRig.StartAsync("rules: [{level: None}]");
        string first = Assert.Single((await rig.Http.GetAsync("/version")).Headers.GetValues("Audit-ID")), second = Assert.Single((await rig.Http.GetAsync("/version")).Headers.GetValues("Audit-ID"));
        Assert.True(Guid.TryParse(first, out _));
        Assert.NotEqual(first, second);
        string mine = Assert.Single((await rig.Http.SendAsync("GET", "/version", headers: ("Audit-ID", new string('x', 65)))).Headers.GetValues("Audit-ID"));
        Assert.True(Guid.TryParse(mine, out _));
        Assert.Empty(rig.Events());
    }

    [Fact]
    public async Task Strict_a_request_that_cannot_be_written_down_is_not_worked_on_and_otherwise_it_is()
    {
        foreach (var mode in new[] { AuditMode.BlockingStrict, AuditMode.Blocking })
        {
            await using var rig = await AuditRig.StartAsync(Metadata, o => o with { Mode = mode, Path = "/proc/hanbae-no-such/audit.log" });
            var answer = await rig.Http.SendAsync("POST", "/api/v1/namespaces/default/configmaps", Map);
            if (mode == AuditMode.Blocking) Assert.Equal(201, answer.Code);
            else
            {
                Assert.Equal((500, "Internal error occurred: failed to store audit event"), (answer.Code, answer.Message));
                Assert.Equal(0, rig.Http.Server.Resources.Stored(new("", "configmaps"))!.Cache.Count ?? 0);
                // Nor the question how many there were.
                Assert.Equal(500, (await rig.Http.GetAsync("/metrics")).Code);
            }
        }
    }

    [Fact]
    public async Task A_large_event_loses_its_bodies_and_says_so()
    {
        await using var rig = await AuditRig.StartAsync("omitStages: [RequestReceived]\n" + Everything, o => o with { Truncate = new(MaxEvent: 2000) });
        string large = Map.Replace("<v>", new string('x', 3000), StringComparison.Ordinal);
        await rig.Http.SendAsync("POST", "/api/v1/namespaces/default/configmaps", large, headers: ("Audit-ID", "l"));
        var e = Assert.Single(rig.Of("l"));
        Assert.False(e.ContainsKey("requestObject") || e.ContainsKey("responseObject"));
        Assert.Equal("true", (string)e["annotations"]!["audit.k8s.io/truncated"]!);
    }

    [Fact]
    public async Task The_legacy_form_is_upstreams_line()
    {
        await using var rig = await AuditRig.StartAsync(Metadata, o => o with { Legacy = true });
        await rig.Http.SendAsync("GET", "/api/v1/namespaces/default/configmaps/x", headers: [("Audit-ID", "l"), ("User-Agent", "curl")]);
        Assert.EndsWith("AUDIT: id=\"l\" stage=\"ResponseComplete\" ip=\"127.0.0.1\" method=\"get\" user=\"system:anonymous\" groups=\"\\\"system:unauthenticated\\\"\" as=\"<self>\" asgroups=\"<lookup>\" user-agent=\"curl\" namespace=\"default\" uri=\"/api/v1/namespaces/default/configmaps/x\" response=\"404\"", rig.Lines()[1]);
        Assert.Contains("response=\"<deferred>\"", rig.Lines()[0]);
    }

    [Fact]
    public async Task Batch_mode_has_all_in_the_file_when_the_server_has_stopped()
    {
        await using var rig = await AuditRig.StartAsync("omitStages: [RequestReceived]\n" + Metadata, o => o with { Mode = AuditMode.Batch });
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => rig.Http.SendAsync("GET", "/version", headers: ("Audit-ID", "b" + i))));
        await rig.StopAsync();
        Assert.Equal(200, rig.Events().Count(e => ((string)e["auditID"]!).StartsWith('b')));
    }
}
