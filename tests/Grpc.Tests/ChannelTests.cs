using Google.Protobuf.WellKnownTypes;
using Hanbae.Grpc.Health;
using Hanbae.Grpc.Server;
using Hanbae.Grpc.Wire;

namespace Hanbae.Grpc.Tests;

public sealed class ChannelTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hanbae-grpc-").FullName;

    string Socket => $"unix://{_directory}/s.sock";

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Nobody_listening_is_unavailable_in_Gos_words()
    {
        using var channel = new GrpcChannel(Socket);
        var error = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo.Say, new StringValue()));
        Assert.Equal(GrpcStatus.Unavailable, error.Status);
        Assert.Equal(
            $"connection error: desc = \"transport: Error while dialing: dial unix {_directory}/s.sock: connect: no such file or directory\"",
            error.Detail);
    }

    [Fact]
    public async Task A_channel_finds_a_server_that_came_back()
    {
        using var channel = new GrpcChannel(Socket);
        for (int life = 1; life <= 3; life++)
        {
            await using (await GrpcServer.StartAsync(Socket, Echo.Service()))
                Assert.Equal("hi", (await channel.UnaryAsync(Echo.Say, new StringValue { Value = "hi" })).Value);
            Assert.Equal(GrpcStatus.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo.Say, new StringValue()))).Status);
        }
    }

    [Fact]
    public async Task An_answer_over_the_channels_limit_is_refused()
    {
        await using var server = await GrpcServer.StartAsync(Socket, Echo.Service());
        using var channel = new GrpcChannel(Socket, new() { MaxReceiveMessageSize = 100 });
        var error = await Assert.ThrowsAsync<GrpcException>(() => channel.UnaryAsync(Echo.Say, new StringValue { Value = new('x', 200) }));
        Assert.Equal((GrpcStatus.ResourceExhausted, "grpc: received message larger than max (203 vs. 100)"), (error.Status, error.Detail));
    }

    [Fact]
    public async Task Leaving_a_stream_early_lets_the_server_go()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = new GrpcService().ServerStream(Echo.Count, (_, ct) => Endless(ended, ct));
        await using var server = await GrpcServer.StartAsync(Socket, service);
        using var channel = new GrpcChannel(Socket);
        await foreach (var n in channel.ServerStreamAsync(Echo.Count, new Int32Value()))
            if (n.Value == 5) break;
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Cancelling_one_read_ends_the_call()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = new GrpcService().Duplex(Echo.Talk, (_, ct) => Silent(ended, ct));
        await using var server = await GrpcServer.StartAsync(Socket, service);
        using var channel = new GrpcChannel(Socket);
        await using var call = channel.Open(Echo.Talk);
        await call.WriteAsync(new StringValue());
        using var cancel = new CancellationTokenSource();
        var read = call.ReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_call_refused_at_once_explains_failed_writes()
    {
        await using var server = await GrpcServer.StartAsync(Socket, Echo.Service());
        using var channel = new GrpcChannel(Socket);
        await using var call = channel.Open(Echo.Absent);
        var error = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            while (true) await call.WriteAsync(new StringValue { Value = "x" });
        });
        Assert.Equal(GrpcStatus.Unimplemented, error.Status);
    }

    [Fact]
    public async Task Health_is_asked_and_told()
    {
        var service = new GrpcService().Unary(GrpcHealth.Check, (request, _) => request.Service switch
        {
            "" => Task.FromResult(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving }),
            "db" => Task.FromResult(new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.NotServing }),
            _ => throw new GrpcException(GrpcStatus.NotFound, "unknown service"),
        });
        await using var server = await GrpcServer.StartAsync(Socket, service);
        using var channel = new GrpcChannel(Socket);
        var soon = TimeSpan.FromSeconds(30);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await channel.CheckHealthAsync("", soon, default));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, await channel.CheckHealthAsync("db", soon, default));
        Assert.Equal(GrpcStatus.NotFound, (await Assert.ThrowsAsync<GrpcException>(() => channel.CheckHealthAsync("x", soon, default))).Status);
    }

    [Fact]
    public async Task A_stale_socket_is_replaced_but_a_live_one_is_not()
    {
        await using (var first = await GrpcServer.StartAsync(Socket, Echo.Service()))
            await Assert.ThrowsAnyAsync<IOException>(() => GrpcServer.StartAsync(Socket, Echo.Service()));
        using (var dead = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_directory + "/t.sock"));
        await using var second = await GrpcServer.StartAsync($"unix://{_directory}/t.sock", Echo.Service());
        using var channel = new GrpcChannel(second.Address);
        Assert.Equal("hi", (await channel.UnaryAsync(Echo.Say, new StringValue { Value = "hi" })).Value);
    }

    [Theory]
    [InlineData("unix:///run/x.sock", "/run/x.sock"), InlineData("unix:/run/x.sock", "/run/x.sock")]
    [InlineData("/run/x.sock", "/run/x.sock"), InlineData("http://h:1", null)]
    public void Addresses_are_written_as_Go_writes_them(string text, string? socket) => Assert.Equal(socket, GrpcAddress.Parse(text).SocketPath);

    [Theory, InlineData(""), InlineData("unix://run/x.sock"), InlineData("ftp://h"), InlineData("host:1")]
    public void Other_addresses_are_refused(string text) => Assert.Throws<FormatException>(() => GrpcAddress.Parse(text));

    [Theory]
    [InlineData(1, "1u"), InlineData(10, "1u"), InlineData(10_000_000, "1000000u"), InlineData(1_000_000_000, "100000m")]
    [InlineData(1_000_000_000_000, "100000000u", "100000S"), InlineData(36_000_000_000_000, "3600000S")]
    public void A_timeout_takes_at_most_eight_digits(long ticks, string text, string? instead = null)
    {
        string said = GrpcTimeout.Format(TimeSpan.FromTicks(ticks));
        Assert.Contains(said, new[] { text, instead });
        Assert.True(GrpcTimeout.TryParse(said, out var heard));
        Assert.True(heard >= TimeSpan.FromTicks(ticks) && heard < TimeSpan.FromTicks(ticks) + TimeSpan.FromSeconds(1));
        Assert.True(said.Length <= 9);
    }

    [Theory, InlineData(""), InlineData("5"), InlineData("S"), InlineData("-1S"), InlineData("123456789S"), InlineData("1x")]
    public void A_malformed_timeout_is_none(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Theory, InlineData("100%", "100%"), InlineData("%4", "%4"), InlineData("%zz", "%zz"), InlineData("a%20b", "a b"), InlineData("%C3%BC", "ü")]
    public void Percent_text_never_fails_to_decode(string wire, string text) => Assert.Equal(text, PercentText.Decode(wire));

    static async IAsyncEnumerable<Int32Value> Endless(TaskCompletionSource ended, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        try
        {
            for (int i = 0; ; i++)
            {
                ct.ThrowIfCancellationRequested();
                yield return new Int32Value { Value = i };
                await Task.Yield();
            }
        }
        finally
        {
            ended.TrySetResult();
        }
    }

    static async IAsyncEnumerable<StringValue> Silent(TaskCompletionSource ended, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, ct);
            yield break;
        }
        finally
        {
            ended.TrySetResult();
        }
    }
}
