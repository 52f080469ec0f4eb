using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Container = Hanbae.Api.Core.V1.Container;
using NamespaceOption = Hanbae.Cri.V1.NamespaceOption;

namespace Hanbae.Kubelet.Pods;

/// <summary>What containers may do, from the Pod's and the container's security context.</summary>
static class SecurityContexts
{
    // Linux's doors to the host; closed as upstream and every runtime do.
    static readonly string[] s_masked =
    [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    static readonly string[] s_readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    public static bool IsPrivileged(this Container container) => container.SecurityContext?.Privileged == true;

    public static NamespaceOption Namespaces(PodSpec spec, string? targetId = null) => new()
    {
        Network = spec.HostNetwork ? NamespaceMode.Node : NamespaceMode.Pod,
        Ipc = spec.HostIPC ? NamespaceMode.Node : NamespaceMode.Pod,
        Pid = targetId is not null ? NamespaceMode.Target : spec.HostPID ? NamespaceMode.Node : spec.ShareProcessNamespace == true ? NamespaceMode.Pod : NamespaceMode.Container,
        TargetId = targetId ?? "",
    };

    public static LinuxSandboxSecurityContext Sandbox(Pod pod)
    {
        var context = new LinuxSandboxSecurityContext
        {
            NamespaceOptions = Namespaces(pod.Spec),
            Privileged = pod.Spec.All().Any(IsPrivileged),
            // Always the runtime's own, whatever the Pod asks for its containers: the sandbox itself does nothing.
            Seccomp = new() { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
            SelinuxOptions = Selinux(pod.Spec.SecurityContext?.SeLinuxOptions),
        };
        if (pod.Spec.SecurityContext is not { } own) return context;
        if (own.RunAsUser is { } user) context.RunAsUser = new() { Value = user };
        if (own.RunAsGroup is { } group) context.RunAsGroup = new() { Value = group };
        context.SupplementalGroups.Add(Groups(own));
        context.SupplementalGroupsPolicy = Policy(own);
        return context;
    }

    public static LinuxContainerSecurityContext Of(Pod pod, Container container, KubeletOptions options, string? targetId)
    {
        var (whole, own) = (pod.Spec.SecurityContext, container.SecurityContext);
        var context = new LinuxContainerSecurityContext
        {
            NamespaceOptions = Namespaces(pod.Spec, targetId),
            Privileged = own?.Privileged == true,
            ReadonlyRootfs = own?.ReadOnlyRootFilesystem == true,
            NoNewPrivs = own?.AllowPrivilegeEscalation == false,
            Seccomp = Seccomp(own?.SeccompProfile ?? whole?.SeccompProfile, options),
            Apparmor = Apparmor(own?.AppArmorProfile ?? whole?.AppArmorProfile),
            SelinuxOptions = Selinux(own?.SeLinuxOptions ?? whole?.SeLinuxOptions),
        };
        if ((own?.RunAsUser ?? whole?.RunAsUser) is { } user) context.RunAsUser = new() { Value = user };
        if ((own?.RunAsGroup ?? whole?.RunAsGroup) is { } group) context.RunAsGroup = new() { Value = group };
        if (whole is not null)
        {
            context.SupplementalGroups.Add(Groups(whole));
            context.SupplementalGroupsPolicy = Policy(whole);
        }
        if (own?.Capabilities is { } capabilities)
            context.Capabilities = new() { AddCapabilities = { capabilities.Add.Span.ToArray() }, DropCapabilities = { capabilities.Drop.Span.ToArray() } };
        if (own?.ProcMount != "Unmasked")
        {
            context.MaskedPaths.Add(s_masked);
            context.ReadonlyPaths.Add(s_readonly);
        }
        return context;
    }

    /// <summary>Keeps the promise of <c>runAsNonRoot</c>.</summary>
    /// <param name="uid">The image's user when that is a number; root when the image names none.</param>
    /// <param name="userName">The image's user when that is a name.</param>
    /// <exception cref="ContainerConfigException"/>
    public static void CheckNonRoot(Pod pod, Container container, long? uid, string userName)
    {
        if ((container.SecurityContext?.RunAsNonRoot ?? pod.Spec.SecurityContext?.RunAsNonRoot) != true) return;
        string where = $"(pod: \"{pod.Describe()}\", container: {container.Name})";
        if ((container.SecurityContext?.RunAsUser ?? pod.Spec.SecurityContext?.RunAsUser) is { } asked)
        {
            if (asked == 0) throw new ContainerConfigException($"container's runAsUser breaks non-root policy {where}");
            return;
        }
        if (uid == 0) throw new ContainerConfigException($"container has runAsNonRoot and image will run as root {where}");
        if (uid is null && userName.Length > 0)
            throw new ContainerConfigException($"container has runAsNonRoot and image has non-numeric user ({userName}), cannot verify user is non-root {where}");
    }

    /// <summary>fsGroup goes to every process, so that volumes it owns can be used.</summary>
    static IEnumerable<long> Groups(PodSecurityContext context) =>
        (context.FsGroup is { } fs ? [fs] : Enumerable.Empty<long>()).Concat(context.SupplementalGroups);

    static SupplementalGroupsPolicy Policy(PodSecurityContext context) => context.SupplementalGroupsPolicy == "Strict" ? SupplementalGroupsPolicy.Strict : SupplementalGroupsPolicy.Merge;

    static SecurityProfile Seccomp(SeccompProfile? profile, KubeletOptions options) => profile?.Type switch
    {
        "RuntimeDefault" => new() { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        "Localhost" => new() { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = Path.Combine(options.Folders.Seccomp, profile.LocalhostProfile ?? "") },
        null when options.SeccompDefault => new() { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        _ => new() { ProfileType = SecurityProfile.Types.ProfileType.Unconfined },
    };

    static SecurityProfile? Apparmor(AppArmorProfile? profile) => profile?.Type switch
    {
        "RuntimeDefault" => new() { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        "Localhost" => new() { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = profile.LocalhostProfile ?? "" },
        "Unconfined" => new() { ProfileType = SecurityProfile.Types.ProfileType.Unconfined },
        _ => null,
    };

    static SELinuxOption? Selinux(SELinuxOptions? options) =>
        options is null ? null : new() { User = options.User, Role = options.Role, Type = options.Type, Level = options.Level };
}
