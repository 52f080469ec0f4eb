using System.Net.Security;
using System.Net.Sockets;
using System.Text;
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

    async Task<SslStream> ConnectAsync(string protocol)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(System.Net.IPAddress.Loopback, _server.Http.Address.Port);
        var tls = new SslStream(tcp.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [new SslApplicationProtocol(protocol)] });
        return tls;
    }

    /// <summary>All that comes back until the server has had enough.</summary>
    async Task<string> SayAsync(string text)
    {
        await using var tls = await ConnectAsync("http/1.1");
        await tls.WriteAsync(Encoding.Latin1.GetBytes(text));
        var answer = new MemoryStream();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try { await tls.CopyToAsync(answer, limit.Token); }
        catch (IOException) { } // closed without a word more
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    const string Get = "GET /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";

    [Fact]
    public async Task A_plain_request_is_answered() => Assert.StartsWith("HTTP/1.1 200", await SayAsync(Get + "Authorization: Bearer bobs\r\n\r\n"));

    [Theory]
    [InlineData("two lengths", "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 50\r\n\r\nabcdGET /api HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("a folded header", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n Authorization: Bearer bobs\r\nConnection: close\r\n\r\n")]
    [InlineData("a space before the colon", "GET /livez HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer bobs\r\nConnection: close\r\n\r\n")]
    [InlineData("two hosts", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\nConnection: close\r\n\r\n")]
    [InlineData("a NUL", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\nConnection: close\r\n\r\n")]
    public async Task What_can_be_read_in_two_ways_is_not_read(string what, string request)
    {
        string answer = await SayAsync(request);

        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), $"{what}: {answer[..Math.Min(200, answer.Length)]}");
        Assert.Equal(answer.Length == 0 ? 0 : 1, answer.Split("HTTP/1.1 ").Length - 1);
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
    public async Task Headers_make_nobody_of_somebody_else(string headers, string code, string other)
    {
        string answer = await SayAsync(Get + headers + "\r\n");

        Assert.True(answer.StartsWith("HTTP/1.1 " + code, StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 " + other, StringComparison.Ordinal), answer[..Math.Min(200, answer.Length)]);
        Assert.DoesNotContain("PodList", answer);
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
    public async Task A_path_that_turns_about_leads_nowhere(string path)
    {
        await _server.MakeAsync(new Api.Core.V1.Secret { Metadata = new() { Name = "y", Namespace = "default" }, Data = Api.Map.Of(("k", Api.Bytes.FromText("v"))) });

        string answer = await SayAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer bobs\r\n\r\n");

        Assert.DoesNotContain("HTTP/1.1 200", answer);
        Assert.DoesNotContain("SecretList", answer);
    }

    [Fact]
    public async Task Settings_of_any_size_and_number_hurt_nobody_else()
    {
        // HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS and INITIAL_WINDOW_SIZE at their most, over and over.
        byte[] settings = [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 0, 3, 255, 255, 255, 255, 0, 4, 127, 255, 255, 255];
        await using var tls = await ConnectAsync("h2");
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
        await using var tls = await ConnectAsync("h2");
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
