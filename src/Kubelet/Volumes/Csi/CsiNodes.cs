using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Plugins;
using Hanbae.Machinery.Volumes.Clouds;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>Has the cluster know which drivers a node has: its CSINode, topology labels, and what each driver calls it.</summary>
sealed class CsiNodes(IClient client, string node, TimeProvider time)
{
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(10);
    const string Note = "csi.volume.kubernetes.io/nodeid";

    readonly Key _key = new("", node);
    readonly ConcurrentDictionary<string, bool> _soon = new();

    /// <summary>Called when the Node has other labels than before: who keeps a copy of it reads it again. Must not block.</summary>
    public Action Changed { get; init; } = () => { };

    /// <exception cref="ApiException">Also while the Node is not there yet.</exception>
    /// <exception cref="PluginException">A label that the driver wants has another value.</exception>
    public async Task AddAsync(CsiDriver driver, long max, CancellationToken ct)
    {
        if (driver.NodeId.Length == 0) throw new PluginException("RegisterPlugin error -- error updating CSI node info: driver reported no node id");
        var told = await client.UpdateWithRetryAsync<Node>(_key, n => Labelled(n, driver), ct, time: time).ConfigureAwait(false);
        Changed();
        await ChangeAsync(told, csi => csi with
        {
            Spec = new()
            {
                Drivers = csi.Spec.Drivers.Where(d => d.Name != driver.Name).Append(new()
                {
                    Name = driver.Name, NodeID = driver.NodeId, TopologyKeys = driver.Topology.Select(t => t.Key).Order(StringComparer.Ordinal).ToSeq(),
                    Allocatable = max > 0 ? new() { Count = (int)Math.Min(max, int.MaxValue) } : null,
                }).OrderBy(d => d.Name, StringComparer.Ordinal).ToSeq(),
            },
        }, ct).ConfigureAwait(false);
    }

    /// <remarks>As upstream, labels stay: volumes may still say that they are to be reached from here.</remarks>
    /// <exception cref="ApiException"/>
    public async Task RemoveAsync(string driver, CancellationToken ct)
    {
        if (await client.FindAsync<Node>(_key, ct).ConfigureAwait(false) is not { } there) return;
        await ChangeAsync(there, csi => csi.Spec.Drivers.Exists(d => d.Name == driver) ? csi with { Spec = new() { Drivers = csi.Spec.Drivers.Where(d => d.Name != driver).ToSeq() } } : csi, ct).ConfigureAwait(false);
        await client.UpdateWithRetryAsync<Node>(_key, n => Named(n, driver, null), ct, time: time).ConfigureAwait(false);
    }

