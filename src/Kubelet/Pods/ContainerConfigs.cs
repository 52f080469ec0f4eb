using System.Globalization;
using System.Text;
using Google.Protobuf;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Runtime;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Pods;

/// <summary>A container as the runtime is asked for it.</summary>
static class ContainerConfigs
{
    /// <param name="imageRef">What the puller found, so that the tag cannot move in between.</param>
    /// <param name="targetId">The container whose processes an ephemeral container is to see.</param>
    /// <exception cref="ContainerConfigException"/>
    public static ContainerConfig For(Pod pod, Container container, int restarts, string imageRef, ContainerEnvironment environment, IEnumerable<Mount> mounts,
        KubeletOptions options, long nodeMemory, string? targetId)
    {
        var config = new ContainerConfig
        {
            Metadata = new() { Name = container.Name, Attempt = (uint)restarts },
            Image = new() { Image = imageRef, UserSpecifiedImage = container.Image },
            WorkingDir = container.WorkingDir,
            LogPath = Path.Combine(container.Name, restarts.ToString(CultureInfo.InvariantCulture) + ".log"),
            Stdin = container.Stdin, StdinOnce = container.StdinOnce, Tty = container.Tty,
            Linux = new() { Resources = LinuxResources.Of(pod, container, options, nodeMemory), SecurityContext = SecurityContexts.Of(pod, container, options, targetId) },
        };
        config.Command.Add(container.Command.Select(c => environment.Expand(c)));
        config.Args.Add(container.Args.Select(a => environment.Expand(a)));
        foreach (var (name, value) in environment.Variables) config.Envs.Add(new KeyValue { Key = name, Value = ByteString.CopyFrom(value, Encoding.UTF8) });
        config.Mounts.Add(mounts);

        config.Labels[RuntimeLabels.PodName] = pod.Metadata.Name;
        config.Labels[RuntimeLabels.PodNamespace] = pod.Metadata.Namespace;
        config.Labels[RuntimeLabels.PodUid] = pod.Metadata.Uid;
        config.Labels[RuntimeLabels.ContainerName] = container.Name;
        config.Annotations[RuntimeLabels.Hash] = PodContainers.HashOf(container);
        config.Annotations[RuntimeLabels.RestartCount] = restarts.ToString(CultureInfo.InvariantCulture);
        config.Annotations[RuntimeLabels.TerminationMessagePath] = container.TerminationMessagePath;
        config.Annotations[RuntimeLabels.TerminationMessagePolicy] = container.TerminationMessagePolicy;
        config.Annotations[RuntimeLabels.PodTerminationGracePeriod] = (pod.Spec.TerminationGracePeriodSeconds ?? 30).ToString(CultureInfo.InvariantCulture);
        if (container.Lifecycle?.StopSignal is { Length: > 0 } signal
            && Enum.TryParse<Signal>(signal.Replace("+", "plus", StringComparison.Ordinal).Replace("-", "minus", StringComparison.Ordinal), ignoreCase: true, out var stop))
            config.StopSignal = stop; // KEP-4960
        return config;
    }
}
