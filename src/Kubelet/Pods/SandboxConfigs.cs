using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Pods;

/// <summary>A Pod's sandbox as the runtime is asked for it.</summary>
static class SandboxConfigs
{
    /// <param name="hostResolvConf">The text of the host's resolv.conf.</param>
    /// <exception cref="ContainerConfigException"/>
    public static PodSandboxConfig For(Pod pod, uint attempt, KubeletOptions options, string hostResolvConf)
    {
        var (meta, spec) = (pod.Metadata, pod.Spec);
        var config = new PodSandboxConfig
        {
            Metadata = new() { Name = meta.Name, Namespace = meta.Namespace, Uid = meta.Uid, Attempt = attempt },
            Hostname = PodNames.Kernel(pod, options.ClusterDomain),
            LogDirectory = options.Folders.Log(meta.Namespace, meta.Name, meta.Uid),
            DnsConfig = PodDns.For(pod, options.ClusterDns, options.ClusterDomain, hostResolvConf),
            Linux = new()
            {
                CgroupParent = CgroupNames.Parent(options, PodQos.Of(spec), meta.Uid),
                SecurityContext = SecurityContexts.Sandbox(pod),
                Resources = new()
                {
                    CpuShares = LinuxResources.Shares(PodQos.Total(spec, "cpu", r => r.Requests, milli: true)),
                    MemoryLimitInBytes = PodQos.Total(spec, "memory", r => r.Limits, milli: false),
                },
            },
        };
        foreach (var (key, value) in meta.Labels) config.Labels[key] = value;
        config.Labels[RuntimeLabels.PodName] = meta.Name;
        config.Labels[RuntimeLabels.PodNamespace] = meta.Namespace;
        config.Labels[RuntimeLabels.PodUid] = meta.Uid;
        foreach (var (key, value) in meta.Annotations) config.Annotations[key] = value;
        config.Annotations[RuntimeLabels.ConfigSource] = "api";
        config.Annotations[RuntimeLabels.PodTerminationGracePeriod] = pod.GraceSeconds().ToString(CultureInfo.InvariantCulture);
        foreach (var sysctl in spec.SecurityContext?.Sysctls ?? default(Seq<Sysctl>)) config.Linux.Sysctls[sysctl.Name.Replace('/', '.')] = sysctl.Value;
        if (!spec.HostNetwork)
            foreach (var port in spec.Containers.Concat(spec.InitContainers.Where(PodContainers.IsSidecar)).SelectMany(c => c.Ports).Where(p => p.HostPort > 0))
                config.PortMappings.Add(new PortMapping
                {
                    HostPort = port.HostPort, ContainerPort = port.ContainerPortValue, HostIp = port.HostIP,
                    Protocol = port.Protocol switch { "UDP" => Protocol.Udp, "SCTP" => Protocol.Sctp, _ => Protocol.Tcp },
                });
        return config;
    }
}
