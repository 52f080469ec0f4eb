using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client.Tests.Faults;

/// <summary>A server with a recorded history of ConfigMaps, which says everything in bytes, as a server at the other end of a wire does, and breaks off where it is told to.</summary>
/// <param name="first">The revision of the list that is asked for first; what comes after it is watched.</param>
sealed class RecordedServer(IReadOnlyList<(string Type, ConfigMap Object)> history, int first, bool proto) : IApiTransport
{
    int _connections;
    bool _listed;

    /// <summary>What goes wrong with a connection: its number from 0, and the bytes it would send.</summary>
    public Func<int, byte[], (int Bytes, Exception? End)> Fault { get; init; } = static (_, all) => (all.Length, null);
    /// <summary>Whether a watch from that revision is refused with 410.</summary>
    public Func<int, int, bool> Expired { get; init; } = static (_, _) => false;
    /// <summary>What is sent of the history; by default each event once, in order.</summary>
    public Func<int, IEnumerable<(string Type, ConfigMap Object)>, IEnumerable<(string Type, ConfigMap Object)>> Send { get; init; } = static (_, events) => events;

    public int Connections => Volatile.Read(ref _connections);
    static int Version(ConfigMap obj) => int.Parse(obj.Metadata.ResourceVersion);

    /// <summary>What there is at a revision.</summary>
    public SortedDictionary<string, ConfigMap> At(int revision)
    {
        var objects = new SortedDictionary<string, ConfigMap>(StringComparer.Ordinal);
        foreach (var (type, obj) in history.Where(h => h.Type != "BOOKMARK" && Version(h.Object) <= revision))
            if (type == "DELETED") objects.Remove(obj.Metadata.Name);
            else objects[obj.Metadata.Name] = obj;
        return objects;
    }

    public int Newest => Version(history[^1].Object);

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        int revision = Interlocked.Exchange(ref _listed, true) ? Newest : first;
        var list = At(revision).Values;
        byte[] body = proto ? ProtoLists.Of("ConfigMapList", $"{revision}", [.. list]) : [.. System.Text.Encoding.UTF8.GetBytes($"{{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{revision}\"}},\"items\":["),
            .. list.SelectMany((m, i) => (byte[])[.. i == 0 ? ""u8 : ","u8, .. ConfigMap.Info.ToJson(m)]), .. "]}"u8];
        return new(Decoding.Result(200, proto ? Decoding.Protobuf : Decoding.Json, body, []));
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        int connection = Interlocked.Increment(ref _connections) - 1;
        bool initial = request.Parameter("sendInitialEvents") == "true";
        int after = initial ? first : int.Parse(request.Parameter("resourceVersion")!);
        if (Expired(connection, after)) throw new ApiException(Make.Error(410, "Expired"));
        IEnumerable<(string, ConfigMap)> events = history.Where(h => Version(h.Object) > after);
        if (initial) events = [.. At(first).Values.Select(m => ("ADDED", m)), ("BOOKMARK", Make.Bookmark($"{first}", initialEnd: true)), .. events];
        byte[] all = [.. Send(connection, events).SelectMany(e => proto ? Frame(e.Item1, e.Item2) : Line(e.Item1, e.Item2))];
        var (bytes, end) = Fault(connection, all);
        using var frames = new WatchFrames(new Broken(all.AsMemory(0, bytes), end), lengths: proto);
        while (await frames.NextAsync(ct) is { } frame) yield return Decoding.Event(frame.Span, proto);
        // A whole stream stays open when all is told.
        if (bytes == all.Length && end is null) await Task.Delay(Timeout.Infinite, ct);
    }

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw new NotSupportedException();

    public static byte[] Line(string type, IKind obj) =>
        [.. System.Text.Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":"), .. obj.Kind().WriteFor(obj, new("", "v1")), .. "}\n"u8];

    public static byte[] Frame(string type, IKind obj)
    {
        var writer = new ProtoWriter();
        int start = writer.Length;
        writer.Bytes(1, Envelope.Wrap(obj, new("", "v1"), obj.Kind().Kind));
        writer.EndMessage(2, start);
        writer.String(1, type);
        byte[] message = writer.ToArray();
        writer.Dispose();
        byte[] frame = new byte[4 + message.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame, message.Length);
        message.CopyTo(frame, 4);
        return frame;
    }

    /// <summary>Gives so much, and then ends or fails.</summary>
    sealed class Broken(ReadOnlyMemory<byte> content, Exception? end) : MemoryStream(content.ToArray())
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct = default)
        {
            int read = Read(buffer.Span);
            return read == 0 && end is not null ? ValueTask.FromException<int>(end) : new(read);
        }
    }
}
