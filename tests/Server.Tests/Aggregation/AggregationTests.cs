using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Tests.Aggregation;

public sealed class AggregationTests
{
    const string Services = "/apis/apiregistration.k8s.io/v1/apiservices", Flunders = FlunderServer.Base + "/namespaces/default/flunders";
    const string Discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    static string Flunder(string name) => $$$"""{"kind":"Flunder","apiVersion":"{{{FlunderServer.Group}}}/{{{FlunderServer.Version}}}","metadata":{"name":"{{{name}}}"},"spec":{"reference":"x"}}""";

    [Fact]
    public async Task Every_version_that_is_served_here_has_a_local_APIService()
    {
        await using var aggregated = await AggregatedServer.StartAsync();
        var local = await aggregated.UntilAsync(c => c.Reason == "Local", "v1.apps");
        Assert.Equal(("True", "Local APIServices are always available"), (local.Status, local.Message));
        var core = await aggregated.Server.GetAsync(Services + "/v1.");
        Assert.Equal(("onstart", "18000", "1", ""), (core.Text("metadata", "labels", "kube-aggregator.kubernetes.io/automanaged"), core.Text("spec", "groupPriorityMinimum"), core.Text("spec", "versionPriority"), core.Text("spec", "service")));
        Assert.Equal("30", (await aggregated.Server.GetAsync(Services + "/v2.autoscaling")).Text("spec", "versionPriority"));
        Assert.Equal(404, (await aggregated.Server.GetAsync(Services + "/v1.apiregistration.k8s.io")).Code);
        Assert.Contains("[+]autoregister-completion ok\n", (await aggregated.Server.GetAsync("/readyz?verbose")).Body);
        var table = await aggregated.Server.GetAsync(Services + "/v1.apps", "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(("Local", "True"), (table.Text("rows", "0", "cells", "1"), table.Text("rows", "0", "cells", "2")));
    }

    [Fact]
    public async Task Versions_of_CustomResourceDefinitions_have_theirs_as_long_as_they_are_served()
    {
        await using var aggregated = await AggregatedServer.StartAsync();
        const string Path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        string Definition(bool second) => """
            {"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}},{"name":"v2","served":SECOND,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """.Replace("SECOND", second ? "true" : "false");
        Assert.Equal(201, (await aggregated.Server.PostAsync(Path, Definition(true))).Code);
        await aggregated.UntilAsync(c => c.Reason == "Local", "v2.example.com");
        var made = await aggregated.Server.GetAsync(Services + "/v1.example.com");
        Assert.Equal(("true", "1000", "100"), (made.Text("metadata", "labels", "kube-aggregator.kubernetes.io/automanaged"), made.Text("spec", "groupPriorityMinimum"), made.Text("spec", "versionPriority")));
        // Somebody's change of it is undone.
        await aggregated.Server.SendAsync("PATCH", Services + "/v1.example.com", """{"spec":{"versionPriority":7}}""", "application/merge-patch+json");
        await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync(Services + "/v1.example.com"), a => a.Text("spec", "versionPriority") == "100");
        Assert.Equal(200, (await aggregated.Server.SendAsync("PATCH", Path + "/things.example.com", Definition(false), "application/merge-patch+json")).Code);
        await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync(Services + "/v2.example.com"), a => a.Code == 404);
        await aggregated.Server.SendAsync("DELETE", Path + "/things.example.com");
        await aggregated.UntilAnswerAsync(() => aggregated.Server.GetAsync(Services + "/v1.example.com"), a => a.Code == 404);
    }

    [Fact]
    public async Task Why_a_server_is_not_available_is_said_step_by_step()
    {
        await using var aggregated = await AggregatedServer.StartAsync();
        var server = aggregated.Server;
        await server.CreateAsync(AggregatedServer.Flunders(443, default));
        async Task<string> Because(string reason)
        {
            var condition = await aggregated.UntilAsync(c => c.Reason == reason);
            Assert.Equal("False", condition.Status);
            return condition.Message;
        }
        Assert.Equal("service/api in \"wardle\" is not present", await Because("ServiceNotFound"));
        var refused = await server.GetAsync(FlunderServer.Base + "/flunders");
        Assert.Equal((503, "service unavailable\n"), (refused.Code, refused.Body));

        var service = new Service { Metadata = new() { Name = "api", Namespace = "wardle" }, Spec = new() { Ports = [new() { Name = "https", Port = 8443 }] } };
        await server.CreateAsync(service);
        Assert.Equal("service/api in \"wardle\" is not listening on port 443", await Because("ServicePortError"));
        await server.SendAsync("PATCH", "/api/v1/namespaces/wardle/services/api", """{"spec":{"ports":[{"name":"https","port":443}]}}""", "application/merge-patch+json");
        Assert.Equal("cannot find endpointslices for service/api in \"wardle\"", await Because("EndpointsNotFound"));
        await server.CreateAsync(new EndpointSlice { Metadata = new() { Name = "api-1", Namespace = "wardle", Labels = Map.Of(("kubernetes.io/service-name", "api")) }, AddressType = "IPv4" });
        Assert.Equal("endpoints for service/api in \"wardle\" have no addresses with port name \"https\"", await Because("MissingEndpoints"));
        // A port that nobody listens on.
        await server.SendAsync("DELETE", "/api/v1/namespaces/wardle/services/api");
        await server.CreateAsync(new Service { Metadata = new() { Name = "api", Namespace = "wardle" }, Spec = new() { Type = "ExternalName", ExternalName = "localhost" } });
        await server.SendAsync("PATCH", Services + "/" + AggregatedServer.Name, """{"spec":{"service":{"port":1}}}""", "application/merge-patch+json");
        Assert.StartsWith("failing or missing response from https://api.wardle.svc:1/apis/wardle.example.com/v1alpha1: ", await Because("FailedDiscoveryCheck"));
    }

    [Fact]
    public async Task Requests_are_passed_on_as_whom_they_were_authenticated()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy, o => o with { Authenticators = [new Jane()] });
        await aggregated.RegisterAsync(flunders);
        var passed = await aggregated.AvailableAsync();
        Assert.Equal(("Passed", "all checks passed"), (passed.Reason, passed.Message));

        var created = await aggregated.Server.SendAsync("POST", Flunders + "?fieldManager=t%20m", Flunder("one"), "application/json", "application/json",
            ("Authorization", "Bearer secret"), ("X-Remote-User", "system:admin"), ("X-Remote-Extra-Scopes", "all"), ("X-Remote-Group", "system:masters"));
        Assert.Equal((201, "one"), (created.Code, created.Text("metadata", "name")));
        Assert.True(flunders.Seen.TryDequeue(out var seen));
        Assert.Equal($"POST {Flunders}?fieldManager=t%20m", seen.Target);
        Assert.Equal(("jane", "7", "a|b"), (seen.Headers["X-Remote-User"], seen.Headers["X-Remote-Uid"], seen.Headers["X-Remote-Extra-example.com%2Fscopes"]));
        // Each on a line of its own, whatever is in it: a group with a comma is one group. They are more than one buffer holds.
        string[] groups = seen.Headers["X-Remote-Group"].Split('|');
        Assert.Equal((503, "dev", "a,b", "system:authenticated"), (groups.Length, groups[0], groups[1], groups[^1]));
        Assert.False(seen.Headers.ContainsKey("X-Remote-Extra-Scopes"));
        Assert.False(seen.Headers.ContainsKey("Authorization"));
        Assert.Equal("127.0.0.1", seen.Headers["X-Forwarded-For"]);

        Assert.Equal("one", (await aggregated.Server.GetAsync(Flunders)).Text("items", "0", "metadata", "name"));
        var missing = await aggregated.Server.GetAsync(Flunders + "/two");
        Assert.Equal((404, "NotFound"), (missing.Code, missing.Text("reason")));
        // Controllers of this process reach it too.
        var inProcess = await aggregated.Server.CallAsync("GET", Flunders);
        Assert.Equal(200, inProcess.Code);
        Assert.Contains("\"name\":\"one\"", Encoding.UTF8.GetString(inProcess.Body.Span));
        Assert.Equal("NotFound", ((Api.Meta.V1.Status)(await aggregated.Server.CallAsync("GET", Flunders + "/two")).Object!).Reason);
        Assert.Equal(200, (await aggregated.Server.CallAsync("DELETE", Flunders + "/one")).Code);
        Assert.Equal(404, (await aggregated.Server.GetAsync(Flunders + "/one")).Code);
    }

    sealed class Jane : IAuthenticator
    {
        public ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct) => new(AuthResult.Known(new("jane", ["dev", "a,b", .. Enumerable.Range(0, 500).Select(i => "team-of-people-number-" + i)])
        {
            Uid = "7", Extra = Map.Of<Seq<string>>(("example.com/scopes", ["a", "b"])),
        }));
    }

    [Fact]
    public async Task Who_may_not_is_refused_before_the_other_server_hears_of_it()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy, o => o with { Authorizers = [new NoFlunders(), new AlwaysAllow()] });
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        var refused = await aggregated.Server.GetAsync(Flunders);
        Assert.Equal((403, "flunders.wardle.example.com is forbidden: User \"system:anonymous\" cannot list resource \"flunders\" in API group \"wardle.example.com\" in the namespace \"default\""), (refused.Code, refused.Message));
        Assert.Empty(flunders.Seen);
    }

    sealed class NoFlunders : IAuthorizer
    {
        public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => new(attributes.Resource == "flunders" ? Decision.Deny("") : Decision.NoOpinion());
    }

    [Fact]
    public async Task A_certificate_of_somebody_else_is_not_believed()
    {
        await using var flunders = await FlunderServer.StartAsync(dnsName: "other.wardle.svc");
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        await aggregated.RegisterAsync(flunders);
        await aggregated.UntilAsync(c => c.Reason == "FailedDiscoveryCheck");
        // Unless nobody looks.
        await aggregated.Server.SendAsync("PATCH", Services + "/" + AggregatedServer.Name, """{"spec":{"caBundle":null,"insecureSkipTLSVerify":true}}""", "application/merge-patch+json");
        await aggregated.AvailableAsync();
    }

    [Fact]
    public async Task A_watch_brings_each_event_when_it_happens()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        using var response = await aggregated.Server.Http.GetAsync(Flunders + "?watch=1", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        // The other server sends the second one only after this.
        Assert.Contains("ADDED", await lines.ReadLineAsync());
        flunders.WatchMayEnd.SetResult();
        Assert.Contains("DELETED", await lines.ReadLineAsync());
        Assert.Null(await lines.ReadLineAsync());
    }

    [Fact]
    public async Task Another_priority_leaves_requests_alone()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        using var response = await aggregated.Server.Http.GetAsync(Flunders + "?watch=1", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Contains("ADDED", await lines.ReadLineAsync());
        Assert.Equal(200, (await aggregated.Server.SendAsync("PATCH", Services + "/" + AggregatedServer.Name, """{"spec":{"versionPriority":400}}""", "application/merge-patch+json")).Code);
        // When this one's state is told, both changes have been seen.
        Assert.Equal(201, (await aggregated.Server.PostAsync(Services, """
            {"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.later.example.com"},
            "spec":{"group":"later.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"none"}}}
            """)).Code);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await aggregated.Server.GetAsync(Services + "/v1.later.example.com")).Text("status", "conditions", "0", "type").Length == 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            Assert.NotEqual(404, (await aggregated.Server.GetAsync(Flunders)).Code);
        }
        flunders.WatchMayEnd.SetResult();
        Assert.Contains("DELETED", await lines.ReadLineAsync());
    }

    [Fact]
    public async Task An_upgrade_goes_through()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("localhost", aggregated.Server.Address.Port);
        await using var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true });
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {Flunders}/x/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Remote-User: root\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 101 ", await Streaming.RawBackend.ReadHeadAsync(tls));
        await tls.WriteAsync("hello"u8.ToArray());
        byte[] echo = new byte[5];
        await tls.ReadExactlyAsync(echo);
        Assert.Equal("hello", Encoding.ASCII.GetString(echo));
        Assert.True(flunders.Seen.TryDequeue(out var seen));
        Assert.Equal("system:anonymous", seen.Headers["X-Remote-User"]);
    }

    [Fact]
    public async Task Discovery_and_descriptions_are_one_and_stay_when_the_server_is_gone()
    {
        await using var flunders = await FlunderServer.StartAsync();
        await using var aggregated = await AggregatedServer.StartAsync(flunders.Pki.Proxy);
        var server = aggregated.Server;
        await aggregated.RegisterAsync(flunders);
        await aggregated.AvailableAsync();
        static JsonObject Wardle(TestServer.Answer a) => ((JsonArray)a.Json["items"]!).Items.Cast<JsonObject>().Single(g => g.ToString().Contains("wardle.example.com"));
        var group = Wardle(await server.GetAsync("/apis", Discovery)).ToString();
        Assert.Contains("\"resource\":\"flunders\"", group);
        Assert.Contains("\"freshness\":\"Current\"", group);
        Assert.Contains("\"name\":\"wardle.example.com\"", (await server.GetAsync("/apis")).Body);
        Assert.Equal("wardle.example.com/v1alpha1", (await server.GetAsync("/apis/wardle.example.com")).Text("preferredVersion", "groupVersion"));
        Assert.Equal("flunders", (await server.GetAsync(FlunderServer.Base)).Text("resources", "0", "name"));

        var v2 = await aggregated.UntilAnswerAsync(() => server.GetAsync("/openapi/v2"), a => a.Body.Contains("com.example.wardle"));
        var definitions = (JsonObject)v2.Json["definitions"]!;
        Assert.Contains("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_wardle.example.com_v1alpha1", definitions["com.example.wardle.v1alpha1.Flunder"]!.ToString());
        Assert.True(definitions.Contains("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_wardle.example.com_v1alpha1"));
        Assert.False(definitions.Contains("io.k8s.unused_wardle.example.com_v1alpha1"));
        var index = await server.GetAsync("/openapi/v3");
        string url = index.Text("paths", "apis/wardle.example.com/v1alpha1", "serverRelativeURL");
        Assert.Contains("A flunder floats.", (await server.GetAsync(url)).Body);

        flunders.DiscoveryCode = 500;
        await aggregated.UntilAsync(c => c.Reason == "FailedDiscoveryCheck" && c.Message.EndsWith(": 500", StringComparison.Ordinal));
        var stale = await aggregated.UntilAnswerAsync(() => server.GetAsync("/apis", Discovery), a => Wardle(a).ToString().Contains("\"freshness\":\"Stale\""));
        Assert.Contains("\"resource\":\"flunders\"", Wardle(stale).ToString());
        Assert.Equal(503, (await server.GetAsync(FlunderServer.Base)).Code);
        // Gone with its APIService, and nothing else with it.
        await server.SendAsync("DELETE", Services + "/" + AggregatedServer.Name);
        var without = await aggregated.UntilAnswerAsync(() => server.GetAsync("/apis"), a => !a.Body.Contains("wardle"));
        Assert.Contains("\"name\":\"apps\"", without.Body);
        Assert.Equal((404, "404 page not found\n"), ((await server.GetAsync(Flunders)).Code, (await server.GetAsync(Flunders)).Body));
    }
}
