using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Hanbae.Cri.Devices;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices;

/// <summary>What a container was given of one resource.</summary>
/// <param name="Devices">By id, each with the NUMA nodes that it is near to.</param>
/// <param name="Answer">What its plugin said is to be done for them.</param>
sealed record DeviceGrant(string PodUid, string Container, string Resource, ImmutableSortedDictionary<string, ImmutableArray<long>> Devices, ContainerAllocateResponse Answer);

/// <summary>Who has which devices of the node, on disk: a kubelet that was killed neither takes them from Pods that run nor gives them to others.</summary>
/// <remarks>
/// In upstream's form and place (<c>kubelet_internal_checkpoint</c>), since other programs of the node read it, too; the checksum is our own.
/// Bounds: an entry per container and resource of the node's Pods, and the devices that there are. Not safe for concurrent use.
/// </remarks>
sealed class DeviceBook(string folder, ILogger log)
{
    public const string FileName = "kubelet_internal_checkpoint";

    readonly List<DeviceGrant> _grants = [];

    string FilePath => Path.Combine(folder, FileName);

    /// <summary>Resources whose plugins were there when this was last written, each with its healthy devices.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<string>> Registered { get; private set; } = ImmutableSortedDictionary.Create<string, ImmutableArray<string>>(StringComparer.Ordinal);

    public IReadOnlyList<DeviceGrant> Grants => _grants;

    public IEnumerable<DeviceGrant> Of(string podUid) => _grants.Where(g => g.PodUid == podUid);

    public DeviceGrant? Find(string podUid, string container, string resource) => _grants.Find(g => g.PodUid == podUid && g.Container == container && g.Resource == resource);

    public ImmutableHashSet<string> InUse(string resource) => [.. _grants.Where(g => g.Resource == resource).SelectMany(g => g.Devices.Keys)];

    /// <returns>Whether there was a file: without one the machine was made anew, and what its Node says of devices is of another time.</returns>
    public bool Load()
    {
        if (!File.Exists(FilePath)) return false;
        try { Read(File.ReadAllBytes(FilePath)); }
        catch (Exception e) when (e is IOException or JsonException or FormatException or InvalidProtocolBufferException or InvalidOperationException or KeyNotFoundException)
        {
            _grants.Clear();
            log.DeviceBookLost(FilePath, e.Message);
        }
        return true;
    }

    /// <exception cref="IOException">It could not be written; it counts in memory all the same.</exception>
    public void Add(IEnumerable<DeviceGrant> grants)
    {
        foreach (var grant in grants)
        {
            _grants.RemoveAll(g => g.PodUid == grant.PodUid && g.Container == grant.Container && g.Resource == grant.Resource);
            _grants.Add(grant);
        }
        Write();
    }

    /// <exception cref="IOException"/>
    public bool Remove(string podUid)
    {
        if (_grants.RemoveAll(g => g.PodUid == podUid) == 0) return false;
        Write();
        return true;
    }

    /// <exception cref="IOException"/>
    public void Register(ImmutableSortedDictionary<string, ImmutableArray<string>> registered)
    {
        if (registered.Count == Registered.Count && registered.All(r => Registered.TryGetValue(r.Key, out var ids) && ids.SequenceEqual(r.Value))) return;
        Registered = registered;
        Write();
    }

    void Read(byte[] bytes)
    {
        using var json = JsonDocument.Parse(bytes);
        var data = json.RootElement.GetProperty("Data");
        if (json.RootElement.GetProperty("Checksum").GetUInt64() != Sum(data.GetRawText())) throw new FormatException("checkpoint is corrupted");
        foreach (var entry in data.GetProperty("PodDeviceEntries").EnumerateArray())
        {
            var devices = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<long>>(StringComparer.Ordinal);
            foreach (var node in entry.GetProperty("DeviceIDs").EnumerateObject())
                foreach (var id in node.Value.EnumerateArray())
                {
                    long number = long.Parse(node.Name, CultureInfo.InvariantCulture);
                    devices[id.GetString()!] = number < 0 ? [] : devices.TryGetValue(id.GetString()!, out var others) ? others.Add(number) : [number];
                }
            _grants.Add(new(entry.GetProperty("PodUID").GetString()!, entry.GetProperty("ContainerName").GetString()!, entry.GetProperty("ResourceName").GetString()!,
                devices.ToImmutable(), ContainerAllocateResponse.Parser.ParseFrom(entry.GetProperty("AllocResp").GetBytesFromBase64())));
        }
        Registered = data.GetProperty("RegisteredDevices").EnumerateObject().ToImmutableSortedDictionary(r => r.Name, r => r.Value.EnumerateArray().Select(d => d.GetString()!).ToImmutableArray(), StringComparer.Ordinal);
    }

    void Write()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("PodDeviceEntries");
            foreach (var grant in _grants)
            {
                json.WriteStartObject();
                json.WriteString("PodUID", grant.PodUid);
                json.WriteString("ContainerName", grant.Container);
                json.WriteString("ResourceName", grant.Resource);
                json.WriteStartObject("DeviceIDs");
                // Devices that are near to no node in particular stand under -1.
                foreach (var near in grant.Devices.SelectMany(d => d.Value.DefaultIfEmpty(-1).Select(n => (Node: n, d.Key))).GroupBy(d => d.Node).OrderBy(g => g.Key))
                {
                    json.WriteStartArray(near.Key.ToString(CultureInfo.InvariantCulture));
                    foreach (var (_, id) in near) json.WriteStringValue(id);
                    json.WriteEndArray();
                }
                json.WriteEndObject();
                json.WriteBase64String("AllocResp", grant.Answer.ToByteArray());
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartObject("RegisteredDevices");
            foreach (var (resource, ids) in Registered)
            {
                json.WriteStartArray(resource);
                foreach (string id in ids) json.WriteStringValue(id);
                json.WriteEndArray();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        string data = Encoding.UTF8.GetString(buffer.ToArray());
        Directory.CreateDirectory(folder);
        string made = Path.Combine(folder, "." + FileName);
        File.WriteAllText(made, $"{{\"Data\":{data},\"Checksum\":{Sum(data)}}}");
        File.Move(made, FilePath, overwrite: true);
    }

    /// <summary>FNV-1a: tells a torn file, and no more is asked of it.</summary>
    static ulong Sum(string data)
    {
        uint sum = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(data)) sum = (sum ^ b) * 16777619;
        return sum;
    }
}
