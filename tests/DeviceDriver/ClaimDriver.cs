using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Hanbae.Cri.Devices;
using Hanbae.Cri.Devices.Dynamic;
using Hanbae.Cri.Devices.Health;
using Hanbae.Grpc.Server;

namespace Hanbae.DeviceDriver;

/// <summary>Makes claims ready that need nothing: a driver of dynamic resources, which says by the Container Device Interface what a container gets.</summary>
/// <param name="cdi">Folder for its files, one for each claim.</param>
public sealed class ClaimDriver(string name, string cdi)
{
    readonly Channel<NodeWatchResourcesResponse> _health = Channel.CreateUnbounded<NodeWatchResourcesResponse>();

    /// <summary>What was asked, in order: the call and the claims.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();
    /// <summary>Claims that are made ready now, by uid.</summary>
    public ConcurrentDictionary<string, string> Ready { get; } = new();
    /// <summary>An error for a claim; may wait.</summary>
    public Func<string, Claim, Task<string>> Fails { get; set; } = (_, _) => Task.FromResult("");
    /// <summary>Leaves claims without an answer.</summary>
    public bool Skips { get; set; }
    /// <summary>Which requests of a claim there are devices for.</summary>
    public Func<Claim, string[]> Requests { get; set; } = _ => ["gpu"];

    string Kind => name + "/gpu";

    public void Tell(string device, HealthStatus health, string message = "") => _health.Writer.TryWrite(new()
    {
        Devices = { new DeviceHealth { Device = new() { PoolName = "pool", DeviceName = device }, Health = health, Message = message, HealthCheckTimeoutSeconds = 3600 } },
    });

    /// <param name="health">It tells how its devices are.</param>
    public GrpcService Service(bool v1 = true, bool v1beta1 = true, bool health = true)
    {
        var service = new GrpcService();
        if (v1) Add(DraMethods.OfV1);
        if (v1beta1) Add(DraMethods.OfV1Beta1);
        if (health) service.ServerStream(DraMethods.WatchHealth, (_, ct) => HealthAsync(ct));
        return service;

        void Add(DraMethods methods) => service.Unary(methods.Prepare, (request, _) => PrepareAsync(request)).Unary(methods.Unprepare, (request, _) => UnprepareAsync(request));
    }

    async Task<NodePrepareResourcesResponse> PrepareAsync(NodePrepareResourcesRequest request)
    {
        Asked.Enqueue("prepare " + string.Join(',', request.Claims.Select(c => c.Name)));
        var answer = new NodePrepareResourcesResponse();
        foreach (var claim in request.Claims)
        {
            if (Skips) continue;
            if (await Fails("prepare", claim) is { Length: > 0 } error)
            {
                answer.Claims[claim.Uid] = new() { Error = error };
                continue;
            }
            Ready[claim.Uid] = claim.Name;
            var made = new NodePrepareResourceResponse();
            string[] requests = Requests(claim);
            foreach (string asked in requests)
                made.Devices.Add(new Cri.Devices.Dynamic.Device { RequestNames = { asked }, PoolName = "pool", DeviceName = "of-" + asked, CdiDeviceIds = { $"{Kind}={claim.Uid}-{asked}" } });
            answer.Claims[claim.Uid] = made;
            Directory.CreateDirectory(cdi);
            File.WriteAllText(FileOf(claim) + "~", Spec(claim, requests));
            File.Move(FileOf(claim) + "~", FileOf(claim), overwrite: true);
        }
        return answer;
    }

    async Task<NodeUnprepareResourcesResponse> UnprepareAsync(NodeUnprepareResourcesRequest request)
    {
        Asked.Enqueue("unprepare " + string.Join(',', request.Claims.Select(c => c.Name)));
        var answer = new NodeUnprepareResourcesResponse();
        foreach (var claim in request.Claims)
        {
            if (Skips) continue;
            string error = await Fails("unprepare", claim);
            answer.Claims[claim.Uid] = new() { Error = error };
            if (error.Length > 0) continue;
            Ready.TryRemove(claim.Uid, out _);
            File.Delete(FileOf(claim));
        }
        return answer;
    }

    string FileOf(Claim claim) => Path.Combine(cdi, $"{name}-{claim.Uid}.json");

    string Spec(Claim claim, string[] requests)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("cdiVersion", "0.5.0");
            json.WriteString("kind", Kind);
            json.WriteStartArray("devices");
            foreach (string asked in requests)
            {
                json.WriteStartObject();
                json.WriteString("name", $"{claim.Uid}-{asked}");
                json.WriteStartObject("containerEdits");
                json.WriteStartArray("env");
                json.WriteStringValue($"CLAIM_{asked.ToUpperInvariant()}={claim.Name}");
                json.WriteEndArray();
                json.WriteStartArray("deviceNodes");
                json.WriteStartObject();
                json.WriteString("path", "/dev/claimed-" + asked);
                json.WriteString("hostPath", "/dev/zero");
                json.WriteString("permissions", "r");
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    async IAsyncEnumerable<NodeWatchResourcesResponse> HealthAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var told in _health.Reader.ReadAllAsync(ct)) yield return told;
    }
}
