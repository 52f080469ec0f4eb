using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Admission.PodSecurity;

delegate Violation? PodCheckRule(ObjectMeta meta, PodSpec spec);

/// <summary>A check, from a version of Kubernetes on; under the same name the newest that is not newer than the profile counts.</summary>
/// <param name="Overrides">A check of the level below that this one says again, and more strictly.</param>
sealed record PodCheck(string Name, SecurityLevel Level, int Since, PodCheckRule Rule, string? Overrides = null);

/// <summary>All checks of the Pod Security Standards as of v1.36, and which of them a profile consists of.</summary>
static class PodChecks
{
    /// <summary>The newest version in which anything changed; later ones are like it.</summary>
    const int Newest = 36;

    static readonly PodCheck[] s_all =
    [
        new("appArmorProfile", SecurityLevel.Baseline, 0, BaselineChecks.AppArmor),
        new("capabilities_baseline", SecurityLevel.Baseline, 0, BaselineChecks.Capabilities),
        new("hostNamespaces", SecurityLevel.Baseline, 0, BaselineChecks.HostNamespaces),
        new("hostPathVolumes", SecurityLevel.Baseline, 0, BaselineChecks.HostPaths),
        new("hostPorts", SecurityLevel.Baseline, 0, BaselineChecks.HostPorts),
        new("hostProbesAndHostLifecycle", SecurityLevel.Baseline, 34, BaselineChecks.HostProbes),
        new("privileged", SecurityLevel.Baseline, 0, BaselineChecks.Privileged),
        new("procMount_baseline", SecurityLevel.Baseline, 0, BaselineChecks.ProcMount),
        // A root of a user namespace is nobody outside (KEP-127).
        new("procMount_baseline", SecurityLevel.Baseline, 35, Unless(HasUserNamespace, BaselineChecks.ProcMount)),
        new("seLinuxOptions", SecurityLevel.Baseline, 0, BaselineChecks.SELinux("", "container_t", "container_init_t", "container_kvm_t")),
        new("seLinuxOptions", SecurityLevel.Baseline, 31, BaselineChecks.SELinux("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")),
        new("seccompProfile_baseline", SecurityLevel.Baseline, 0, BaselineChecks.SeccompAnnotations),
        new("seccompProfile_baseline", SecurityLevel.Baseline, 19, BaselineChecks.Seccomp),
        new("sysctls", SecurityLevel.Baseline, 0, BaselineChecks.Sysctls(0)),
        new("sysctls", SecurityLevel.Baseline, 27, BaselineChecks.Sysctls(27)),
        new("sysctls", SecurityLevel.Baseline, 29, BaselineChecks.Sysctls(29)),
        new("sysctls", SecurityLevel.Baseline, 32, BaselineChecks.Sysctls(32)),
        new("windowsHostProcess", SecurityLevel.Baseline, 0, BaselineChecks.HostProcess),

        new("allowPrivilegeEscalation", SecurityLevel.Restricted, 8, RestrictedChecks.PrivilegeEscalation),
        // What only Linux knows is not asked of Pods that say they are for Windows, since kubelets refuse those elsewhere.
        new("allowPrivilegeEscalation", SecurityLevel.Restricted, 25, Unless(IsWindows, RestrictedChecks.PrivilegeEscalation)),
        new("capabilities_restricted", SecurityLevel.Restricted, 22, RestrictedChecks.Capabilities, "capabilities_baseline"),
        new("capabilities_restricted", SecurityLevel.Restricted, 25, Unless(IsWindows, RestrictedChecks.Capabilities), "capabilities_baseline"),
        new("procMount_restricted", SecurityLevel.Restricted, 35, BaselineChecks.ProcMount, "procMount_baseline"),
        new("restrictedVolumes", SecurityLevel.Restricted, 0, RestrictedChecks.Volumes, "hostPathVolumes"),
        new("runAsNonRoot", SecurityLevel.Restricted, 0, RestrictedChecks.NonRoot),
        new("runAsNonRoot", SecurityLevel.Restricted, 35, Unless(HasUserNamespace, RestrictedChecks.NonRoot)),
        new("runAsUser", SecurityLevel.Restricted, 23, RestrictedChecks.User),
        new("runAsUser", SecurityLevel.Restricted, 35, Unless(HasUserNamespace, RestrictedChecks.User)),
        new("seccompProfile_restricted", SecurityLevel.Restricted, 19, RestrictedChecks.Seccomp, "seccompProfile_baseline"),
        new("seccompProfile_restricted", SecurityLevel.Restricted, 25, Unless(IsWindows, RestrictedChecks.Seccomp), "seccompProfile_baseline"),
    ];

    static readonly PodCheckRule[][] s_baseline = [.. Enumerable.Range(0, Newest + 1).Select(v => Choose(SecurityLevel.Baseline, v))];
    static readonly PodCheckRule[][] s_restricted = [.. Enumerable.Range(0, Newest + 1).Select(v => Choose(SecurityLevel.Restricted, v))];

    /// <summary>Those of baseline first, each level's by their names, so that messages are always the same.</summary>
    static PodCheckRule[] Choose(SecurityLevel level, int version)
    {
        var current = s_all.Where(c => c.Level <= level && c.Since <= version).GroupBy(c => c.Name).Select(g => g.MaxBy(c => c.Since)!).ToList();
        var overridden = current.Select(c => c.Overrides).OfType<string>().ToHashSet();
        return [.. current.Where(c => !overridden.Contains(c.Name)).OrderBy(c => c.Level).ThenBy(c => c.Name, StringComparer.Ordinal).Select(c => c.Rule)];
    }

    /// <summary>Everything that the profile has against the Pod; nothing when it is all right.</summary>
    public static IReadOnlyList<Violation> Check(SecurityProfile profile, ObjectMeta meta, PodSpec spec)
    {
        if (profile.Level == SecurityLevel.Privileged) return [];
        var found = new List<Violation>();
        foreach (var rule in (profile.Level == SecurityLevel.Baseline ? s_baseline : s_restricted)[Math.Min(profile.Minor, Newest)])
            if (rule(meta, spec) is { } violation) found.Add(violation);
        return found;
    }

    static PodCheckRule Unless(Func<PodSpec, bool> exempt, PodCheckRule rule) => (meta, spec) => exempt(spec) ? null : rule(meta, spec);
    static bool IsWindows(PodSpec spec) => spec.Os?.Name == "windows";
    static bool HasUserNamespace(PodSpec spec) => spec.HostUsers == false;
}
