using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Bytes that one reader takes for one request and another for two, or for another user's.</summary>
public sealed class SmugglingTests : IAsyncLifetime
{
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync(o => o with { StaticTokens = StaticTokens.Parse("bobs,bob,u1\nanns,ann,u2\n") });
        await _server.BindAsync("pods", User("bob"), Rule("get,list", "", "pods"));
        await _server.BindAsync("health", Group("system:unauthenticated"), new Api.Rbac.V1.PolicyRule { Verbs = ["get"], NonResourceURLs = ["/livez"] });
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    Task<RawClient> ConnectAsync(string protocol) => RawClient.ConnectAsync(_server.Http, protocol);

    /// <summary>All that comes back until the server has had enough.</summary>
    async Task<string> SayAsync(string text)
    {
        await using var client = await ConnectAsync("http/1.1");
        await client.SayAsync(text);
        return await client.HearAsync();
    }

    const string Get = "GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";

    [Fact]
    public async Task A_plain_request_is_answered() => Assert.StartsWith("HTTP/1.1 200", await SayAsync(Get + "Authorization: Bearer bobs\r\n\r\n"));

    /// <summary>What would be another request, of somebody who may, if the one before it were read otherwise.</summary>
    const string Smuggled = "GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bobs\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData("two lengths", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 50\r\n\r\nabcd")]
    [InlineData("the same length twice", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd")]
    [InlineData("a list of lengths", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4, 4\r\n\r\nabcd")]
    // Kestrel's own reader takes a sign (Utf8Parser does): it read four bytes and kept the connection open for the next request.
    [InlineData("a length with a sign", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd")]
    [InlineData("less than nothing", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -0\r\n\r\n")]
    [InlineData("a length in another base", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x4\r\n\r\nabcd")]
    [InlineData("a length with a point", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4.0\r\n\r\nabcd")]
    [InlineData("a length with a space in it", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4 4\r\n\r\nabcd")]
    [InlineData("no length at all", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: \r\n\r\nabcd")]
    [InlineData("a length beyond numbers", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999999\r\n\r\nabcd")]
    [InlineData("an encoding that is none", "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("chunks within another encoding", "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")]
    [InlineData("a tab before the colon of an encoding", "POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("a folded header", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n Authorization: Bearer bobs\r\nConnection: close\r\n\r\n")]
    [InlineData("a space before the colon", "GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer bobs\r\nConnection: close\r\n\r\n")]
    [InlineData("two hosts", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\nConnection: close\r\n\r\n")]
    [InlineData("no host", "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")]
    [InlineData("another host in the first line", "GET https://elsewhere/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")]
    [InlineData("a NUL", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\nConnection: close\r\n\r\n")]
    [InlineData("a NUL in the path", "GET /livez\0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")]
    [InlineData("a NUL in the path, in other words", "GET /livez%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")]
    [InlineData("a bare line feed", "GET /livez HTTP/1.1\r\nHost: localhost\nX-A: b\r\nConnection: close\r\n\r\n")]
    [InlineData("a bare line feed behind the first line", "GET /livez HTTP/1.1\nHost: localhost\r\nConnection: close\r\n\r\n")]
    [InlineData("a bare carriage return", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: a\rb\r\nConnection: close\r\n\r\n")]
    [InlineData("a header without a name", "GET /livez HTTP/1.1\r\nHost: localhost\r\n: b\r\nConnection: close\r\n\r\n")]
    [InlineData("a version that is none", "GET /livez HTTP/1.2\r\nHost: localhost\r\nConnection: close\r\n\r\n")]
    [Trait("Attack", "header smuggling")]
    public async Task What_can_be_read_in_two_ways_is_not_read(string what, string request)
    {
        string answer = await SayAsync(request + Smuggled);

        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), $"{what}: {answer[..Math.Min(200, answer.Length)]}");
        Assert.Equal(answer.Length == 0 ? 0 : 1, answer.Split("HTTP/1.1 ").Length - 1);
    }

    /// <summary>Bodies that are never asked for, by a request that is refused: what stands behind them in the connection is no request, or one of its own.</summary>
    [Theory]
    [InlineData("5;a=\nb\r\nabcde\r\n0\r\n\r\n")]
    [InlineData("+5\r\nabcde\r\n0\r\n\r\n")]
    [InlineData("0x5\r\nabcde\r\n0\r\n\r\n")]
    [InlineData("5\nabcde\r\n0\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFF\r\nabcde")]
    [InlineData("5\r\nabcdefgh\r\n0\r\n\r\n")]
    public async Task Chunks_that_can_be_read_in_two_ways_end_the_connection(string chunks)
    {
        string answer = await SayAsync("POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n" + chunks + Smuggled);

        Assert.DoesNotContain("PodList", answer);
    }

    [Fact]
    public async Task A_connection_does_not_become_HTTP_2_in_the_middle()
    {
        string answer = await SayAsync("GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bobs\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200", answer);
        Assert.DoesNotContain("HTTP/1.1 101", answer);
    }

    [Theory]
    [InlineData("GET https://localhost/api/v1/namespaces/default/pods", "200")]
    [InlineData("GET https://localhost/api/v1/namespaces/default/secrets", "403")]
    [InlineData("GET https://localhost/api/v1/namespaces/default/pods/../secrets", "400")]
    [InlineData("GET https://localhost", "403")]
    [InlineData("CONNECT localhost:443", "403")]
    [InlineData("CONNECT 169.254.169.254:80", "400")]
    [InlineData("OPTIONS *", "403")]
    [InlineData("GET *", "405")]
    [InlineData("GET api/v1/namespaces/default/pods", "400")]
    public async Task The_first_line_names_a_path_of_this_server_whatever_its_form(string line, string code)
    {
        string answer = await SayAsync(line + " HTTP/1.1\r\nHost: localhost" + (line.Contains("localhost:443", StringComparison.Ordinal) ? ":443" : "") + "\r\nConnection: close\r\nAuthorization: Bearer bobs\r\n\r\n");

        Assert.True(answer.StartsWith("HTTP/1.1 " + code, StringComparison.Ordinal), answer[..Math.Min(200, answer.Length)]);
    }

    /// <summary>Headers of HTTP/2 that would be something else in HTTP/1.1, where a server behind this one may speak that.</summary>
    [Theory]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("connection", "keep-alive")]
    [InlineData("Authorization", "Bearer bobs")]
    [InlineData("x-a", "b\r\nauthorization: Bearer bobs")]
    [InlineData("x-a\r\nauthorization", "Bearer bobs")]
    [InlineData("x a", "b")]
    [InlineData(":path", "/livez")]
    [InlineData(":other", "/livez")]
    [InlineData("content-length", "+0")]
    [InlineData("content-length", "5")]
    public async Task Headers_that_HTTP_2_does_not_have_are_no_request(string name, string value)
    {
        await using var client = await ConnectAsync("h2");
        await client.BeginHttp2Async(65_535);
        await client.RequestAsync(1, 5, (":method", "GET"), (":scheme", "https"), (":path", "/livez"), (":authority", "localhost"), (name, value));
        bool ended = false;
        while (!ended && await client.NextFrameAsync() is var (type, _, _, payload))
        {
            // The first byte of an answer's headers is its code, of which 200 is 0x88.
            if (type == RawClient.Headers) Assert.NotEqual(0x88, payload[0]);
            ended = type is RawClient.Reset or RawClient.GoAway || type == RawClient.Headers;
        }
        Assert.Equal(200, (await _server.Http.GetAsync("/livez")).Code);
    }

    [Fact]
    public async Task A_body_that_is_chunked_and_counted_ends_where_its_chunks_do()
    {
        // Chunks count, as the protocol has it, and the connection ends behind them: nothing that follows is a request.
        string answer = await SayAsync("POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bobs\r\nConnection: close\r\n\r\n");

        Assert.DoesNotContain("PodList", answer);
    }

    [Theory]
    [InlineData("Authorization: Bearer\r\n", "401", "403")]
    [InlineData("Authorization: Bearer bobs x\r\n", "401", "401")]
    [InlineData("Authorization: Basic Ym9iOmJvYnM=\r\n", "401", "403")]
    [InlineData("Authorization: Bearer anns\r\nAuthorization: Bearer bobs\r\n", "401", "403")]
    [InlineData("X-Remote-User: bob\r\n", "403", "403")]
    [InlineData("X_Remote_User: bob\r\nX-Remote-Group: system:masters\r\n", "403", "403")]
    [InlineData("Authorization: Bearer anns\r\nImpersonate-User: bob\r\n", "403", "403")]
    [Trait("Attack", "forged front-proxy headers")]
    public async Task Headers_make_nobody_of_somebody_else(string headers, string code, string other)
    {
        string answer = await SayAsync(Get + headers + "\r\n");

        Assert.True(answer.StartsWith("HTTP/1.1 " + code, StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 " + other, StringComparison.Ordinal), answer[..Math.Min(200, answer.Length)]);
        Assert.DoesNotContain("PodList", answer);
    }

    [Theory]
    [InlineData(".."), InlineData("."), InlineData("a/b"), InlineData("../x"), InlineData("a%2fb"), InlineData("..%2f"), InlineData("a\\\\b"), InlineData("a\\u0000b"), InlineData("a\\nb"), InlineData("\u2024\u2024")]
    [Trait("Attack", "path traversal in names")]
    public async Task What_is_a_path_is_no_name(string name)
    {
        await _server.BindAsync("maps", User("ann"), Rule("create", "", "configmaps"));
        async Task<int> CodeAsync(string path, string body) => (await _server.Http.SendAsync("POST", path, body, headers: [("Authorization", "Bearer anns")])).Code;
        Assert.Equal(201, await CodeAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"plain"}}"""));
        Assert.Equal(422, await CodeAsync("/api/v1/namespaces/default/configmaps", $$"""{"metadata":{"name":"{{name}}"} }"""));
        // Keys become files of volumes.
        Assert.Equal(422, await CodeAsync("/api/v1/namespaces/default/configmaps", $$"""{"metadata":{"name":"keys"},"data":{"{{name}}":"x"} }"""));
    }

    [Theory]
    [InlineData("/api/v1/namespaces/default/pods/../../kube-system/secrets")]
    [InlineData("/api/v1/namespaces/default/pods/..%2f..%2fkube-system%2fsecrets")]
    [InlineData("/api/v1/namespaces/default/pods/%2e%2e/secrets")]
    [InlineData("/api/v1/namespaces/default/../default/secrets")]
    [InlineData("/api/v1//secrets")]
    [InlineData("//api/v1/secrets")]
    [InlineData("/api/v1/namespaces/default/pods;/../secrets")]
    [InlineData("/api/v1/namespaces/default/secrets?path=/api/v1/namespaces/default/pods")]
    [InlineData("/API/v1/namespaces/default/secrets")]
    [InlineData("/api/v1/namespaces/default/pods/x/../../secrets/y")]
    [InlineData("/api/v1/namespaces/default/pods/%2E%2e/secrets/y")]
    [InlineData("/api/v1/namespaces/default/pods/.%2e/secrets/y")]
    [InlineData("/api/v1/namespaces/default/pods/%252e%252e/secrets/y")]
    [InlineData("/api/v1/namespaces/default/pods%2f..%2fsecrets/y")]
    [InlineData("/api/v1/namespaces/default/pods%252f..%252fsecrets")]
    [InlineData("/api/v1/namespaces/default/pods/..%5c..%5csecrets")]
    [InlineData("/api/v1/namespaces/default/pods/..\\..\\secrets")]
    [InlineData("/api/v1/namespaces/default/pods/%c0%ae%c0%ae/secrets")]
    [InlineData("/api/v1/namespaces/default/%73ecrets")]
    [InlineData("/api/v1/./namespaces/default/pods")]
    [InlineData("/api/v1/namespaces/kube-system/../default/pods")]
    [InlineData("/livez/../api/v1/namespaces/default/secrets")]
    [Trait("Attack", "path traversal in names")]
    public async Task A_path_that_turns_about_leads_nowhere(string path)
    {
        await _server.MakeAsync(new Api.Core.V1.Secret { Metadata = new() { Name = "y", Namespace = "default" }, Data = Api.Map.Of(("k", Api.Bytes.FromText("v"))) });

        string answer = await SayAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer bobs\r\n\r\n");

        Assert.DoesNotContain("HTTP/1.1 200", answer);
        Assert.DoesNotContain("SecretList", answer);
    }

    [Fact]
    [Trait("Attack", "oversized HTTP/2 settings")]
    public async Task Settings_of_any_size_and_number_hurt_nobody_else()
    {
        // HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS and INITIAL_WINDOW_SIZE at their most, over and over.
        byte[] settings = [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 0, 3, 255, 255, 255, 255, 0, 4, 127, 255, 255, 255];
        await using var client = await ConnectAsync("h2");
        var tls = client.Tls;
        await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        byte[] flood = [.. Enumerable.Repeat(settings, 4000).SelectMany(s => s)];
        try
        {
            for (int i = 0; i < 10; i++) await tls.WriteAsync(flood);
        }
        catch (IOException) { } // the server has had enough, which is as well
        Assert.Equal(200, (await _server.Http.GetAsync("/livez")).Code);
    }

    [Theory]
    [InlineData(0x1, 1)] // HEADERS that are not finished by any CONTINUATION
    [InlineData(0x5, 1)] // PUSH_PROMISE from a client
    [InlineData(0x4, 1)] // SETTINGS on a stream
    [InlineData(0x0, 0)] // DATA of no stream
    public async Task Frames_that_may_not_be_end_the_connection_and_nothing_else(byte type, byte stream)
    {
        await using var client = await ConnectAsync("h2");
        var tls = client.Tls;
        byte[] frame = [0, 0, 6, type, 0, 0, 0, 0, stream, 0, 3, 0, 0, 0, 0];
        byte[] all = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, .. frame, .. frame];
        await tls.WriteAsync(all);
        var answer = new MemoryStream();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try { await tls.CopyToAsync(answer, limit.Token); }
        catch (IOException) { }

        Assert.False(limit.IsCancellationRequested);
        Assert.Equal(200, (await _server.Http.GetAsync("/livez")).Code);
    }
}