    /// <summary>
    /// Every node has a CSINode, also one without drivers, as upstream: the scheduler asks it. And drivers whose room changes are asked again
    /// how many volumes fit, as often as they want (KEP-4876).
    /// </summary>
    public async Task RunAsync(CsiDrivers drivers, Func<Node?> registered, CancellationToken ct)
    {
        Dictionary<string, DateTimeOffset> asked = [];
        for (bool made = false; ; await Task.Delay(made ? s_look : TimeSpan.FromSeconds(1), time, ct).ConfigureAwait(false))
            try
            {
                if (registered() is not { } there) continue;
                if (!made) await ChangeAsync(there, csi => csi, ct).ConfigureAwait(false);
                made = true;
                foreach (var driver in drivers.All) await AskAgainAsync(driver, there, asked, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is ApiException or GrpcException or HttpRequestException or IOException && !ct.IsCancellationRequested) { } // at the next look
    }

    /// <summary>Has a driver asked at the next look how many volumes fit, whenever it was asked last: it has just said that no more do.</summary>
    public void AskSoon(string driver) => _soon[driver] = true;

    async Task AskAgainAsync(CsiDriver driver, Node there, Dictionary<string, DateTimeOffset> asked, CancellationToken ct)
    {
        if (await client.FindAsync<CSIDriver>(new Key("", driver.Name), ct).ConfigureAwait(false) is not { Spec.NodeAllocatableUpdatePeriodSeconds: { } period }) return;
        var now = time.GetUtcNow();
        if (!asked.TryGetValue(driver.Name, out var last)) asked[driver.Name] = last = now;
        // At the look that is nearest.
        if (!_soon.TryRemove(driver.Name, out _) && now - last < TimeSpan.FromSeconds(Math.Max(10, period)) - s_look / 2) return;
        asked[driver.Name] = now;
        var info = await driver.CallAsync(CsiMethods.NodeGetInfo, new NodeGetInfoRequest(), ct).ConfigureAwait(false);
        VolumeNodeResources? room = info.MaxVolumesPerNode > 0 ? new() { Count = (int)Math.Min(info.MaxVolumesPerNode, int.MaxValue) } : null;
        await ChangeAsync(there, csi => csi with { Spec = new() { Drivers = csi.Spec.Drivers.Select(d => d.Name == driver.Name ? d with { Allocatable = room } : d).ToSeq() } }, ct).ConfigureAwait(false);
    }

    async Task ChangeAsync(Node owner, Func<CSINode, CSINode> change, CancellationToken ct)
    {
        if (await client.FindAsync<CSINode>(_key, ct).ConfigureAwait(false) is null)
            try
            {
                await client.CreateAsync(Migrated(change(new()
                {
                    Metadata = new() { Name = node, OwnerReferences = [new() { ApiVersion = "v1", Kind = "Node", Name = node, Uid = owner.Metadata.Uid }] },
                })), ct).ConfigureAwait(false);
                return;
            }
            catch (ApiException e) when (e.IsAlreadyExists) { }
        await client.UpdateWithRetryAsync<CSINode>(_key, csi => Migrated(change(csi)), ct, time: time).ConfigureAwait(false);
    }

    /// <summary>Has scheduler and controllers know that disks of clouds are their drivers' affair here.</summary>
    static CSINode Migrated(CSINode csi) => csi.Metadata.Annotations[CloudDisks.Note] == CloudDisks.Notice ? csi
        : csi with { Metadata = csi.Metadata with { Annotations = csi.Metadata.Annotations.Set(CloudDisks.Note, CloudDisks.Notice) } };

    static Node Labelled(Node node, CsiDriver driver)
    {
        foreach (var (key, value) in driver.Topology)
            if (node.Metadata.Labels.TryGet(key, out string? other) && other != value)
                throw new PluginException("RegisterPlugin error -- error updating Node object with CSI driver node info: detected topology value collision: "
                    + $"driver reported \"{key}\":\"{value}\" but existing label is \"{key}\":\"{other}\"");
        return Named(node with { Metadata = node.Metadata with { Labels = node.Metadata.Labels.With(driver.Topology) } }, driver.Name, driver.NodeId);
    }

    /// <summary>The annotation that external attachers of old read.</summary>
    static Node Named(Node node, string driver, string? id)
    {
        SortedDictionary<string, string> ids = new(StringComparer.Ordinal);
        if (node.Metadata.Annotations.TryGet(Note, out string? text))
            try
            {
                using var read = JsonDocument.Parse(text);
                foreach (var item in read.RootElement.EnumerateObject()) ids[item.Name] = item.Value.GetString() ?? "";
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException) { } // somebody's else than a kubelet's: written anew
        if (id is null) ids.Remove(driver); else ids[driver] = id;
        var notes = node.Metadata.Annotations;
        notes = ids.Count == 0 ? notes.Where(n => n.Key != Note).ToMap() : notes.Set(Note, Text(ids));
        return notes == node.Metadata.Annotations ? node : node with { Metadata = node.Metadata with { Annotations = notes } };
    }

    internal static string Text(IEnumerable<KeyValuePair<string, string>> map)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (key, value) in map) json.WriteString(key, value);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
