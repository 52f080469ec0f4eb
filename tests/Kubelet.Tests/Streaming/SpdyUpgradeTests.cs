using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Hanbae.Kubelet.Streaming;
using Hanbae.Kubelet.Streaming.Spdy;
using Microsoft.AspNetCore.Builder;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>Negotiation, older protocols and dawdling clients over SPDY.</summary>
public sealed class SpdyUpgradeTests : IAsyncLifetime
{
    static readonly CancellationToken s_ct = CancellationToken.None;
    readonly WebApplication _app = FakeRuntime.Build();
    readonly HttpClient _http = new();
    Func<RemoteCommandSession?, Task> _exec = _ => Task.CompletedTask;
    StreamingTimeouts _timeouts = new() { Linger = TimeSpan.Zero };

    public Task InitializeAsync()
    {
        _app.Run(async context =>
        {
            if (context.Request.Path == "/exec")
            {
                await _exec(await RemoteCommandServer.AcceptAsync(context, new RemoteCommandOptions { Stdout = true, Timeouts = _timeouts }));
            }
            else if (await PortForwardServer.AcceptAsync(context, _timeouts) is { } forward)
            {
                await foreach (var connection in forward.ConnectionsAsync(s_ct)) await connection.CompleteAsync($"port {connection.Port}", s_ct);
                await forward.CloseAsync();
            }
        });
        return _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    async Task<(HttpResponseMessage Answer, SpdySession? Session)> ConnectAsync(string path, params string[] protocols)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(FakeRuntime.AddressOf(_app), path));
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue("SPDY", "3.1"));
        if (protocols.Length > 0) request.Headers.Add("X-Stream-Protocol-Version", protocols);
        var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return (answer, answer.StatusCode == HttpStatusCode.SwitchingProtocols ? SpdySession.Start(await answer.Content.ReadAsStreamAsync(), server: false, accept: null) : null);
    }

    static Task<SpdyStream> OpenAsync(SpdySession session, params (string Name, string Value)[] headers) =>
        session.OpenAsync(headers.ToDictionary(h => h.Name, h => h.Value), s_ct);

    [Theory]
    [InlineData("v4.channel.k8s.io", """{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 2","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"2"}]}}""")]
    [InlineData("v3.channel.k8s.io", "command terminated with non-zero exit code: exit status 2")]
    [InlineData("v2.channel.k8s.io", "command terminated with non-zero exit code: exit status 2")]
    [InlineData("channel.k8s.io", "command terminated with non-zero exit code: exit status 2")]
    [InlineData("", "command terminated with non-zero exit code: exit status 2")]
    public async Task The_clients_first_known_protocol_is_spoken(string protocol, string status)
    {
        _exec = session => session!.CompleteAsync(RemoteCommandStatus.NonZeroExitCode(2), s_ct);
        var (answer, session) = await ConnectAsync("/exec", protocol.Length == 0 ? [] : ["v5.channel.k8s.io", protocol]);
        await using var client = session!;
        var error = await OpenAsync(client, ("streamType", "error"));
        var stdout = await OpenAsync(client, ("streamType", "stdout"));

        Assert.Equal(protocol, answer.Headers.TryGetValues("X-Stream-Protocol-Version", out var chosen) ? chosen.Single() : "");
        Assert.Equal("", await new StreamReader(stdout).ReadToEndAsync());
        Assert.Equal(status, await new StreamReader(error).ReadToEndAsync());
    }

    [Fact]
    public async Task Unknown_protocols_are_refused_with_the_known_ones()
    {
        var (answer, _) = await ConnectAsync("/exec", "v9.channel.k8s.io");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("v4.channel.k8s.io,v3.channel.k8s.io,v2.channel.k8s.io,channel.k8s.io", string.Join(',', answer.Headers.GetValues("X-Accepted-Stream-Protocol-Versions")));
    }

    [Fact]
    public async Task A_request_without_upgrade_is_a_bad_one()
    {
        using var answer = await _http.PostAsync(new Uri(FakeRuntime.AddressOf(_app), "/exec"), null);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.StartsWith("unable to upgrade: ", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_was_not_asked_for_is_refused()
    {
        _exec = session => session!.CompleteAsync(RemoteCommandStatus.Success, s_ct);
        var (_, session) = await ConnectAsync("/exec", "v4.channel.k8s.io");
        await using var client = session!;

        await Assert.ThrowsAsync<IOException>(() => OpenAsync(client, ("streamType", "stdin")));
        var error = await OpenAsync(client, ("streamType", "error"));
        await Assert.ThrowsAsync<IOException>(() => OpenAsync(client, ("streamType", "error")));
        await OpenAsync(client, ("streamType", "stdout"));
        Assert.Equal("""{"metadata":{},"status":"Success"}""", await new StreamReader(error).ReadToEndAsync());
    }

    [Fact]
    public async Task A_client_that_does_not_open_its_streams_in_time_is_dropped()
    {
        _timeouts = _timeouts with { Creation = TimeSpan.Zero };
        var accepted = new TaskCompletionSource<RemoteCommandSession?>();
        _exec = session => { accepted.SetResult(session); return Task.CompletedTask; };
        var (_, session) = await ConnectAsync("/exec", "v4.channel.k8s.io");
        await using var client = session!;

        Assert.Null(await accepted.Task);
        await Assert.ThrowsAsync<IOException>(async () => { while (true) await OpenAsync(client, ("streamType", "error")); });
    }

    [Fact]
    public async Task An_idle_connection_is_ended()
    {
        _timeouts = _timeouts with { Idle = TimeSpan.FromMilliseconds(1) };
        var (_, session) = await ConnectAsync("/portforward", "portforward.k8s.io");
        await using var client = session!;
        var ended = new TaskCompletionSource();
        using var registration = client.Closed.Register(ended.SetResult);

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Port_streams_are_paired_by_request_id_or_for_old_clients_by_their_order()
    {
        var (_, session) = await ConnectAsync("/portforward", "portforward.k8s.io");
        await using var client = session!;
        // Interleaved: what belongs together is not next to each other.
        var error1 = await OpenAsync(client, ("streamType", "error"), ("port", "81"), ("requestID", "a"));
        var error2 = await OpenAsync(client, ("streamType", "error"), ("port", "82"), ("requestID", "b"));
        await OpenAsync(client, ("streamType", "data"), ("port", "82"), ("requestID", "b"));
        await OpenAsync(client, ("streamType", "data"), ("port", "81"), ("requestID", "a"));
        var error3 = await OpenAsync(client, ("streamType", "error"), ("port", "83"));
        await OpenAsync(client, ("streamType", "data"), ("port", "83"));

        foreach (var (error, port) in ((SpdyStream, int)[])[(error1, 81), (error2, 82), (error3, 83)]) Assert.Equal($"port {port}", await new StreamReader(error).ReadToEndAsync());
    }

    [Theory]
    [InlineData("data", "")]
    [InlineData("data", "0")]
    [InlineData("data", "70000")]
    [InlineData("stdin", "80")]
    public async Task A_stream_that_is_none_of_a_port_forward_is_refused(string type, string port)
    {
        var (_, session) = await ConnectAsync("/portforward", "portforward.k8s.io");
        await using var client = session!;

        await Assert.ThrowsAsync<IOException>(() => OpenAsync(client, ("streamType", type), ("port", port)));
    }

    [Fact]
    public async Task A_port_stream_whose_partner_stays_away_is_given_up()
    {
        _timeouts = _timeouts with { Creation = TimeSpan.FromMilliseconds(1) };
        var (_, session) = await ConnectAsync("/portforward", "portforward.k8s.io");
        await using var client = session!;
        try
        {
            var alone = await OpenAsync(client, ("streamType", "error"), ("port", "80"), ("requestID", "a"));
            Assert.Equal("", await new StreamReader(alone).ReadToEndAsync());
            Assert.True(alone.WasReset);
        }
        catch (IOException e) { Assert.Contains("was reset by the peer", e.Message, StringComparison.Ordinal); } // before it was even replied to
    }
}
