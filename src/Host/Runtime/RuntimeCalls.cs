using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Google.Protobuf;

namespace Hanbae.Host.Runtime;

/// <summary>A sandbox as a reset needs to know it.</summary>
public sealed record Sandbox(string Id, string? PodUid);

/// <summary>An image as the runtime has it.</summary>
public sealed record RuntimeImage(string Id, IReadOnlyList<string> Names, IReadOnlyList<string> Digests, long Size);

/// <summary>The few CRI calls that starting, resetting and image commands make themselves.</summary>
/// <remarks>Six calls with messages of one or two fields: they work on any endpoint, CRI-O's too, while no kubelet runs.</remarks>
public sealed class RuntimeCalls : IDisposable
{
    const string Runtime = "runtime.v1.RuntimeService", Images = "runtime.v1.ImageService", PodUidLabel = "io.kubernetes.pod.uid";
    readonly HttpClient _http;

    /// <param name="endpoint"><c>unix:///path</c>, or just the path.</param>
    public RuntimeCalls(string endpoint)
    {
        string socket = endpoint.StartsWith("unix://", StringComparison.Ordinal) ? endpoint["unix://".Length..] : endpoint;
        _http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, ct) =>
            {
                var s = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await s.ConnectAsync(new UnixDomainSocketEndPoint(socket), ct);
                    return new NetworkStream(s, ownsSocket: true);
                }
                catch
                {
                    s.Dispose();
                    throw;
                }
            },
        })
        {
            BaseAddress = new("http://localhost"), Timeout = TimeSpan.FromMinutes(2),
        };
    }

    /// <summary>Name and version of the runtime, such as <c>containerd 1.6.20</c>: also the test that an endpoint is one.</summary>
    public async Task<string> VersionAsync(CancellationToken ct)
    {
        string name = "", version = "";
        Read(await CallAsync(Runtime, "Version", [], ct), (field, input) =>
        {
            if (field == 2) name = input.ReadString();
            else if (field == 3) version = input.ReadString();
            else return false;
            return true;
        });
        return name + " " + version;
    }

    public async Task<IReadOnlyList<Sandbox>> SandboxesAsync(CancellationToken ct)
    {
        var all = new List<Sandbox>();
        ReadItems(await CallAsync(Runtime, "ListPodSandbox", [], ct), item =>
        {
            string id = "";
            string? uid = null;
            Read(item, (field, input) =>
            {
                if (field == 1) id = input.ReadString();
                else if (field == 5 && Label(input.ReadBytes()) is (PodUidLabel, var value)) uid = value;
                else return field == 5;
                return true;
            });
            all.Add(new(id, uid));
        });
        return all;
    }

    public Task StopSandboxAsync(string id, CancellationToken ct) => CallAsync(Runtime, "StopPodSandbox", Text(1, id), ct);
    public Task RemoveSandboxAsync(string id, CancellationToken ct) => CallAsync(Runtime, "RemovePodSandbox", Text(1, id), ct);

    public async Task<IReadOnlyList<RuntimeImage>> ImagesAsync(CancellationToken ct)
    {
        var all = new List<RuntimeImage>();
        ReadItems(await CallAsync(Images, "ListImages", [], ct), item =>
        {
            string id = "";
            long size = 0;
            List<string> names = [], digests = [];
            Read(item, (field, input) =>
            {
                switch (field)
                {
                    case 1: id = input.ReadString(); return true;
                    case 2: names.Add(input.ReadString()); return true;
                    case 3: digests.Add(input.ReadString()); return true;
                    case 4: size = (long)input.ReadUInt64(); return true;
                    default: return false;
                }
            });
            all.Add(new(id, names, digests, size));
        });
        return all;
    }

    /// <summary>Removes an image with all of its names, as CRI defines it.</summary>
    public Task RemoveImageAsync(string nameOrId, CancellationToken ct) => CallAsync(Images, "RemoveImage", Message(1, Text(1, nameOrId)), ct);

    /// <exception cref="RuntimeException">Nobody answers, or the answer is an error.</exception>
    internal async Task<byte[]> CallAsync(string service, string method, byte[] message, CancellationToken ct)
    {
        byte[] body = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.CopyTo(body, 5);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/{service}/{method}") 
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new("trailers"));
        try
        {
            using var response = await _http.SendAsync(request, ct);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(ct);
            // A call that failed at once has its status among the headers.
            string? status = Value(response.TrailingHeaders, "grpc-status") ?? Value(response.Headers, "grpc-status");
            if (status != "0")
                throw new RuntimeException($"{method}: {Uri.UnescapeDataString(Value(response.TrailingHeaders, "grpc-message") ?? Value(response.Headers, "grpc-message") ?? "no status")}");
            return answer.Length > 5 ? answer[5..] : [];
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw new RuntimeException($"{method}: the container runtime does not answer: {e.Message}", e);
        }
    }

    static string? Value(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.First() : null;

    internal static byte[] Text(int field, string value) => Message(field, System.Text.Encoding.UTF8.GetBytes(value));

    internal static byte[] Message(int field, byte[] value)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(value));
        }
        return stream.ToArray();
    }

    static (string Key, string Value) Label(ByteString entry)
    {
        string key = "", value = "";
        Read(entry.ToByteArray(), (field, input) =>
        {
            if (field == 1) key = input.ReadString();
            else if (field == 2) value = input.ReadString();
            else return false;
            return true;
        });
        return (key, value);
    }

    static void ReadItems(byte[] message, Action<byte[]> each) => Read(message, (field, input) =>
    {
        if (field != 1) return false;
        each(input.ReadBytes().ToByteArray());
        return true;
    });

    /// <param name="field">Reads a field and says so, or leaves it to be skipped.</param>
    static void Read(byte[] message, Func<int, CodedInputStream, bool> field)
    {
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
            if (!field(WireFormat.GetTagFieldNumber(tag), input)) input.SkipLastField();
    }

    public void Dispose() => _http.Dispose();
}
