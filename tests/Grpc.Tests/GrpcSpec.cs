using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf.WellKnownTypes;
using Hanbae.Grpc.Server;

namespace Hanbae.Grpc.Tests;

/// <summary>What our client and our server promise each other, whatever carries them.</summary>
public abstract class GrpcSpec : IAsyncLifetime
{
    readonly TaskCompletionSource _hung = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    GrpcServer? _server;
    GrpcChannel? _channel;

    GrpcChannel Channel => _channel!;

    protected abstract Task<(GrpcServer Server, GrpcChannel Channel)> StartAsync(GrpcService service);

    public async Task InitializeAsync() => (_server, _channel) = await StartAsync(Echo.Service(_hung, _released));

    public virtual async Task DisposeAsync()
    {
        _channel?.Dispose();
        if (_server is not null) await _server.DisposeAsync();
    }

    [Theory, InlineData(0), InlineData(1), InlineData(5000), InlineData(3_000_000)]
    public async Task A_message_of_any_size_comes_back(int length)
    {
        string text = new('x', length);
        Assert.Equal(text, (await Channel.UnaryAsync(Echo.Say, new StringValue { Value = text })).Value);
    }

    [Fact]
    public async Task Many_calls_share_the_channel()
    {
        var calls = Enumerable.Range(0, 500).Select(i => Channel.UnaryAsync(Echo.Say, new StringValue { Value = i.ToString() }));
        Assert.Equal(Enumerable.Range(0, 500).Select(i => i.ToString()), (await Task.WhenAll(calls)).Select(r => r.Value));
    }

    [Fact]
    public async Task A_server_stream_arrives_in_order_and_ends() =>
        Assert.Equal(
            Enumerable.Range(1, 1000),
            await Channel.ServerStreamAsync(Echo.Count, new Int32Value { Value = 1000 }).Select(n => n.Value).ToListAsync());

    [Fact]
    public async Task A_stream_that_fails_gives_its_messages_first()
    {
        var got = new List<int>();
        var error = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            await foreach (var n in Channel.ServerStreamAsync(Echo.Count, new Int32Value { Value = -3 })) got.Add(n.Value);
        });
        Assert.Equal((GrpcStatus.DataLoss, "ran out"), (error.Status, error.Detail));
        Assert.Equal([1, 2, 3], got);
    }

    [Fact]
    public async Task A_client_stream_is_answered_once()
    {
        var numbers = Enumerable.Range(1, 100).Select(i => new Int32Value { Value = i }).ToAsyncEnumerable();
        Assert.Equal(5050, (await Channel.ClientStreamAsync(Echo.Sum, numbers)).Value);
    }

    [Fact]
    public async Task Both_sides_talk_in_turns()
    {
        await using var call = Channel.Open(Echo.Talk);
        foreach (string word in (string[])["one", "two", "three"])
        {
            await call.WriteAsync(new StringValue { Value = word });
            Assert.Equal(word.ToUpperInvariant(), (await call.ReadAsync())!.Value);
        }
        call.Complete();
        Assert.Null(await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
    }

    [Fact]
    public async Task A_status_and_its_text_survive_the_wire()
    {
        const string text = "container \"ü\" 100% gone\nreally";
        var error = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Fail, new StringValue { Value = text }));
        Assert.Equal((GrpcStatus.NotFound, text), (error.Status, error.Detail));
        Assert.Equal("rpc error: code = NotFound desc = " + text, error.Message);
    }

    [Fact]
    public async Task An_exception_in_a_handler_is_status_unknown()
    {
        var error = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Fail, new StringValue { Value = "plain" }));
        Assert.Equal((GrpcStatus.Unknown, "something broke"), (error.Status, error.Detail));
    }

    [Fact]
    public async Task An_unknown_method_is_told_from_an_unknown_service()
    {
        var method = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Absent, new StringValue()));
        var service = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Elsewhere, new StringValue()));
        Assert.Equal((GrpcStatus.Unimplemented, "unknown method Absent for service test.Echo"), (method.Status, method.Detail));
        Assert.Equal((GrpcStatus.Unimplemented, "unknown service test.Else"), (service.Status, service.Detail));
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        // On a busy machine a short deadline may end before the call reaches the handler: then a longer one is tried.
        for (var deadline = TimeSpan.FromMilliseconds(200); !_hung.Task.IsCompleted; deadline *= 2)
        {
            var error = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Hang, new StringValue(), new(deadline)));
            Assert.Equal((GrpcStatus.DeadlineExceeded, "context deadline exceeded"), (error.Status, error.Detail));
        }
        await _released.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Cancelling_reaches_the_handler()
    {
        using var cancel = new CancellationTokenSource();
        var call = Channel.UnaryAsync(Echo.Hang, new StringValue(), default, cancel.Token);
        await _hung.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await _released.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_message_over_the_servers_limit_is_refused()
    {
        var error = await Assert.ThrowsAsync<GrpcException>(() => Channel.UnaryAsync(Echo.Say, new StringValue { Value = new('x', 5 << 20) }));
        Assert.Equal(GrpcStatus.ResourceExhausted, error.Status);
        Assert.Matches(@"^grpc: received message larger than max \(\d+ vs\. 4194304\)$", error.Detail);
    }

    [Fact]
    public async Task A_server_that_stops_ends_its_calls_with_unavailable()
    {
        var call = Channel.UnaryAsync(Echo.Hang, new StringValue());
        await _hung.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await _server!.DisposeAsync();
        _server = null;
        Assert.Equal(GrpcStatus.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => call)).Status);
    }
}

public sealed class GrpcOverTcpTests : GrpcSpec
{
    protected override async Task<(GrpcServer, GrpcChannel)> StartAsync(GrpcService service)
    {
        var server = await GrpcServer.StartAsync("http://127.0.0.1:0", service);
        return (server, new(server.Address));
    }
}

public sealed class GrpcOverTlsTests : GrpcSpec
{
    protected override async Task<(GrpcServer, GrpcChannel)> StartAsync(GrpcService service)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var server = await GrpcServer.StartAsync("https://127.0.0.1:0", service, certificate);
        var trust = new SslClientAuthenticationOptions();
        trust.RemoteCertificateValidationCallback = (_, c, _, _) => c!.GetCertHashString() == certificate.Thumbprint;
        return (server, new(server.Address, new() { Tls = trust }));
    }
}

public sealed class GrpcOverUnixTests : GrpcSpec
{
    readonly string _directory = Directory.CreateTempSubdirectory("hanbae-grpc-").FullName;

    protected override async Task<(GrpcServer, GrpcChannel)> StartAsync(GrpcService service)
    {
        var server = await GrpcServer.StartAsync($"unix://{_directory}/s.sock", service);
        return (server, new(server.Address));
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
