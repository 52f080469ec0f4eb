using System.Collections.Immutable;
using System.Text.Json;
using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices.Dynamic;

/// <summary>A device that a driver has made ready.</summary>
/// <param name="Requests">Of the claim, that it is for; all when empty.</param>
sealed record PreparedDevice(string Pool, string Name, ImmutableArray<string> Requests, ImmutableArray<string> CdiIds, string ShareId)
{
    public bool IsFor(string request) => request.Length == 0 || Requests.IsEmpty || Requests.Contains(request);
}

/// <summary>A claim of which a driver of this node was asked, or is about to be.</summary>
/// <param name="Drivers">With what each has made ready so far.</param>
/// <param name="Prepared">All drivers have answered.</param>
sealed record ClaimRecord(string Namespace, string Name, string Uid, ImmutableSortedSet<string> Pods, ImmutableSortedDictionary<string, ImmutableArray<PreparedDevice>> Drivers, bool Prepared)
{
    public IEnumerable<(string Driver, PreparedDevice Device)> Devices => Drivers.SelectMany(d => d.Value.Select(v => (d.Key, v)));
}

/// <summary>Which claims are made ready on this node, and for which Pods, on disk before a driver is asked: a kubelet that was killed knows what it has to take back.</summary>
/// <remarks>Bound: the claims of the node's Pods. Safe for concurrent use; who changes one claim in several steps holds its place in <see cref="ClaimTurns"/>.</remarks>
sealed class ClaimBook(string path, ILogger log)
{
    readonly Lock _gate = new();
    ImmutableDictionary<(string Namespace, string Name), ClaimRecord> _all = Load(path, log);

    public IReadOnlyCollection<ClaimRecord> All => [.. Volatile.Read(ref _all).Values];

    public ClaimRecord? Find(string ns, string name) => Volatile.Read(ref _all).GetValueOrDefault((ns, name));

    /// <summary>Pods that claims are kept ready for.</summary>
    public IReadOnlyCollection<string> Pods => [.. All.SelectMany(c => c.Pods).Distinct()];

    /// <exception cref="IOException">Nothing has changed.</exception>
    public void Put(params ReadOnlySpan<ClaimRecord> claims)
    {
        lock (_gate)
        {
            var next = _all;
            foreach (var claim in claims) next = next.SetItem((claim.Namespace, claim.Name), claim);
            Keep(next);
        }
    }

    /// <exception cref="IOException">Nothing has changed.</exception>
    public void Remove(ClaimRecord claim)
    {
        lock (_gate) Keep(_all.Remove((claim.Namespace, claim.Name)));
    }

    void Keep(ImmutableDictionary<(string, string), ClaimRecord> next)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) Write(json, next.Values);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        WholeFile.Write(path, buffer.ToArray());
        Volatile.Write(ref _all, next);
    }

    static void Write(Utf8JsonWriter json, IEnumerable<ClaimRecord> claims)
    {
        json.WriteStartObject();
        json.WriteStartArray("claims");
        foreach (var claim in claims)
        {
            json.WriteStartObject();
            json.WriteString("namespace", claim.Namespace);
            json.WriteString("name", claim.Name);
            json.WriteString("uid", claim.Uid);
            json.WriteBoolean("prepared", claim.Prepared);
            List("pods", claim.Pods);
            json.WriteStartObject("drivers");
            foreach (var (driver, devices) in claim.Drivers)
            {
                json.WriteStartArray(driver);
                foreach (var device in devices)
                {
                    json.WriteStartObject();
                    json.WriteString("pool", device.Pool);
                    json.WriteString("device", device.Name);
                    json.WriteString("share", device.ShareId);
                    List("requests", device.Requests);
                    List("cdi", device.CdiIds);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();

        void List(string name, IEnumerable<string> items)
        {
            json.WriteStartArray(name);
            foreach (string item in items) json.WriteStringValue(item);
            json.WriteEndArray();
        }
    }

    static ImmutableDictionary<(string, string), ClaimRecord> Load(string path, ILogger log)
    {
        var all = ImmutableDictionary.CreateBuilder<(string, string), ClaimRecord>();
        if (!File.Exists(path)) return all.ToImmutable();
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var claim in json.RootElement.GetProperty("claims").EnumerateArray())
            {
                var drivers = claim.GetProperty("drivers").EnumerateObject().ToImmutableSortedDictionary(d => d.Name, d => d.Value.EnumerateArray().Select(v =>
                    new PreparedDevice(Text(v, "pool"), Text(v, "device"), [.. List(v, "requests")], [.. List(v, "cdi")], Text(v, "share"))).ToImmutableArray(), StringComparer.Ordinal);
                var record = new ClaimRecord(Text(claim, "namespace"), Text(claim, "name"), Text(claim, "uid"), [.. List(claim, "pods")], drivers, claim.GetProperty("prepared").GetBoolean());
                all[(record.Namespace, record.Name)] = record;
            }
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or KeyNotFoundException) { log.DeviceBookLost(path, e.Message); }
        return all.ToImmutable();

        static string Text(JsonElement e, string name) => e.GetProperty(name).GetString()!;
        static IEnumerable<string> List(JsonElement e, string name) => e.GetProperty(name).EnumerateArray().Select(i => i.GetString()!);
    }
}
