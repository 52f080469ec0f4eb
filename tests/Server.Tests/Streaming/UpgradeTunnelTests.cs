using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Server.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Hanbae.Server.Tests.Streaming;

public sealed class UpgradeTunnelTests
{
    const string Spdy = "POST /exec?command=a%2Fb HTTP/1.1\r\nHost: front\r\nAuthorization: Bearer secret\r\nX-Remote-Group: system:masters\r\nX-Remote-Extra-Scopes: all\r\nImpersonate-User: root\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nX-Stream-Protocol-Version: v3.channel.k8s.io\r\nContent-Length: 0\r\n\r\n";
    const string Switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upgrade_reaches_the_backend_with_the_servers_credentials_and_bytes_flow_both_ways(bool tls)
    {
        string seen = "";
        await using var backend = new RawBackend(async (head, stream) =>
        {
            seen = head;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Switched + "first bytes"));
            await stream.CopyToAsync(stream); // ends with the client's half-close
        }, tls);
        await using var front = await Front.StartAsync(backend.DialAsync);
        using var client = await front.DialAsync();
        var stream = client.GetStream();

        await stream.WriteAsync(Encoding.ASCII.GetBytes(Spdy));
        var answer = await RawBackend.ReadHeadAsync(stream);
        var greeting = new byte["first bytes".Length];
        await stream.ReadExactlyAsync(greeting);
        var bytes = RandomNumberGenerator.GetBytes(5 << 20);
        var back = new byte[bytes.Length];
        await Task.WhenAll(stream.WriteAsync(bytes).AsTask(), stream.ReadExactlyAsync(back).AsTask());

        Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nUpgrade: SPDY/3.1\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n", answer, StringComparison.Ordinal);
        Assert.Equal("first bytes", Encoding.ASCII.GetString(greeting));
        Assert.Equal(bytes, back);
        Assert.StartsWith("POST /run/ns%2F1?command=a%2Fb HTTP/1.1\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("Host: node:10250\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("Authorization: Bearer mine\r\n", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", seen, StringComparison.Ordinal);
        // Who a client says he is reaches nobody who believes this server.
        Assert.DoesNotContain("X-Remote-", seen, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Impersonate-", seen, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Upgrade: SPDY/3.1\r\n", seen, StringComparison.Ordinal);
        Assert.Matches("v4.channel.k8s.io(, |\r\nX-Stream-Protocol-Version: )v3.channel.k8s.io", seen);
    }

    [Fact]
    public async Task The_clients_end_ends_the_backends_input()
    {
        var ended = new TaskCompletionSource<long>();
        await using var backend = new RawBackend(async (_, stream) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Switched));
            using var all = new MemoryStream();
            await stream.CopyToAsync(all);
            ended.SetResult(all.Length);
        });
        await using var front = await Front.StartAsync(backend.DialAsync);
        using (var client = await front.DialAsync())
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Spdy));
            await RawBackend.ReadHeadAsync(client.GetStream());
            await client.GetStream().WriteAsync(new byte[100_000]);
        }
        Assert.Equal(100_000, await ended.Task);
    }

    [Fact]
    public async Task The_backends_end_ends_the_client_after_its_last_byte()
    {
        await using var backend = new RawBackend(async (_, stream) => await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(Switched), .. new byte[1 << 20]]));
        await using var front = await Front.StartAsync(backend.DialAsync);
        using var client = await front.DialAsync();
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Spdy));
        await RawBackend.ReadHeadAsync(client.GetStream());
        using var all = new MemoryStream();
        await client.GetStream().CopyToAsync(all);

        Assert.Equal(1 << 20, all.Length);
    }

    [Theory]
    [InlineData("Content-Length: 7\r\n\r\nrefused")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nref\r\n4\r\nused\r\n0\r\n\r\n")]
    public async Task A_refusal_is_relayed_with_its_headers_and_body(string rest)
    {
        await using var backend = new RawBackend(async (_, stream) =>
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nX-Accepted-Stream-Protocol-Versions: v4.channel.k8s.io\r\n{rest}")));
        await using var front = await Front.StartAsync(backend.DialAsync);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, front.Url);
        request.Headers.Connection.Add("Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");

        using var answer = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("v4.channel.k8s.io", answer.Headers.GetValues("X-Accepted-Stream-Protocol-Versions").Single());
        Assert.Equal("refused", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_token_among_the_subprotocols_stays_here()
    {
        var seen = new TaskCompletionSource<string>();
        await using var backend = new RawBackend(async (head, stream) =>
        {
            seen.SetResult(head);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Switched));
        });
        await using var front = await Front.StartAsync(backend.DialAsync);
        using var client = await front.DialAsync();
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            "GET / HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.c2VjcmV0, v5.channel.k8s.io\r\n\r\n"));

        Assert.Contains("Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n", await seen.Task, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_upgrade_and_one_over_HTTP2_are_told_so()
    {
        await using var front = await Front.StartAsync(_ => throw new InvalidOperationException("must not be dialled"));
        using var http = new HttpClient();
        using var plain = new HttpRequestMessage(HttpMethod.Get, front.Url);
        using var extended = new HttpRequestMessage(HttpMethod.Connect, front.Http2) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        extended.Headers.Protocol = "websocket";

        foreach (var request in (HttpRequestMessage[])[plain, extended])
        {
            using var answer = await http.SendAsync(request);
            Assert.Equal((HttpStatusCode.BadRequest, "Upgrade request required"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }
    }

    [Fact]
    public async Task A_backend_that_cannot_be_dialled_is_reported()
    {
        await using var front = await Front.StartAsync(_ => throw new SocketException((int)SocketError.ConnectionRefused));
        using var client = await front.DialAsync();
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Spdy.Replace("Connection: Upgrade", "Connection: Upgrade, close", StringComparison.Ordinal)));

        Assert.Contains("error dialing backend: Connection refused", await new StreamReader(client.GetStream()).ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>A server that does nothing but tunnel.</summary>
    sealed class Front(WebApplication app) : IAsyncDisposable
    {
        public Uri Url => Addresses[0];
        public Uri Http2 => Addresses[1];

        Uri[] Addresses => [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];

        public static async Task<Front> StartAsync(Func<CancellationToken, ValueTask<Stream>> dial)
        {
            var builder = WebApplication.CreateEmptyBuilder(new());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
            {
                k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1);
                k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
            });
            var app = builder.Build();
            app.Run(async context =>
            {
                var target = new UpgradeTarget("node:10250", $"/run/ns%2F1{context.Request.QueryString}", [new("Authorization", "Bearer mine")], dial);
                if (await UpgradeTunnel.RunAsync(context, target) is not { } failure) return;
                context.Response.StatusCode = failure.Code;
                await context.Response.WriteAsync(failure.Message);
            });
            await app.StartAsync();
            return new(app);
        }

        public async Task<TcpClient> DialAsync()
        {
            var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(IPAddress.Loopback, Url.Port);
            return client;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
