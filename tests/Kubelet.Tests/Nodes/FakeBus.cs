using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Hanbae.Kubelet.DBus;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Tests.Nodes;

/// <summary>A system bus of one's own with nobody on it but logind and systemd, who do as they are told here.</summary>
sealed class FakeBus : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-bus-").FullName;
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly Channel<string> _calls = Channel.CreateUnbounded<string>();
    readonly List<Task> _serving = [];
    readonly Lock _gate = new();
    readonly Task _accepting;
    Socket? _client;
    SafeFileHandle? _lockEnd;
    uint _serial;

    public FakeBus()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Path => System.IO.Path.Combine(_folder, "bus");
    public string Logind => System.IO.Path.Combine(_folder, "logind.conf.d");
    /// <summary>How long logind waits; what its configuration says when it was told to read that.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(5);
    public bool Stubborn { get; set; }
    /// <summary>The units that systemd was asked for, with their properties.</summary>
    public ConcurrentDictionary<string, Dictionary<string, object>> Units { get; } = new();
    public string JobResult { get; set; } = "done";

    /// <summary>What is asked next.</summary>
    public async Task<string> CallAsync() => await _calls.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

    public async Task UntilAsync(string call)
    {
        while (await CallAsync() != call) { }
    }

    /// <summary>Tells everybody that a shutdown is to begin, or is called off.</summary>
    public void Prepare(bool begins) => Send(new DBusMessage
    {
        Kind = DBusKind.Signal, Serial = ++_serial, Path = "/org/freedesktop/login1", Interface = "org.freedesktop.login1.Manager", Member = "PrepareForShutdown", Sender = ":1.1", Signature = "b", Body = [begins],
    }, null);

    /// <summary>Ends when nobody holds the shutdown up any more.</summary>
    public async Task UntilReleasedAsync()
    {
        SafeFileHandle end;
        lock (_gate) end = _lockEnd!;
        await using var file = new FileStream(end, FileAccess.Read, 1);
        Assert.Equal(0, await file.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(60)));
    }

    /// <summary>Throws the client out, as a bus that is started anew.</summary>
    public void Drop() => _client!.Shutdown(SocketShutdown.Both);

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync();
                _client = client;
                _serving.Add(Task.Run(() => Serve(client)));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    void Serve(Socket client)
    {
        try
        {
            var bytes = new List<byte>();
            byte[] into = new byte[4096];
            void More()
            {
                int count = client.Receive(into);
                if (count == 0) throw new IOException();
                bytes.AddRange(into.AsSpan(0, count));
            }
            string Line()
            {
                int end;
                while ((end = bytes.IndexOf((byte)'\n')) < 0) More();
                string line = Encoding.ASCII.GetString([.. bytes.GetRange(0, end)]).Trim('\r', '\0');
                bytes.RemoveRange(0, end + 1);
                return line;
            }
            Assert.StartsWith("AUTH EXTERNAL ", Line());
            client.Send("OK 1234deadbeef\r\n"u8);
            Assert.Equal("NEGOTIATE_UNIX_FD", Line());
            client.Send("AGREE_UNIX_FD\r\n"u8);
            Assert.Equal("BEGIN", Line());
            while (true)
            {
                int? length;
                while ((length = DBusMessage.LengthOf([.. bytes])) is null || length > bytes.Count) More();
                var call = DBusMessage.Read([.. bytes.GetRange(0, length.Value)], []);
                bytes.RemoveRange(0, length.Value);
                Answer(call);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { }
        client.Dispose();
    }

    void Answer(DBusMessage call)
    {
        DBusMessage Refusal(string name) => new() { Kind = DBusKind.Error, Serial = ++_serial, ReplyTo = call.Serial, Error = "org.freedesktop.systemd1." + name, Signature = "s", Body = [name] };
        static Dictionary<string, object> Properties(object list) => ((object[])list).Cast<object[]>().ToDictionary(p => (string)p[0], p => p[1]);
        void Job(string unit, DBusMessage answer)
        {
            // Jobs of others end all the time; one's own may have ended before its name is known.
            var ended = new DBusMessage
            {
                Kind = DBusKind.Signal, Serial = ++_serial, Path = "/org/freedesktop/systemd1", Interface = "org.freedesktop.systemd1.Manager", Member = "JobRemoved", Sender = ":1.2", Signature = "uoss",
                Body = [_serial, answer.Body[0], unit, JobResult],
            };
            Send(ended with { Body = [_serial, "/job/other", "other.service", "failed"] }, null);
            if (Units.Count % 2 == 0) Send(ended, null);
            Send(answer, null);
            if (Units.Count % 2 == 1) Send(ended, null);
        }
        DBusMessage Reply(string signature = "", params object[] body) => new() { Kind = DBusKind.Return, Serial = ++_serial, ReplyTo = call.Serial, Sender = call.Destination, Signature = signature, Body = body };
        switch (call.Member)
        {
            case "Hello": Send(Reply("s", ":1.42"), null); break;
            case "Get": Send(Reply("v", (ulong)Delay.TotalMicroseconds), null); break;
            case "KillUnit":
                if (!Stubborn) Delay = TimeSpan.FromSeconds(double.Parse(File.ReadAllLines(System.IO.Path.Combine(Logind, "99-kubelet.conf"))[2].Split('=')[1]));
                Send(Reply(), null);
                break;
            case "Inhibit":
                var (reading, writing) = Pipe();
                lock (_gate) _lockEnd = reading;
                Send(Reply("h", 0u) with { Files = [writing] }, writing);
                writing.Dispose();
                break;
            case "AddMatch" or "Subscribe" or "ResetFailedUnit": Send(Reply(), null); break;
            case "StartTransientUnit" when Units.TryAdd((string)call.Body[0], Properties(call.Body[2])): Job((string)call.Body[0], Reply("o", $"/job/{_serial}")); break;
            case "StartTransientUnit": Send(Refusal("UnitExists"), null); break;
            case "SetUnitProperties":
                foreach (var (name, value) in Properties(call.Body[2])) Units[(string)call.Body[0]][name] = value;
                Send(Reply(), null);
                break;
            // What is beneath a slice ends with it.
            case "StopUnit" when Units.ContainsKey((string)call.Body[0]):
                foreach (string unit in Units.Keys.Where(u => u == (string)call.Body[0] || u.StartsWith(((string)call.Body[0])[..^6] + "-", StringComparison.Ordinal))) Units.TryRemove(unit, out _);
                Job((string)call.Body[0], Reply("o", $"/job/{_serial}"));
                break;
            case "StopUnit": Send(Refusal("NoSuchUnit"), null); break;
            default: Send(new() { Kind = DBusKind.Error, Serial = ++_serial, ReplyTo = call.Serial, Error = "org.freedesktop.DBus.Error.UnknownMethod", Signature = "s", Body = ["no such method"] }, null); break;
        }
        _calls.Writer.TryWrite(call.Member == "Inhibit" ? $"Inhibit {string.Join(',', call.Body)}" : call.Member);
    }

    void Send(DBusMessage message, SafeFileHandle? file)
    {
        byte[] bytes = message.ToBytes();
        lock (_gate)
            if (file is null) _client!.Send(bytes);
            else SendWith(_client!.SafeHandle, bytes, file);
    }

    static (SafeFileHandle Reading, SafeFileHandle Writing) Pipe()
    {
        int[] ends = new int[2];
        Assert.Equal(0, pipe2(ends, 0x80000));
        return (new(ends[0], true), new(ends[1], true));
    }

    static void SendWith(SafeHandle socket, byte[] bytes, SafeFileHandle file)
    {
        byte[] control = new byte[24], part = new byte[16], header = new byte[56];
        BinaryPrimitives.WriteInt64LittleEndian(control, 20);
        BinaryPrimitives.WriteInt32LittleEndian(control.AsSpan(8), 1);
        BinaryPrimitives.WriteInt32LittleEndian(control.AsSpan(12), 1);
        BinaryPrimitives.WriteInt32LittleEndian(control.AsSpan(16), (int)file.DangerousGetHandle());
        GCHandle[] pins = [GCHandle.Alloc(bytes, GCHandleType.Pinned), GCHandle.Alloc(control, GCHandleType.Pinned), GCHandle.Alloc(part, GCHandleType.Pinned)];
        try
        {
            foreach (var (to, at, value) in ((byte[], int, long)[])
                [(part, 0, pins[0].AddrOfPinnedObject()), (part, 8, bytes.Length), (header, 16, pins[2].AddrOfPinnedObject()), (header, 24, 1), (header, 32, pins[1].AddrOfPinnedObject()), (header, 40, control.Length)])
                BinaryPrimitives.WriteInt64LittleEndian(to.AsSpan(at), value);
            Assert.Equal(bytes.Length, sendmsg(socket, header, 0));
        }
        finally
        {
            foreach (var pin in pins) pin.Free();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        try { _client?.Shutdown(SocketShutdown.Both); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        await Task.WhenAll(_serving);
        _lockEnd?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [DllImport("libc", SetLastError = true)] static extern int pipe2(int[] ends, int flags);
    [DllImport("libc", SetLastError = true)] static extern nint sendmsg(SafeHandle socket, byte[] header, int flags);
}
