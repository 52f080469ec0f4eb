using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Hanbae.Client;
using Hanbae.Dns.Plugins;
using Hanbae.Dns.Wire;

namespace Hanbae.Dns;

/// <summary>Cluster DNS over UDP and TCP, in process.</summary>
public sealed class DnsServer : IDisposable
{
    /// <summary>Questions to other servers under way at once; more are dropped, and asked again by whoever asked.</summary>
    const int MaxForwarded = 512;
    /// <summary>TCP connections at once.</summary>
    const int MaxConnections = 256;
    static readonly TimeSpan IdleConnection = TimeSpan.FromSeconds(10);

    readonly ClusterZone _zone;
    readonly Forwarder _forwarder;
    readonly Aliases _aliases;
    readonly TimeProvider _time;
    readonly List<(Socket Udp, TcpListener Tcp)> _sockets = [];
    readonly SemaphoreSlim _forwarded = new(MaxForwarded), _connections = new(MaxConnections);

    /// <summary>Binds at once, so that an address in use is an error of the start.</summary>
    /// <exception cref="SocketException">An address cannot be had.</exception>
    public DnsServer(IClusterAccess cluster, DnsOptions options)
    {
        _zone = new(cluster, options);
        _time = cluster.Time;
        _forwarder = new(options, _time);
        _aliases = new(_zone, _forwarder);
        foreach (var address in options.Listen)
        {
            var tcp = new TcpListener(address);
            tcp.Start();
            var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(tcp.LocalEndpoint);
            _sockets.Add((udp, tcp));
        }
    }

    /// <summary>Where it listens, with the port that was given for port 0.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => [.. _sockets.Select(s => (IPEndPoint)s.Udp.LocalEndPoint!)];

    /// <summary>Answers until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await _zone.WhenReadyAsync(ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task[] loops = [.. _sockets.SelectMany(s => new[] { UdpAsync(s.Udp, stop.Token), TcpAsync(s.Tcp, stop.Token) })];
        // Any that ends has failed: the whole server ends with it, to be started again.
        try { await await Task.WhenAny(loops); }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task UdpAsync(Socket socket, CancellationToken ct)
    {
        byte[] buffer = new byte[4096];
        var anyone = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (!ct.IsCancellationRequested)
        {
            SocketReceiveFromResult received;
            try { received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, ct); }
            // An asker that is gone already: its ICMP error surfaces here.
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.MessageSize) { continue; }
            byte[] asked = buffer[..received.ReceivedBytes];
            if (DnsReader.Read(asked) is not { } query)
            {
                if (DnsReader.Refusal(asked) is { } refusal) await ReplyAsync(socket, refusal, received.RemoteEndPoint, ct);
                continue;
            }
            var answer = await _zone.AnswerAsync(query, ct);
            if (answer is not null && Aliases.Open(query, answer) is null)
                await ReplyAsync(socket, DnsWriter.Write(query, Turned(answer), query.MaxBytes), received.RemoteEndPoint, ct);
            else if (_forwarded.Wait(0, CancellationToken.None))
                _ = ElsewhereAsync(socket, query, answer, asked, received.RemoteEndPoint, ct);
        }
    }

    /// <summary>Answers what other servers have to be asked about: beside the loop, which goes on.</summary>
    async Task ElsewhereAsync(Socket socket, Query query, Answer? known, byte[] asked, EndPoint asker, CancellationToken ct)
    {
        try { await ReplyAsync(socket, await CompleteAsync(query, known, asked, query.MaxBytes, tcp: false, ct), asker, ct); }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException) { }
        finally { _forwarded.Release(); }
    }

    async Task<byte[]> CompleteAsync(Query query, Answer? known, byte[] asked, int limit, bool tcp, CancellationToken ct) =>
        known is not null ? DnsWriter.Write(query, Turned(await _aliases.FollowAsync(query, known, ct)), limit)
        : await _forwarder.AskAsync(asked, tcp, ct) ?? DnsWriter.Write(query, Answer.Fail(_forwarder.Knows ? ResponseCode.ServerFailure : ResponseCode.Refused), limit);

    /// <summary>Addresses in another order each time: many clients take the first.</summary>
    static Answer Turned(Answer answer)
    {
        var records = answer.Records.ToArray();
        int first = Array.FindIndex(records, r => r.Data is RecordData.Address);
        if (first < 0) return answer;
        Random.Shared.Shuffle(records.AsSpan(first));
        return answer with { Records = [.. records] };
    }

    static async Task ReplyAsync(Socket socket, byte[] answer, EndPoint asker, CancellationToken ct)
    {
        try { await socket.SendToAsync(answer, SocketFlags.None, asker, ct); }
        catch (SocketException) { }
    }

    async Task TcpAsync(TcpListener listener, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await _connections.WaitAsync(ct);
            try { _ = ConversationAsync(await listener.AcceptTcpClientAsync(ct), ct); }
            catch { _connections.Release(); throw; }
        }
    }

    async Task ConversationAsync(TcpClient client, CancellationToken ct)
    {
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                byte[] length = new byte[2];
                while (true)
                {
                    using var idle = CancellationTokenSource.CreateLinkedTokenSource(ct);
                    using var alarm = _time.CreateTimer(static c => ((CancellationTokenSource)c!).Cancel(), idle, IdleConnection, Timeout.InfiniteTimeSpan);
                    await stream.ReadExactlyAsync(length, idle.Token);
                    byte[] asked = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                    await stream.ReadExactlyAsync(asked, idle.Token);
                    if (DnsReader.Read(asked) is not { } query) return;
                    byte[] answer = await CompleteAsync(query, await _zone.AnswerAsync(query, ct), asked, ushort.MaxValue, tcp: true, ct);
                    byte[] framed = new byte[answer.Length + 2];
                    BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)answer.Length);
                    answer.CopyTo(framed, 2);
                    await stream.WriteAsync(framed, idle.Token);
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { }
        finally { _connections.Release(); }
    }

    public void Dispose()
    {
        foreach (var (udp, tcp) in _sockets) { udp.Dispose(); tcp.Dispose(); }
        _forwarded.Dispose();
        _connections.Dispose();
    }
}
