using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Hanbae.Dns.Tests.Wire;
using Hanbae.Dns.Wire;
using Record = Hanbae.Dns.Wire.Record;

namespace Hanbae.Dns.Tests;

/// <summary>The server on real sockets of the loopback interface, other servers played by a socket of the test.</summary>
public sealed class ServerTests : IAsyncLifetime
{
    readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));
    readonly Socket _upstream = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    readonly Cluster _cluster = Cluster.Shop();
    DnsServer _server = null!;
    Task _running = Task.CompletedTask;

    public Task InitializeAsync()
    {
        _upstream.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Start([(IPEndPoint)_upstream.LocalEndPoint!]);
        return Task.CompletedTask;
    }

    void Start(IReadOnlyList<IPEndPoint> upstreams)
    {
        _server = new(_cluster, new() { Listen = [new(IPAddress.Loopback, 0)], Upstreams = upstreams });
        _running = _server.RunAsync(_stop.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(30));
        _server.Dispose();
        _upstream.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_name_of_the_cluster_is_answered_over_UDP()
    {
        byte[] answer = await UdpAsync(WireTests.Asked("web.shop.svc.cluster.local", RecordType.A));
        Assert.Equal([0x12, 0x34, 0x85, 0x80], answer[..4]);
        Assert.Equal("A 10.96.0.10", Text(answer));
    }

    [Fact]
    public async Task Each_address_comes_first_sooner_or_later()
    {
        HashSet<string> first = [];
        while (first.Count < 2) first.Add(Text(await UdpAsync(WireTests.Asked("db.shop.svc.cluster.local", RecordType.A))).Split(',')[0]);
        Assert.Equal(["A 10.244.0.5", "A 10.244.0.6"], first.Order());
    }

    [Theory, InlineData(0x28, 0x04), InlineData(0x00, 0x01)]
    public async Task What_cannot_be_answered_is_refused_rather_than_left_open(byte operation, byte code)
    {
        byte[] asked = WireTests.Asked("web.shop.svc.cluster.local", RecordType.A);
        asked[2] = (byte)(asked[2] & ~0x78 | operation);
        // Two questions, of which there is one.
        if (operation == 0) asked[5] = 2;

        byte[] answer = await UdpAsync(asked);

        Assert.Equal((asked[0], asked[1], code, 0x80 | operation), (answer[0], answer[1], (byte)(answer[3] & 0x0F), answer[2] & 0xF8));
    }

    [Fact]
    public async Task What_was_cut_over_UDP_is_whole_over_TCP_and_the_connection_takes_more_questions()
    {
        for (int i = 0; i < 60; i++)
            _cluster.Put(new Api.Discovery.V1.EndpointSlice
            {
                Metadata = new() { Name = "db-more-" + i, Namespace = "shop", Labels = Api.Map.Of(("kubernetes.io/service-name", "db")) },
                Endpoints = [new() { Addresses = ["10.244.1." + i] }],
            });
        byte[] asked = WireTests.Asked("db.shop.svc.cluster.local", RecordType.A);
        Assert.NotEqual(0, (await UdpAsync(asked))[2] & 0x02);
        using var client = new TcpClient();
        await client.ConnectAsync(_server.Addresses[0], _stop.Token);
        for (int i = 0; i < 2; i++)
        {
            byte[] answer = await TcpAsync(client, asked);
            Assert.Equal(0, answer[2] & 0x02);
            Assert.Equal(62, DnsReader.ReadAnswer(answer)!.Value.Records.Length);
        }
    }

    [Fact]
    public async Task A_name_of_others_is_asked_elsewhere_under_another_id_and_answered_under_the_askers()
    {
        var answering = AnswerUpstreamAsync(new("example.com", RecordType.A, 60, new RecordData.Address(IPAddress.Parse("192.0.2.1"))));
        byte[] answer = await UdpAsync(WireTests.Asked("example.com", RecordType.A));
        var seen = await answering;
        Assert.Equal("example.com", seen.Question.Name);
        Assert.Equal([0x12, 0x34], answer[..2]);
        Assert.Equal("A 192.0.2.1", Text(answer));
    }

    [Fact]
    public async Task An_external_name_is_followed_to_its_address()
    {
        var answering = AnswerUpstreamAsync(new("db.example.com", RecordType.A, 60, new RecordData.Address(IPAddress.Parse("192.0.2.7"))));
        byte[] answer = await UdpAsync(WireTests.Asked("out.shop.svc.cluster.local", RecordType.A));
        Assert.Equal(new("db.example.com", "db.example.com", RecordType.A), (await answering).Question);
        Assert.Equal("Cname db.example.com, A 192.0.2.7", Text(answer));
    }

    [Fact]
    public async Task An_external_name_inside_of_the_cluster_needs_nobody_else() =>
        Assert.Equal("Cname web.shop.svc.cluster.local, A 10.96.0.10", Text(await UdpAsync(WireTests.Asked("inner.shop.svc.cluster.local", RecordType.A))));

    [Fact]
    public async Task Who_does_not_answer_in_time_is_a_server_failure()
    {
        var asking = UdpAsync(WireTests.Asked("example.com", RecordType.A));
        await _upstream.ReceiveAsync(new byte[512], _stop.Token);
        _cluster.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ResponseCode.ServerFailure, DnsReader.ReadAnswer(await asking)!.Value.Code);
    }

    [Fact]
    public async Task Without_anybody_to_ask_names_of_others_are_refused()
    {
        using var server = new DnsServer(_cluster, new() { Listen = [new(IPAddress.Loopback, 0)] });
        var running = server.RunAsync(_stop.Token);
        byte[] answer = await UdpAsync(WireTests.Asked("example.com", RecordType.A), server);
        Assert.Equal(ResponseCode.Refused, DnsReader.ReadAnswer(answer)!.Value.Code);
        await _stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task Garbage_is_dropped_and_the_next_question_answered()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(_server.Addresses[0], _stop.Token);
        await socket.SendAsync(new byte[] { 1, 2, 3 }, _stop.Token);
        await socket.SendAsync(new byte[12], _stop.Token);
        Assert.Equal("A 10.96.0.10", Text(await UdpAsync(WireTests.Asked("web.shop.svc.cluster.local", RecordType.A))));
    }

    async Task<Query> AnswerUpstreamAsync(Record record)
    {
        byte[] buffer = new byte[512];
        var asked = await _upstream.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
        var query = DnsReader.Read(buffer.AsSpan(0, asked.ReceivedBytes))!;
        await _upstream.SendToAsync(DnsWriter.Write(query, Answer.Of(record), 512), SocketFlags.None, asked.RemoteEndPoint, _stop.Token);
        return query;
    }

    async Task<byte[]> UdpAsync(byte[] asked, DnsServer? server = null)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync((server ?? _server).Addresses[0], _stop.Token);
        await socket.SendAsync(asked, _stop.Token);
        byte[] buffer = new byte[4096];
        return buffer[..await socket.ReceiveAsync(buffer, _stop.Token)];
    }

    async Task<byte[]> TcpAsync(TcpClient client, byte[] asked)
    {
        var stream = client.GetStream();
        byte[] framed = new byte[asked.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)asked.Length);
        asked.CopyTo(framed, 2);
        await stream.WriteAsync(framed, _stop.Token);
        byte[] length = new byte[2];
        await stream.ReadExactlyAsync(length, _stop.Token);
        byte[] answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, _stop.Token);
        return answer;
    }

    static string Text(byte[] answer) =>
        string.Join(", ", DnsReader.ReadAnswer(answer)!.Value.Records.Select(r => $"{r.Type} {(r.Data is RecordData.Address a ? a.Value.ToString() : ((RecordData.Alias)r.Data).Name)}"));
}
