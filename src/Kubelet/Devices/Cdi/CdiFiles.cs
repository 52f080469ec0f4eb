using System.Collections.Immutable;
using Hanbae.Api.Json;
using Hanbae.Cri.V1;
using Hanbae.Machinery.Yaml;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Devices.Cdi;

/// <summary>
/// Works CDI devices into a container's configuration, for runtimes that know nothing of the Container Device Interface
/// (containerd before 1.7) or are not told of it (1.7, where it is off unless configured).
/// </summary>
/// <remarks>
/// What CRI has words for is done: variables, device nodes, binds, groups. What it has none for (hooks, other mounts) is refused, since a device
/// that is only half there fails later and in the dark. Files are read anew for each container: they change under us, and are few and small.
/// </remarks>
sealed class CdiFiles(IReadOnlyList<string> folders, ILogger log)
{
    /// <summary>One device, found in a file.</summary>
    /// <param name="Priority">Of its folder: a later one wins.</param>
    sealed record Found(string File, int Priority, JsonObject Spec, JsonObject Device);

    /// <param name="runtime">As the node tells it: <c>containerd://1.6.20</c>.</param>
    public static bool NeedsUs(string runtime) =>
        runtime.StartsWith("containerd://", StringComparison.Ordinal) && Version.TryParse(runtime["containerd://".Length..].Split('-', '~', '+')[0], out var version) && version < new Version(2, 0);

    /// <exception cref="DeviceException">A device is not to be found, or in two places, or asks for more than can be done.</exception>
    public void Inject(ContainerConfig config, IEnumerable<string> devices)
    {
        var all = Read();
        List<string> missing = [];
        HashSet<JsonObject> specs = new(ReferenceEqualityComparer.Instance);
        foreach (string name in devices.Distinct(StringComparer.Ordinal))
        {
            var found = all.GetValueOrDefault(name, []);
            int best = found.IsEmpty ? 0 : found.Max(f => f.Priority);
            if (found.Count(f => f.Priority == best) != 1)
            {
                missing.Add(name);
                continue;
            }
            var device = found.Single(f => f.Priority == best);
            if (specs.Add(device.Spec)) Edit(config, name, device.Spec["containerEdits"]);
            Edit(config, name, device.Device["containerEdits"]);
        }
        if (missing.Count > 0) throw new DeviceException("CDI device injection failed: unresolvable CDI devices " + string.Join(", ", missing));
    }

    Dictionary<string, ImmutableArray<Found>> Read()
    {
        Dictionary<string, ImmutableArray<Found>> all = [];
        for (int priority = 0; priority < folders.Count; priority++)
        {
            if (!Directory.Exists(folders[priority])) continue;
            foreach (string file in Directory.EnumerateFiles(folders[priority]).Where(f => Path.GetExtension(f) is ".json" or ".yaml").Order(StringComparer.Ordinal))
            {
                try
                {
                    if (YamlReader.Read(File.ReadAllText(file)) is not JsonObject spec || Text(spec["kind"]) is not { Length: > 0 } kind) throw new FormatException("no kind");
                    foreach (var device in Items(spec["devices"]).OfType<JsonObject>())
                    {
                        string name = $"{kind}={Text(device["name"])}";
                        all[name] = all.GetValueOrDefault(name, []).Add(new(file, priority, spec, device));
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or YamlException or InvalidDataException) { log.CdiFile(file, e.Message); }
            }
        }
        return all;
    }

    static void Edit(ContainerConfig config, string name, JsonValue? edits)
    {
        if (edits is not JsonObject edit) return;
        foreach (string beyond in (ReadOnlySpan<string>)["hooks", "intelRdt", "netDevices"])
            if (edit[beyond] is { } asked && asked is not JsonArray { Count: 0 } and not JsonNull)
                throw new DeviceException($"CDI device injection failed: {name} has {beyond}, which need a container runtime with CDI of its own (containerd 2.0 or later)");
        foreach (var variable in Items(edit["env"]))
        {
            string[] parts = Text(variable).Split('=', 2);
            config.Envs.Add(new KeyValue { Key = parts[0], Value = Google.Protobuf.ByteString.CopyFromUtf8(parts.Length > 1 ? parts[1] : "") });
        }
        foreach (var node in Items(edit["deviceNodes"]).OfType<JsonObject>())
        {
            string path = Text(node["path"]);
            config.Devices.Add(new Device
            {
                ContainerPath = path, HostPath = Text(node["hostPath"]) is { Length: > 0 } host ? host : path, Permissions = Text(node["permissions"]) is { Length: > 0 } given ? given : "rwm",
            });
        }
        foreach (var mount in Items(edit["mounts"]).OfType<JsonObject>())
        {
            string type = Text(mount["type"]);
            string[] options = [.. Items(mount["options"]).Select(Text)];
            if (type is not ("" or "none" or "bind"))
                throw new DeviceException($"CDI device injection failed: {name} has a mount of type {type}, which needs a container runtime with CDI of its own (containerd 2.0 or later)");
            config.Mounts.Add(new Mount
            {
                HostPath = Text(mount["hostPath"]), ContainerPath = Text(mount["containerPath"]), Readonly = options.Contains("ro"),
                Propagation = options.Any(o => o is "rshared" or "shared") ? MountPropagation.PropagationBidirectional
                    : options.Any(o => o is "rslave" or "slave") ? MountPropagation.PropagationHostToContainer : MountPropagation.PropagationPrivate,
            });
        }
        foreach (var group in Items(edit["additionalGids"]).OfType<JsonNumber>()) config.Linux.SecurityContext.SupplementalGroups.Add(group.Int64);
    }

    static IEnumerable<JsonValue> Items(JsonValue? value) => value is JsonArray array ? array : [];

    static string Text(JsonValue? value) => value is JsonString text ? text.Value : "";
}
