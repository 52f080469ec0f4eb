using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Cri;
using Hanbae.Cri.V1;

namespace Hanbae.Kubelet.Runtime;

/// <summary>Reads one Pod's sandboxes and containers from the runtime.</summary>
public sealed class RuntimeReader(ICri cri)
{
    /// <param name="before">The last reading: what it says of containers that had exited still holds.</param>
    public async Task<RuntimePod> ReadAsync(string uid, string ns, string name, RuntimePod? before, CancellationToken ct)
    {
        var filter = new PodSandboxFilter { LabelSelector = { [RuntimeLabels.PodUid] = uid } };
        var sandboxes = new List<RuntimeSandbox>();
        foreach (var item in (await cri.ListPodSandboxAsync(filter, ct).ConfigureAwait(false)).OrderByDescending(s => s.CreatedAt).ThenByDescending(s => s.Metadata.Attempt))
        {
            // Addresses of sandboxes that are down are of no use, so only those that are up are asked for them.
            var status = item.State == PodSandboxState.SandboxReady ? await cri.PodSandboxStatusAsync(item.Id, false, ct).ConfigureAwait(false) : null;
            sandboxes.Add(Sandbox(item, status?.Status));
        }
        var containers = new List<RuntimeContainer>();
        var listed = await cri.ListContainersAsync(new ContainerFilter { LabelSelector = { [RuntimeLabels.PodUid] = uid } }, ct).ConfigureAwait(false);
        foreach (var item in listed.OrderByDescending(c => c.CreatedAt).ThenByDescending(c => c.Metadata.Attempt))
        {
            if (item.State == ContainerState.ContainerExited && before?.Containers.FirstOrDefault(c => c.Id == item.Id && c.State == RuntimeState.Exited) is { } known)
                containers.Add(known);
            else if (await cri.ContainerStatusAsync(item.Id, false, ct).ConfigureAwait(false) is { Status: { } status })
                containers.Add(Container(item.PodSandboxId, status));
        }
        return new(uid, ns, name, [.. sandboxes], [.. containers]);
    }

    static RuntimeSandbox Sandbox(PodSandbox item, PodSandboxStatus? status)
    {
        var ips = status?.Network is { Ip.Length: > 0 } network ? network.AdditionalIps.Select(a => a.Ip).Prepend(network.Ip).ToSeq() : default;
        bool ready = (status?.State ?? item.State) == PodSandboxState.SandboxReady;
        return new(item.Id, ready, item.Metadata.Attempt, Time(item.CreatedAt) ?? default, ips, status?.Linux?.Namespaces?.Options?.Network == NamespaceMode.Node);
    }

    static RuntimeContainer Container(string sandboxId, ContainerStatus status)
    {
        var container = new RuntimeContainer
        {
            Id = status.Id,
            Name = status.Labels.GetValueOrDefault(RuntimeLabels.ContainerName) ?? status.Metadata.Name,
            SandboxId = sandboxId,
            State = status.State switch
            {
                ContainerState.ContainerCreated => RuntimeState.Created,
                ContainerState.ContainerRunning => RuntimeState.Running,
                ContainerState.ContainerExited => RuntimeState.Exited,
                _ => RuntimeState.Unknown,
            },
            CreatedAt = Time(status.CreatedAt) ?? default,
            StartedAt = Time(status.StartedAt),
            FinishedAt = Time(status.FinishedAt),
            ExitCode = status.ExitCode,
            Reason = status.Reason,
            Message = status.Message,
            Image = status.Image?.Image ?? "",
            ImageId = status.ImageRef.Length > 0 ? status.ImageRef : status.ImageId,
            Hash = status.Annotations.GetValueOrDefault(RuntimeLabels.Hash) ?? "",
            RestartCount = int.TryParse(status.Annotations.GetValueOrDefault(RuntimeLabels.RestartCount), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0,
            LogPath = status.LogPath,
            Resources = status.Resources?.Linux,
            User = status.User?.Linux,
        };
        return container.State == RuntimeState.Exited ? container with { Message = TerminationMessage.Of(container, status) } : container;
    }

    static DateTimeOffset? Time(long nanoseconds) => nanoseconds <= 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);
}
