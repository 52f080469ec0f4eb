using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.DBus;

/// <summary>The bus, or who is asked over it, refused.</summary>
sealed class DBusException(string message, string name = "") : IOException(message)
{
    /// <summary>What the refusal is called, such as <c>org.freedesktop.systemd1.UnitExists</c>; empty when there was no answer.</summary>
    public string Name { get; } = name;
}

/// <summary>A connection to a message bus: calls with their answers, and signals that were asked for.</summary>
/// <remarks>Bounds: calls under way are those of this kubelet, which asks one thing after the other; of signals that nobody reads, 16 are kept and then the connection ends.</remarks>
sealed class DBusConnection : IAsyncDisposable
{
    const int MaxSignals = 16;
    static readonly TimeSpan s_answer = TimeSpan.FromSeconds(25); // as D-Bus libraries wait by default

    readonly Socket _socket;
    readonly ConcurrentDictionary<uint, TaskCompletionSource<DBusMessage>> _calls = new();
    readonly Channel<DBusMessage> _signals = Channel.CreateBounded<DBusMessage>(new BoundedChannelOptions(MaxSignals) { SingleReader = true });
    readonly TimeProvider _time;
    readonly Lock _sending = new();
    Task _reading = Task.CompletedTask;
    uint _serial;

    DBusConnection(Socket socket, TimeProvider time) => (_socket, _time) = (socket, time);

    /// <summary>Ends with the connection.</summary>
    public ChannelReader<DBusMessage> Signals => _signals.Reader;

    /// <exception cref="IOException">There is no bus, or it does not want us.</exception>
    public static async Task<DBusConnection> ConnectAsync(string path, TimeProvider time, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var connection = new DBusConnection(socket, time);
            // Its own thread: a read that brings files along has no asynchronous form.
            var greeted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connection._reading = Task.Factory.StartNew(() => connection.Read(greeted), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            try
            {
                await greeted.Task.WaitAsync(s_answer, time, ct).ConfigureAwait(false);
                await connection.CallAsync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "", [], ct).ConfigureAwait(false);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            socket.Dispose();
            throw new IOException($"{path}: {e.Message}", e);
        }
    }

    /// <exception cref="DBusException">It was refused, or not answered.</exception>
    public async Task<DBusMessage> CallAsync(string destination, string path, string @interface, string member, string signature, IReadOnlyList<object> body, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<DBusMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        uint serial = Interlocked.Increment(ref _serial);
        _calls[serial] = answer;
        try
        {
            if (_reading.IsCompleted) throw new DBusException("the bus has ended the connection");
            Send(new DBusMessage { Kind = DBusKind.Call, Serial = serial, Destination = destination, Path = path, Interface = @interface, Member = member, Signature = signature, Body = body }.ToBytes());
            var message = await answer.Task.WaitAsync(s_answer, _time, ct).ConfigureAwait(false);
            return message.Kind != DBusKind.Error ? message : throw new DBusException($"{member}: {(message.Body is [string text, ..] ? text : message.Error)}", message.Error);
        }
        catch (TimeoutException) { throw new DBusException($"{member}: no answer within {s_answer.TotalSeconds} s"); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { throw new DBusException($"{member}: {e.Message}"); }
        finally { _calls.TryRemove(serial, out _); }
    }

    void Send(ReadOnlySpan<byte> bytes)
    {
        lock (_sending)
            while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    void Read(TaskCompletionSource greeted)
    {
        List<SafeFileHandle> files = [];
        Exception? why = null;
        try
        {
            var buffered = Greet(files);
            greeted.TrySetResult();
            byte[] into = new byte[16 << 10];
            while (true)
            {
                while (DBusMessage.LengthOf(buffered.ToArray()) is { } length && length <= buffered.Count)
                {
                    var bytes = buffered.GetRange(0, length).ToArray();
                    buffered.RemoveRange(0, length);
                    Take(DBusMessage.Read(bytes, [.. files]));
                    files.Clear();
                }
                int count = UnixMessages.Receive(_socket.SafeHandle, into, files);
                if (count == 0) break;
                buffered.AddRange(into.AsSpan(0, count));
            }
        }
        catch (Exception e) when (e is IOException or FormatException or SocketException or ObjectDisposedException) { why = e; }
        foreach (var file in files) file.Dispose();
        var end = new DBusException("the bus has ended the connection" + (why is null ? "" : ": " + why.Message));
        greeted.TrySetException(end);
        foreach (var call in _calls.Values) call.TrySetException(end);
        _signals.Writer.TryComplete();
    }

    /// <summary>Says who we are, by what the kernel knows of the socket's other end, and asks that files may come along.</summary>
    /// <returns>What has already come of the first message.</returns>
    List<byte> Greet(List<SafeFileHandle> files)
    {
        var buffered = new List<byte>();
        string uid = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(UnixMessages.geteuid().ToString(CultureInfo.InvariantCulture)));
        Send(Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {uid}\r\n"));
        if (Line() is var accepted && !accepted.StartsWith("OK ", StringComparison.Ordinal)) throw new DBusException("the bus does not want us: " + accepted);
        Send("NEGOTIATE_UNIX_FD\r\n"u8);
        if (Line() is var agreed && agreed != "AGREE_UNIX_FD") throw new DBusException("the bus passes no files: " + agreed);
        Send("BEGIN\r\n"u8);
        return buffered;

        string Line()
        {
            byte[] into = new byte[1 << 10];
            int end;
            while ((end = buffered.IndexOf((byte)'\n')) < 0)
            {
                int count = UnixMessages.Receive(_socket.SafeHandle, into, files);
                if (count == 0 || buffered.Count > 16 << 10) throw new DBusException("the bus did not greet");
                buffered.AddRange(into.AsSpan(0, count));
            }
            string line = Encoding.ASCII.GetString([.. buffered.GetRange(0, end)]).TrimEnd('\r');
            buffered.RemoveRange(0, end + 1);
            return line;
        }
    }

    void Take(DBusMessage message)
    {
        if (message.Kind == DBusKind.Signal && !_signals.Writer.TryWrite(message)) throw new IOException("signals that nobody reads");
        bool taken = message.Kind is DBusKind.Return or DBusKind.Error && _calls.TryGetValue(message.ReplyTo, out var call) && call.TrySetResult(message);
        if (!taken) foreach (var file in message.Files) file.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        try { _socket.Shutdown(SocketShutdown.Both); } // wakes the thread that reads
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
    }
}
