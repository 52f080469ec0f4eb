using System.Net.WebSockets;
using System.Text;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>The subprotocols that kubectl does not speak, or no longer.</summary>
public sealed class WebSocketTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    static readonly CancellationToken s_ct = CancellationToken.None;
    const string Pod = "/api/v1/namespaces/default/pods/p";

    async Task<ClientWebSocket> ConnectAsync(string pathAndQuery, params string[] protocols)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols) socket.Options.AddSubProtocol(protocol);
        socket.Options.CollectHttpResponseDetails = true;
        try { await socket.ConnectAsync(new Uri($"ws://{cluster.Url.Authority}{pathAndQuery}"), s_ct); }
        catch (WebSocketException) when (socket.HttpStatusCode != 0) { }
        return socket;
    }

    static async Task<(string Text, WebSocketMessageType Type)?> ReceiveAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, s_ct);
            if (got.MessageType == WebSocketMessageType.Close) return null;
            message.Write(buffer, 0, got.Count);
            if (got.EndOfMessage) return (Encoding.Latin1.GetString(message.ToArray()), got.MessageType);
        }
    }

    /// <summary>All messages to the orderly end, per channel.</summary>
    static async Task<Dictionary<char, string>> ReceiveAllAsync(ClientWebSocket socket)
    {
        var channels = new Dictionary<char, string>();
        while (await ReceiveAsync(socket) is var (text, _)) channels[text[0]] = channels.GetValueOrDefault(text[0], "") + text[1..];
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, s_ct);
        return channels;
    }

    static Task SendAsync(ClientWebSocket socket, string message, WebSocketMessageType type = WebSocketMessageType.Binary, bool end = true) =>
        socket.SendAsync(Encoding.Latin1.GetBytes(message), type, end, s_ct);

    [Theory]
    [InlineData("v5.channel.k8s.io", """{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: error executing command [sh -c echo out; echo err >&2; exit 3], exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}""")]
    [InlineData("v4.channel.k8s.io", """{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: error executing command [sh -c echo out; echo err >&2; exit 3], exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}""")]
    [InlineData("channel.k8s.io", "command terminated with non-zero exit code: error executing command [sh -c echo out; echo err >&2; exit 3], exit code 3")]
    [InlineData(null, "command terminated with non-zero exit code: error executing command [sh -c echo out; echo err >&2; exit 3], exit code 3")]
    public async Task A_failure_is_told_in_the_protocols_form(string? protocol, string status)
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdout=true&stderr=true&command=sh&command=-c&command=echo+out%3B+echo+err+>%262%3B+exit+3", protocol is null ? [] : [protocol]);
        Assert.Equal(protocol, socket.SubProtocol);
        var channels = await ReceiveAllAsync(socket);

        Assert.Equal("out\n", channels['\u0001']);
        Assert.Equal("err\n", channels['\u0002']);
        Assert.Equal(status, channels['\u0003']);
    }

    [Theory]
    [InlineData("v5.channel.k8s.io", """{"metadata":{},"status":"Success"}""")]
    [InlineData("channel.k8s.io", null)]
    public async Task Success_is_told_only_from_v4_on(string protocol, string? status)
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdout=true&command=true", protocol);

        Assert.Equal(status, (await ReceiveAllAsync(socket)).GetValueOrDefault('\u0003'));
    }

    [Fact]
    public async Task V5_ends_a_channel_by_message_255()
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdin=true&stdout=true&command=cat", "v5.channel.k8s.io");
        await SendAsync(socket, "\0some");
        await SendAsync(socket, "\0 fragm", end: false);
        await SendAsync(socket, "ents", end: true);
        await SendAsync(socket, "\u00ff\0");

        var channels = await ReceiveAllAsync(socket);

        Assert.Equal("some fragments", channels['\u0001']);
        Assert.Contains("Success", channels['\u0003'], StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_v4_message_255_means_nothing_and_messages_to_unknown_channels_are_ignored()
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdin=true&stdout=true&command=head&command=-c&command=4", "v4.channel.k8s.io");
        await SendAsync(socket, "\u00ff\0");
        await SendAsync(socket, "\u0009what");
        await SendAsync(socket, "\0four");

        Assert.Equal("four", (await ReceiveAllAsync(socket))['\u0001']);
    }

    [Theory]
    [InlineData("base64.channel.k8s.io")]
    [InlineData("v4.base64.channel.k8s.io")]
    public async Task Base64_messages_are_text_with_a_digit_in_front(string protocol)
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdin=true&stdout=true&command=head&command=-c&command=14", protocol);
        var announced = await ReceiveAsync(socket);
        Assert.Equal(("1", WebSocketMessageType.Text), announced);

        string encoded = Convert.ToBase64String("ä fragmented"u8);
        await SendAsync(socket, "0" + encoded[..6], WebSocketMessageType.Text, end: false);
        await SendAsync(socket, encoded[6..], WebSocketMessageType.Text);
        await SendAsync(socket, "0" + Convert.ToBase64String("!!"u8), WebSocketMessageType.Text);

        var parts = new StringBuilder();
        while (await ReceiveAsync(socket) is var (text, _)) if (text[0] == '1') parts.Append(Encoding.UTF8.GetString(Convert.FromBase64String(text[1..])));
        Assert.Equal("ä fragmented!", parts.ToString());
    }

    [Fact]
    public async Task The_first_known_protocol_of_the_client_is_chosen_and_a_token_among_them_is_no_protocol()
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdout=true&command=true", "base64url.bearer.authorization.k8s.io.abc", "v9.channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io");

        Assert.Equal("v4.channel.k8s.io", socket.SubProtocol);
        await ReceiveAllAsync(socket);
    }

    [Theory]
    [InlineData("/exec?stdout=true&command=true", "v9.channel.k8s.io", 403)]
    [InlineData("/portforward", "v4.channel.k8s.io", 400)]
    [InlineData("/portforward?ports=0&port=0", "v4.channel.k8s.io", 400)]
    [InlineData("/portforward?port=80", "channel.k8s.io", 403)]
    public async Task What_cannot_be_is_refused(string path, string protocol, int status)
    {
        using var socket = await ConnectAsync(Pod + path, protocol);

        Assert.Equal(status, (int)socket.HttpStatusCode);
    }

    [Fact]
    public async Task Resizes_arrive_over_channel_4()
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdin=true&stdout=true&tty=true&command=sizes&command=3", "v5.channel.k8s.io");
        await SendAsync(socket, "\u0004{\"Width\":80,\"Height\":24}\n");
        await SendAsync(socket, "\u0004{\"width\":1,");
        await SendAsync(socket, "\u0004\"height\":2}{\"Width\":65535,\"Height\":0}");

        Assert.Equal("80x24\r\n1x2\r\n65535x0\r\n", (await ReceiveAllAsync(socket))['\u0001']);
    }

    [Fact]
    public async Task Ports_are_forwarded_over_numbered_channels()
    {
        using var echo = new EchoServer();
        using var socket = await ConnectAsync($"{Pod}/portforward?port={echo.Port}&port={echo.Port}", "v4.channel.k8s.io");
        string port = $"{(char)(echo.Port & 255)}{(char)(echo.Port >> 8)}";
        for (int n = 0; n < 4; n++) Assert.Equal($"{(char)n}{port}", (await ReceiveAsync(socket))?.Text);

        await SendAsync(socket, "\0first");
        Assert.Equal("\0first", (await ReceiveAsync(socket))?.Text);
        await SendAsync(socket, "\u0002second");
        Assert.Equal("\u0002second", (await ReceiveAsync(socket))?.Text);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, s_ct);
    }

    [Fact]
    public async Task A_client_that_hangs_up_ends_the_command()
    {
        using var socket = await ConnectAsync($"{Pod}/exec?stdin=true&stdout=true&command=cat", "v4.channel.k8s.io");
        await SendAsync(socket, "\0x");
        while ((await ReceiveAsync(socket))?.Text is not "\u0001x") { }
        socket.Abort();

        await cluster.Runtime.LastRun.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
