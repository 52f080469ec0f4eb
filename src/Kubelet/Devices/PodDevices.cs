using Google.Protobuf;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Devices.Cdi;
using Hanbae.Kubelet.Devices.Dynamic;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Devices;

/// <summary>All that a Pod's worker asks about devices, whichever way they come.</summary>
/// <param name="runtime">As the node tells it, once it is known.</param>
sealed class PodDevices(DevicePlugins plugins, DynamicResources claims, CdiFiles cdi, Func<string> runtime)
{
    public DevicePlugins Plugins => plugins;
    public DynamicResources Claims => claims;

    /// <summary>Works the container's devices into what the runtime is asked for: before what the Pod itself says, which may override it.</summary>
    /// <exception cref="DeviceException"/>
    public async Task AddToAsync(ContainerConfig config, Pod pod, Container container, CancellationToken ct)
    {
        List<KeyValue> variables = [];
        List<Mount> mounts = [];
        List<string> names = [];
        foreach (var (_, _, _, _, answer) in await plugins.StartingAsync(pod, container, ct).ConfigureAwait(false))
        {
            // Of two plugins that say different things of one name the first is heard, as upstream.
            foreach (var (key, value) in answer.Envs) if (!variables.Exists(v => v.Key == key)) variables.Add(new() { Key = key, Value = ByteString.CopyFromUtf8(value) });
            foreach (var mount in answer.Mounts)
                if (!mounts.Exists(m => m.ContainerPath == mount.ContainerPath)) mounts.Add(new() { ContainerPath = mount.ContainerPath, HostPath = mount.HostPath, Readonly = mount.ReadOnly });
            foreach (var device in answer.Devices)
                if (!config.Devices.Any(d => d.ContainerPath == device.ContainerPath))
                    config.Devices.Add(new Device { ContainerPath = device.ContainerPath, HostPath = device.HostPath, Permissions = device.Permissions });
            foreach (var (key, value) in answer.Annotations) config.Annotations.TryAdd(key, value);
            names.AddRange(answer.CdiDevices.Select(d => d.Name));
        }
        names.AddRange(claims.CdiOf(pod, container));
        Before(config.Envs, variables);
        Before(config.Mounts, mounts);
        if (names.Count == 0) return;
        if (CdiFiles.NeedsUs(runtime())) cdi.Inject(config, names);
        else config.CDIDevices.Add(names.Distinct(StringComparer.Ordinal).Select(n => new CDIDevice { Name = n }));
    }

    static void Before<T>(Google.Protobuf.Collections.RepeatedField<T> list, List<T> first)
    {
        for (int i = 0; i < first.Count; i++) list.Insert(i, first[i]);
    }

    /// <summary>How the devices of a container are, for its status.</summary>
    public Seq<ResourceStatus> HealthOf(Pod pod, Container container) => plugins.HealthOf(pod.Metadata.Uid, container.Name).Concat(claims.HealthOf(pod, container)).ToSeq();
}
