using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Placement;
using UserNamespace = Hanbae.Cri.V1.UserNamespace;

namespace Hanbae.Kubelet.Pods;

/// <summary>Gives each Pod that shares no users with the host user ids of its own (KEP-127).</summary>
/// <remarks>
/// What a Pod has is kept in its folder, in upstream's form (<c>userns</c>): a kubelet that starts again gives it to nobody else. Bounds: as many ranges as there
/// are in what the host's <c>/etc/subuid</c> gives the user <c>kubelet</c>, or as the node may have Pods.
/// </remarks>
sealed class UserNamespaces
{
    const string FileName = "userns", User = "kubelet";
    const long Multiple = 65536;

    readonly PodFolders _folders;
    readonly Func<Seq<NodeRuntimeHandler>> _handlers;
    readonly ConcurrentDictionary<string, uint> _ranges = new(); // host ids by Pod
    readonly Lock _gate = new();
    readonly uint _first, _size;
    readonly int _count;

    /// <param name="handlers">As the runtime tells of them; empty for one that does not.</param>
    /// <param name="etc">Where <c>passwd</c>, <c>subuid</c> and <c>subgid</c> are.</param>
    /// <exception cref="PlacementSettingsException"/>
    public UserNamespaces(KubeletOptions options, Func<Seq<NodeRuntimeHandler>> handlers, string etc = "/etc")
    {
        (_folders, _handlers) = (options.Folders, handlers);
        if (options.IdsPerPod is < Multiple or > uint.MaxValue || options.IdsPerPod % Multiple != 0)
            throw new PlacementSettingsException($"invalid configuration: userNamespaces.idsPerPod: must be a multiple of {Multiple} and less than 2^32, got {options.IdsPerPod}");
        _size = (uint)options.IdsPerPod;
        var (first, length) = Given(etc) ?? (_size, (long)_size * options.MaxPods);
        if (first % Multiple != 0) throw new PlacementSettingsException($"kubelet user assigned ID {first} is not multiple of {Multiple}");
        if (first < _size) throw new PlacementSettingsException($"kubelet user assigned ID {first} must be greater or equal to {_size}"); // below are the host's own users
        if (length / _size < options.MaxPods) throw new PlacementSettingsException($"kubelet user assigned IDs ({length}) are not enough for {options.MaxPods} pods of {_size}");
        (_first, _count) = ((uint)first, (int)Math.Min(length / _size, (uint.MaxValue - first) / _size));
        foreach (string folder in Directory.Exists(_folders.Pods) ? Directory.EnumerateDirectories(_folders.Pods) : [])
            if (Load(Path.GetFileName(folder)) is { } kept) _ranges[Path.GetFileName(folder)] = kept;
    }

    /// <summary>The ids of the Pod on the host; null for one that shares the host's users.</summary>
    /// <exception cref="ContainerConfigException">The runtime cannot do it, or there are no ids left.</exception>
    /// <exception cref="IOException"/>
    public UserNamespace? For(Pod pod, string handler)
    {
        if (pod.Spec.HostUsers != false) return null;
        string why = handler.Length > 0 ? $"can't set `spec.hostUsers: false`, RuntimeClass handler \"{handler}\" does not support user namespaces"
            : "can't set `spec.hostUsers: false`, runtime does not support user namespaces";
        var handlers = _handlers();
        if (handlers.IsEmpty) throw new ContainerConfigException(why + ": runtime handlers are not set");
        if (handlers.Find(h => h.Name == handler) is not { } known) throw new ContainerConfigException($"{why}: the handler \"{handler}\" is not known");
        if (known.Features?.UserNamespaces != true) throw new ContainerConfigException(why);
        lock (_gate)
        {
            string uid = pod.Metadata.Uid;
            if (!_ranges.TryGetValue(uid, out uint first))
            {
                var taken = _ranges.Values.ToHashSet();
                int at = Enumerable.Range(0, _count).FirstOrDefault(i => !taken.Contains(_first + (uint)i * _size), -1);
                if (at < 0) throw new ContainerConfigException("could not find an empty slot to allocate a user namespace");
                Save(uid, first = _first + (uint)at * _size);
                _ranges[uid] = first;
            }
            return Mapped(first);
        }
    }

    /// <summary>What a Pod was given, whatever the runtime says of itself now; null for nothing.</summary>
    public UserNamespace? Of(string uid) => _ranges.TryGetValue(uid, out uint first) ? Mapped(first) : null;

    /// <summary>Nothing of the Pod runs any more: its ids are free.</summary>
    public void Release(string uid)
    {
        lock (_gate)
            if (_ranges.TryRemove(uid, out _)) File.Delete(PathOf(uid));
    }

    UserNamespace Mapped(uint first)
    {
        var mapping = new IDMapping { HostId = first, ContainerId = 0, Length = _size };
        return new() { Mode = NamespaceMode.Pod, Uids = { mapping }, Gids = { mapping.Clone() } };
    }

    string PathOf(string uid) => Path.Combine(_folders.Pod(uid), FileName);

    uint? Load(string uid)
    {
        if (!File.Exists(PathOf(uid))) return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(PathOf(uid)));
            return json.RootElement.GetProperty("uidMappings")[0].GetProperty("hostId").GetUInt32();
        }
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException) { return null; }
    }

    void Save(string uid, uint first) => Checkpoint.Write(PathOf(uid), json =>
    {
        foreach (string name in (ReadOnlySpan<string>)["uidMappings", "gidMappings"])
        {
            json.WriteStartArray(name);
            json.WriteStartObject();
            json.WriteNumber("hostId", first);
            json.WriteNumber("containerId", 0);
            json.WriteNumber("length", _size);
            json.WriteEndObject();
            json.WriteEndArray();
        }
    });

    /// <summary>The one range that the host gives the user <c>kubelet</c>; null where there is no such user, or no range of his.</summary>
    static (long First, long Length)? Given(string etc)
    {
        if (!Lines(Path.Combine(etc, "passwd")).Any(l => l.StartsWith(User + ":", StringComparison.Ordinal))) return null;
        var (uids, gids) = (Ranges("subuid"), Ranges("subgid"));
        if (uids.Length == 0 && gids.Length == 0) return null;
        if (uids.Length != 1 || gids.Length != 1 || uids[0] != gids[0]) throw new PlacementSettingsException("kubelet user must have exactly one range in subuid and the same in subgid");
        return uids[0];

        (long, long)[] Ranges(string file) => [.. Lines(Path.Combine(etc, file)).Select(l => l.Split(':')).Where(f => f is [User, _, _])
            .Select(f => (long.Parse(f[1], CultureInfo.InvariantCulture), long.Parse(f[2], CultureInfo.InvariantCulture)))];
    }

    static IEnumerable<string> Lines(string file) => File.Exists(file) ? File.ReadLines(file) : [];
}
