using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using static Hanbae.Server.Admission.PodSecurity.Violations;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Keeps Pods from known ways out of their containers, in upstream's words.</summary>
static class BaselineChecks
{
    /// <summary>Annotations by which profiles were named before there were fields: the last two end with a container's name.</summary>
    public const string SeccompPod = "seccomp.security.alpha.kubernetes.io/pod", SeccompContainer = "container.seccomp.security.alpha.kubernetes.io/",
        AppArmorContainer = "container.apparmor.security.beta.kubernetes.io/";

    static readonly HashSet<string> s_capabilities =
    [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ];

    static readonly (int Since, string Name)[] s_sysctls =
    [
        (0, "kernel.shm_rmid_forced"), (0, "net.ipv4.ip_local_port_range"), (0, "net.ipv4.tcp_syncookies"), (0, "net.ipv4.ping_group_range"), (0, "net.ipv4.ip_unprivileged_port_start"),
        (27, "net.ipv4.ip_local_reserved_ports"),
        (29, "net.ipv4.tcp_keepalive_time"), (29, "net.ipv4.tcp_fin_timeout"), (29, "net.ipv4.tcp_keepalive_intvl"), (29, "net.ipv4.tcp_keepalive_probes"),
        (32, "net.ipv4.tcp_rmem"), (32, "net.ipv4.tcp_wmem"),
    ];

    public static Violation? AppArmor(ObjectMeta meta, PodSpec spec)
    {
        static bool IsBad(AppArmorProfile? profile) => profile is { Type: not ("RuntimeDefault" or "Localhost") };
        var boxes = SecurityBox.Of(spec).Where(b => IsBad(b.Security?.AppArmorProfile)).ToArray();
        bool pod = IsBad(spec.SecurityContext?.AppArmorProfile);
        string[] annotations = [.. meta.Annotations
            .Where(a => a.Key.StartsWith(AppArmorContainer, StringComparison.Ordinal) && a.Value.Length > 0 && a.Value != "runtime/default"
                && !a.Value.StartsWith("localhost/", StringComparison.Ordinal))
            .Select(a => $"{a.Key}=\"{a.Value}\"").Sorted()];
        string[] values = [.. boxes.Select(b => b.Security!.AppArmorProfile!.Type).Concat(pod ? [spec.SecurityContext!.AppArmorProfile!.Type] : []).Sorted(), .. annotations];
        if (values.Length == 0) return null;
        var setters = new List<string>();
        if (pod || boxes.Length > 0) setters.Add(Setters(pod, [.. boxes.Select(b => b.Name)]));
        if (annotations.Length > 0) setters.Add(Plural("annotation", annotations.Length));
        return new(Plural("forbidden AppArmor profile", values.Length), $"{string.Join(" and ", setters)} must not set AppArmor profile type to {Quoted(values)}");
    }

    public static Violation? Capabilities(ObjectMeta meta, PodSpec spec)
    {
        var (names, added) = (new List<string>(), new List<string>());
        foreach (var box in SecurityBox.Of(spec))
        {
            string[] bad = [.. (box.Security?.Capabilities?.Add ?? default).Where(c => !s_capabilities.Contains(c))];
            if (bad.Length == 0) continue;
            names.Add(box.Name);
            added.AddRange(bad);
        }
        return names.Count == 0 ? null : new("non-default capabilities", $"{Containers(names)} must not include {Quoted(added.Sorted())} in securityContext.capabilities.add");
    }

    public static Violation? HostNamespaces(ObjectMeta meta, PodSpec spec)
    {
        var used = new List<string>();
        if (spec.HostNetwork) used.Add("hostNetwork=true");
        if (spec.HostPID) used.Add("hostPID=true");
        if (spec.HostIPC) used.Add("hostIPC=true");
        return used.Count == 0 ? null : new("host namespaces", string.Join(", ", used));
    }

    public static Violation? HostPaths(ObjectMeta meta, PodSpec spec)
    {
        string[] names = [.. spec.Volumes.Where(v => v.HostPath is not null).Select(v => v.Name)];
        return names.Length == 0 ? null : new("hostPath volumes", $"{Plural("volume", names.Length)} {Quoted(names)}");
    }

    public static Violation? HostPorts(ObjectMeta meta, PodSpec spec)
    {
        var boxes = SecurityBox.Of(spec).Where(b => b.Ports.Exists(p => p.HostPort != 0)).ToArray();
        if (boxes.Length == 0) return null;
        string[] ports = [.. boxes.SelectMany(b => b.Ports).Where(p => p.HostPort != 0).Select(p => p.HostPort.ToString(System.Globalization.CultureInfo.InvariantCulture)).Sorted()];
        return new("hostPort", $"{Containers([.. boxes.Select(b => b.Name)])} {(boxes.Length == 1 ? "uses" : "use")} {Plural("hostPort", ports.Length)} {string.Join(", ", ports)}");
    }

