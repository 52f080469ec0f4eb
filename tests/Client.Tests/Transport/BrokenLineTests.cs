using System.Net;
using System.Net.Sockets;
using System.Text;
using Hanbae.Api.Rest;

namespace Hanbae.Client.Tests.Transport;

/// <summary>A line that breaks in the middle: what only reads is asked again, once; what writes is not.</summary>
public sealed class BrokenLineTests : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Task _serving;
    int _asked;
    /// <summary>What each line says before it ends; null breaks it at once. The last holds for all to come.</summary>
    string?[] _says = [];

    public BrokenLineTests()
    {
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    async Task ServeAsync()
    {
        while (true)
        {
            using var line = await _listener.AcceptSocketAsync(_stop.Token);
            byte[] buffer = new byte[4096];
            int read = 0;
            while (!Encoding.ASCII.GetString(buffer, 0, read).Contains("\r\n\r\n", StringComparison.Ordinal))
                read += await line.ReceiveAsync(buffer.AsMemory(read), _stop.Token) is var n and > 0 ? n : throw new EndOfStreamException();
            string? says = _says[Math.Min(_asked++, _says.Length - 1)];
            if (says is null) { line.LingerState = new(true, 0); continue; }
            await line.SendAsync(Encoding.ASCII.GetBytes(says), _stop.Token);
            line.Shutdown(SocketShutdown.Both);
        }
    }

    const string Whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", Cut = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\nok";

    async Task<int> AskAsync(string method, params string?[] says)
    {
        (_says, _asked) = (says, 0);
        using var transport = new HttpTransport(new() { Server = new($"http://{_listener.LocalEndpoint}") }, TimeProvider.System);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return (await transport.SendAsync(new() { Method = method, Path = "/" }, limit.Token)).Code;
    }

    [Fact]
    public async Task A_read_is_asked_again_when_its_line_is_reset_or_its_answer_cut()
    {
        Assert.Equal(200, await AskAsync("GET", null, Whole));
        Assert.Equal(2, _asked);
        Assert.Equal(200, await AskAsync("GET", Cut, Whole));
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task But_once_and_a_write_not_at_all()
    {
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("GET", [null]));
        Assert.Equal(2, _asked);
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync("DELETE", null, Whole));
        Assert.Equal(1, _asked);
    }
}
