using System.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Client.Tests.Transport;

public sealed class HttpTransportTests
{
    static readonly Pod Web = Make.Pod("web", "5", node: "n1", labels: Api.Map.Of(("app", "web")));
    static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    static RequestDelegate Says(string type, byte[] body, int code = 200) => async http =>
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = type;
        await http.Response.Body.WriteAsync(body);
    };

    static RequestDelegate Says(string type, string body, int code = 200) => Says(type, Encoding.UTF8.GetBytes(body), code);

    [Fact]
    public async Task Protobuf_goes_both_ways_over_http_2()
    {
        string seen = "";
        await using var server = await TlsServer.StartAsync(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            _ = Envelope.Message(body.ToArray(), out var type);
            seen = $"{http.Request.Protocol} {http.Request.Method} {http.Request.Path} {http.Request.ContentType} {http.Request.Headers.Accept} {type} {http.Request.Headers.UserAgent}";
            http.Response.ContentType = Decoding.Protobuf;
            await http.Response.Body.WriteAsync(body.ToArray());
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        var made = await new ApiClient(transport).CreateAsync(Web, Soon);
        Assert.Equal(Web, made);
        Assert.Equal("HTTP/2 POST /api/v1/namespaces/default/pods application/vnd.kubernetes.protobuf application/vnd.kubernetes.protobuf,application/json (v1, Pod) hanbae", seen);
    }

    [Fact]
    public async Task Json_goes_both_ways_when_asked_for()
    {
        await using var server = await TlsServer.StartAsync(async http =>
        {
            http.Response.ContentType = "application/json";
            Assert.Equal("application/json", http.Request.ContentType);
            await http.Request.Body.CopyToAsync(http.Response.Body);
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System, new() { Protobuf = false });
        Assert.Equal(Web, await new ApiClient(transport).CreateAsync(Web, Soon));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Delete_options_go_by_the_name_of_their_api(bool proto)
    {
        string type = "";
        await using var server = await TlsServer.StartAsync(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            if (proto) { _ = Envelope.Message(body.ToArray(), out var t); type = t.ApiVersion + " " + t.Kind; }
            else type = Encoding.UTF8.GetString(body.ToArray());
            await Says("application/json", """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}""")(http);
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System, new() { Protobuf = proto });
        await new ApiClient(transport).DeleteAsync<Api.Apps.V1.Deployment>(new("a", "d"), new() { GracePeriodSeconds = 0 }, Soon);
        if (proto) Assert.Equal("apps/v1 DeleteOptions", type);
        else Assert.StartsWith("""{"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":0""", type);
    }

    static byte[] ProtoList(string version, params Pod[] pods) => ProtoLists.Of("PodList", version, pods);

    [Fact]
    public async Task Lists_are_read_in_both_forms()
    {
        string json = $$"""{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"more"},"items":[{{Web}},{{Make.Pod("other", "6")}}]}""";
        await using var server = await TlsServer.StartAsync(http =>
            http.Request.Query["labelSelector"] == "app in (web,ü)" ? Says("application/json", json)(http) : Says(Decoding.Protobuf, ProtoList("8", Web))(http));
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        var client = new ApiClient(transport);
        var list = await client.ListAsync<Pod>(new() { LabelSelector = "app in (web,ü)" }, Soon);
        Assert.Equal(("9", "more", 2), (list.ResourceVersion, list.Continue, list.Items.Count));
        Assert.Equal(Web, list.Items[0]);
        list = await client.ListAsync<Pod>(ListQuery.All, Soon);
        Assert.Equal("8", list.ResourceVersion);
        Assert.Equal(Web, Assert.Single(list.Items));
    }

    static byte[] Frame(string type, IKind obj)
    {
        var writer = new ProtoWriter();
        int start = writer.Length;
        writer.Bytes(1, Envelope.Wrap(obj, obj.Kind().Gvk.Group == "meta.k8s.io" ? new("", "v1") : obj.Kind().Gvk.GroupVersion, obj.Kind().Kind));
        writer.EndMessage(2, start);
        writer.String(1, type);
        byte[] message = writer.ToArray();
        writer.Dispose();
        byte[] frame = new byte[4 + message.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame, message.Length);
        message.CopyTo(frame, 4);
        return frame;
    }

    static byte[] Line(string type, IKind obj) =>
        [.. Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":"), .. obj.Kind().WriteFor(obj, new("", "v1")), .. "}\n"u8];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_watch_is_read_however_it_is_cut_and_ends_with_its_error(bool proto)
    {
        var large = Web with { Metadata = Web.Metadata with { ResourceVersion = "7", Annotations = Api.Map.Of(("large", new string('x', 100_000))) } };
        Func<string, IKind, byte[]> form = proto ? Frame : Line;
        byte[] all = [.. form("ADDED", Web), .. form("MODIFIED", large), .. form("BOOKMARK", Make.Pod("", "8")), .. form("ERROR", Make.Error(410, "Expired", "too old"))];
        await using var server = await TlsServer.StartAsync(async http =>
        {
            http.Response.ContentType = proto ? Decoding.Protobuf + ";stream=watch" : "application/json;stream=watch";
            var random = new Random(1);
            for (int at = 0; at < all.Length;)
            {
                int length = Math.Min(all.Length - at, random.Next(3) == 0 ? random.Next(1, 8) : random.Next(1, 40_000));
                await http.Response.Body.WriteAsync(all.AsMemory(at, length));
                await http.Response.Body.FlushAsync();
                at += length;
            }
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        List<ApiEvent> events = [];
        var error = await Assert.ThrowsAsync<ApiException>(async () =>
        {
            await foreach (var e in transport.WatchAsync(Requests.Watch<Pod>(ListQuery.All, "1"), Soon)) events.Add(e);
        });
        Assert.True(error.IsExpired);
        Assert.Equal(["ADDED", "MODIFIED", "BOOKMARK"], events.Select(e => e.Type));
        Assert.Equal(large, events[1].Object);
        Assert.Equal("8", events[2].Object.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_watch_that_is_refused_says_why()
    {
        await using var server = await TlsServer.StartAsync(Says("application/json",
            """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods is forbidden","reason":"Forbidden","code":403}""", 403));
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        var error = await Assert.ThrowsAsync<ApiException>(async () => { await foreach (var _ in transport.WatchAsync(Requests.Watch<Pod>(ListQuery.All, "1"), Soon)) { } });
        Assert.Equal(("Forbidden", "pods is forbidden"), (error.Reason, error.Message));
    }

    [Fact]
    public async Task Objects_of_kinds_that_are_not_built_in_are_read_as_trees()
    {
        const string Boat = """{"kind":"Boat","apiVersion":"sea.example/v1","metadata":{"name":"b"},"spec":{"sails":2}}""";
        await using var server = await TlsServer.StartAsync(http => Says("application/json", http.Request.Query.ContainsKey("watch") ? "{\"type\":\"ADDED\",\"object\":" + Boat + "}\n"
            : "{\"kind\":\"BoatList\",\"apiVersion\":\"sea.example/v1\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[" + Boat + "]}")(http));
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        var list = (await transport.SendAsync(new() { Method = "GET", Path = "/apis/sea.example/v1/boats" }, Soon)).List!;
        Assert.Equal(("7", "b"), (list.Metadata.ResourceVersion, list.Items[0].Metadata.Name));
        await foreach (var e in transport.WatchAsync(Requests.Watch<Pod>(ListQuery.All, "1"), Soon)) Assert.Equal("2", ((Unstructured)e.Object)["spec", "sails"]!.ToString());
    }

    [Fact]
    public async Task Warnings_retry_times_and_bodies_that_are_no_objects_come_through()
    {
        await using var server = await TlsServer.StartAsync(async http =>
        {
            http.Response.Headers.Append("Warning", "299 - \"spec.x is \\\"old\\\"\"");
            http.Response.Headers.RetryAfter = "7";
            await Says("text/plain", "busy", http.Request.Path == "/healthz" ? 200 : 429)(http);
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        var healthy = await transport.SendAsync(new() { Method = "GET", Path = "/healthz" }, Soon);
        Assert.Equal("busy"u8, healthy.Body.Span);
        Assert.Equal(["spec.x is \"old\""], healthy.Warnings);
        var busy = await transport.SendAsync(new() { Method = "GET", Path = "/api/v1/pods" }, Soon);
        Assert.Equal((429, 7, "busy"), (busy.Code, ((Status)busy.Object!).Details!.RetryAfterSeconds, ((Status)busy.Object).Message));
    }

    [Fact]
    public async Task A_log_is_read_while_it_grows()
    {
        var more = new TaskCompletionSource();
        await using var server = await TlsServer.StartAsync(async http =>
        {
            if (http.Request.Path == "/none") { await Says("text/plain", "no such log", 404)(http); return; }
            await http.Response.WriteAsync("first\n");
            await http.Response.Body.FlushAsync();
            await more.Task;
            await http.Response.WriteAsync("second\n");
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        await using (var stream = await transport.StreamAsync(new() { Method = "GET", Path = "/log" }, Soon))
        {
            using var reader = new StreamReader(stream);
            Assert.Equal("first", await reader.ReadLineAsync(Soon));
            more.SetResult();
            Assert.Equal("second", await reader.ReadLineAsync(Soon));
        }
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => transport.StreamAsync(new() { Method = "GET", Path = "/none" }, Soon).AsTask())).IsNotFound);
    }

    [Fact]
    public async Task A_server_of_another_authority_or_name_is_not_trusted()
    {
        await using var server = await TlsServer.StartAsync(Says("text/plain", "ok"), "kubernetes.default");
        async Task<int> Ask(ClusterConfig config)
        {
            using var transport = new HttpTransport(config, TimeProvider.System);
            return (await transport.SendAsync(new() { Method = "GET", Path = "/" }, Soon)).Code;
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => Ask(server.Config));
        Assert.Equal(200, await Ask(server.Config with { TlsServerName = "kubernetes.default" }));
        await Assert.ThrowsAsync<HttpRequestException>(() => Ask(server.Config with { TlsServerName = "kubernetes.default", CertificateAuthority = new(null, new Authority().Pem) }));
        Assert.Equal(200, await Ask(server.Config with { CertificateAuthority = default, Insecure = true }));
    }

    [Fact]
    public async Task Credentials_are_shown_and_a_token_file_is_read_again_after_a_minute()
    {
        string seen = "";
        await using var server = await TlsServer.StartAsync(async http =>
        {
            seen = $"{(await http.Connection.GetClientCertificateAsync())?.Subject} {http.Request.Headers.Authorization} {http.Request.Headers["Impersonate-User"]}";
            await Says("text/plain", "ok")(http);
        });
        var (certificate, key) = server.Authority.IssuePem("alice");
        string token = Path.Combine(Path.GetTempPath(), $"hanbae-token-{Guid.NewGuid():N}");
        try
        {
            await File.WriteAllTextAsync(token, "one\n");
            var time = new FakeTime();
            using var transport = new HttpTransport(server.Config with
            {
                ClientCertificate = new(null, certificate), ClientKey = new(null, key), TokenFile = token, Headers = [new("Impersonate-User", "bob")],
            }, time);
            async Task<string> Ask() { await transport.SendAsync(new() { Method = "GET", Path = "/" }, Soon); return seen; }
            Assert.Equal("CN=alice Bearer one bob", await Ask());
            await File.WriteAllTextAsync(token, "two\n");
            Assert.Equal("CN=alice Bearer one bob", await Ask());
            time.Advance(TimeSpan.FromSeconds(61));
            Assert.Equal("CN=alice Bearer two bob", await Ask());
        }
        finally { File.Delete(token); }
    }

    [Fact]
    public async Task An_informer_follows_over_the_wire()
    {
        await using var server = await TlsServer.StartAsync(async http =>
        {
            if (http.Request.Query["watch"] != "true") { await Says(Decoding.Protobuf, ProtoList("8", Web))(http); return; }
            http.Response.ContentType = Decoding.Protobuf + ";stream=watch";
            await http.Response.Body.WriteAsync(Frame("ADDED", Make.Pod("second", "9")));
            await http.Response.Body.FlushAsync();
            try { await Task.Delay(Timeout.Infinite, http.RequestAborted); } catch (OperationCanceledException) { }
        });
        using var transport = new HttpTransport(server.Config, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var informer = new Informer<Pod>(transport, ListQuery.All, TimeProvider.System);
        var second = new TaskCompletionSource();
        informer.Cache.Subscribe(e => { if (e.New?.Metadata.Name == "second") second.TrySetResult(); });
        var run = informer.RunAsync(stop.Token);
        await second.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, informer.Cache.All.Count);
        await stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(60));
    }
}