    public static Violation? HostProbes(ObjectMeta meta, PodSpec spec)
    {
        static IEnumerable<string> Hosts(HTTPGetAction? http, TCPSocketAction? tcp) => ((string?[])[http?.Host, tcp?.Host]).OfType<string>().Where(h => h.Length > 0);
        static IEnumerable<string> HostsOf(SecurityBox b) => b.Probes.OfType<Probe>().SelectMany(p => Hosts(p.HttpGet, p.TcpSocket))
            .Concat(((LifecycleHandler?[])[b.Lifecycle?.PostStart, b.Lifecycle?.PreStop]).OfType<LifecycleHandler>().SelectMany(h => Hosts(h.HttpGet, h.TcpSocket)));
        var bad = SecurityBox.Of(spec).Select(b => (b.Name, Hosts: HostsOf(b).ToArray())).Where(b => b.Hosts.Length > 0).ToArray();
        if (bad.Length == 0) return null;
        string[] names = [.. bad.Select(b => b.Name).Sorted()], hosts = [.. bad.SelectMany(b => b.Hosts).Sorted()];
        return new("probe or lifecycle host", $"{Containers(names)} {(names.Length == 1 ? "uses" : "use")} {Plural("probe or lifecycle host", hosts.Length)} {Quoted(hosts)}");
    }

    public static Violation? Privileged(ObjectMeta meta, PodSpec spec)
    {
        string[] names = [.. SecurityBox.Of(spec).Where(b => b.Security?.Privileged == true).Select(b => b.Name)];
        return names.Length == 0 ? null : new("privileged", $"{Containers(names)} must not set securityContext.privileged=true");
    }

    public static Violation? ProcMount(ObjectMeta meta, PodSpec spec)
    {
        var boxes = SecurityBox.Of(spec).Where(b => b.Security?.ProcMount is { } mount && mount != "Default").ToArray();
        return boxes.Length == 0 ? null : new("procMount", $"{Containers([.. boxes.Select(b => b.Name)])} must not set securityContext.procMount to {Quoted(boxes.Select(b => b.Security!.ProcMount!).Sorted())}");
    }

    public static PodCheckRule SELinux(params string[] types) => (_, spec) =>
    {
        bool IsBad(SELinuxOptions? o) => o is not null && (!types.Contains(o.Type) || o.User.Length > 0 || o.Role.Length > 0);
        bool pod = IsBad(spec.SecurityContext?.SeLinuxOptions);
        var boxes = SecurityBox.Of(spec).Where(b => IsBad(b.Security?.SeLinuxOptions)).ToArray();
        if (!pod && boxes.Length == 0) return null;
        SELinuxOptions[] options = [.. boxes.Select(b => b.Security!.SeLinuxOptions!), .. pod ? [spec.SecurityContext!.SeLinuxOptions!] : (SELinuxOptions[])[]];
        string[] bad = [.. options.Select(o => o.Type).Where(t => !types.Contains(t)).Sorted()];
        var data = new List<string>();
        if (bad.Length > 0) data.Add($"{Plural("type", bad.Length)} {Quoted(bad)}");
        if (options.Any(o => o.User.Length > 0)) data.Add("user may not be set");
        if (options.Any(o => o.Role.Length > 0)) data.Add("role may not be set");
        return new("seLinuxOptions", $"{Setters(pod, [.. boxes.Select(b => b.Name)])} set forbidden securityContext.seLinuxOptions: {string.Join("; ", data)}");
    };

    public static bool IsBadSeccomp(SeccompProfile? profile) => profile is { Type: not ("RuntimeDefault" or "Localhost") };

    public static Violation? Seccomp(ObjectMeta meta, PodSpec spec)
    {
        bool pod = IsBadSeccomp(spec.SecurityContext?.SeccompProfile);
        var boxes = SecurityBox.Of(spec).Where(b => IsBadSeccomp(b.Security?.SeccompProfile)).ToArray();
        if (!pod && boxes.Length == 0) return null;
        var values = boxes.Select(b => b.Security!.SeccompProfile!.Type).Concat(pod ? [spec.SecurityContext!.SeccompProfile!.Type] : []).Sorted();
        return new("seccompProfile", $"{Setters(pod, [.. boxes.Select(b => b.Name)])} must not set securityContext.seccompProfile.type to {Quoted(values)}");
    }

    /// <summary>Before v1.19 profiles were named by annotations.</summary>
    public static Violation? SeccompAnnotations(ObjectMeta meta, PodSpec spec)
    {
        string[] bad = [.. SecurityBox.Of(spec).Select(b => SeccompContainer + b.Name).Append(SeccompPod)
            .Where(key => meta.Annotations.TryGet(key, out string? value) && value is not ("runtime/default" or "docker/default") && !value.StartsWith("localhost/", StringComparison.Ordinal))
            .Select(key => $"{key}=\"{meta.Annotations[key]}\"").Sorted()];
        return bad.Length == 0 ? null : new("seccompProfile", $"forbidden {Plural("annotation", bad.Length)} {string.Join(", ", bad)}");
    }

    public static PodCheckRule Sysctls(int version) => (_, spec) =>
    {
        string[] bad = [.. (spec.SecurityContext?.Sysctls ?? default).Select(s => s.Name).Where(n => !s_sysctls.Any(s => s.Since <= version && s.Name == n))];
        return bad.Length == 0 ? null : new("forbidden sysctls", string.Join(", ", bad));
    };

    public static Violation? HostProcess(ObjectMeta meta, PodSpec spec)
    {
        bool pod = spec.SecurityContext?.WindowsOptions?.HostProcess == true;
        string[] names = [.. SecurityBox.Of(spec).Where(b => b.Security?.WindowsOptions?.HostProcess == true).Select(b => b.Name)];
        return !pod && names.Length == 0 ? null : new("hostProcess", $"{Setters(pod, names)} must not set securityContext.windowsOptions.hostProcess=true");
    }
}
