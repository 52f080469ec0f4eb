using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Security contexts of Pods and containers.</summary>
static partial class SecurityRules
{
    const int MaxSysctl = 253;
    const string SysctlForm = @"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

    [GeneratedRegex(SysctlForm)]
    private static partial Regex SysctlName();

    public static void Pod(FieldPath at, PodSpec spec, Errors errors)
    {
        if (spec is { ShareProcessNamespace: true, HostPID: true }) errors.InvalidAs(at["shareProcessNamespace"], "true", "ShareProcessNamespace and HostPID cannot both be enabled");
        if (spec.SecurityContext is not { } s) return;
        User(at["fsGroup"], s.FsGroup, errors);
        User(at["runAsUser"], s.RunAsUser, errors);
        User(at["runAsGroup"], s.RunAsGroup, errors);
        for (int i = 0; i < s.SupplementalGroups.Count; i++) User(at["supplementalGroups"][i], s.SupplementalGroups[i], errors);
        var names = new HashSet<string>();
        for (int i = 0; i < s.Sysctls.Count; i++)
        {
            var (here, name) = (at["sysctls"][i]["name"], s.Sysctls[i].Name);
            if (name.Length == 0) errors.Required(here);
            else if (name.Length > MaxSysctl || !SysctlName().IsMatch(name)) errors.Invalid(here, name, $"must have at most {MaxSysctl} characters and match regex {SysctlForm}");
            else if (names.Contains(name)) errors.Duplicate(here, name);
            names.Add(name);
            // Of the host's own there is nothing to set.
            string dotted = name.Replace('/', '.');
            if (spec.HostNetwork && dotted.StartsWith("net.", StringComparison.Ordinal)) errors.Invalid(here, name, "may not be specified when 'hostNetwork' is true");
            else if (spec.HostIPC && (dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) || dotted is "kernel.sem"
                || dotted.StartsWith("kernel.shm", StringComparison.Ordinal) || dotted.StartsWith("kernel.msg", StringComparison.Ordinal)))
                errors.Invalid(here, name, "may not be specified when 'hostIPC' is true");
        }
        if (s.FsGroupChangePolicy is { } change) errors.OneOf(at["fsGroupChangePolicy"], change, "Always", "OnRootMismatch");
        Seccomp(at["seccompProfile"], s.SeccompProfile, errors);
        WindowsRules.Options(at["windowsOptions"], s.WindowsOptions, errors);
        AppArmor(at["appArmorProfile"], s.AppArmorProfile, errors);
        if (s.SupplementalGroupsPolicy is { } groups) errors.OneOf(at["supplementalGroupsPolicy"], groups, "Merge", "Strict");
        if (s.SeLinuxChangePolicy is { } labels) errors.OneOf(at["seLinuxChangePolicy"], labels, "MountOption", "Recursive");
    }

    public static void Container(FieldPath at, SecurityContext s, bool hostUsers, Errors errors)
    {
        User(at["runAsUser"], s.RunAsUser, errors);
        User(at["runAsGroup"], s.RunAsGroup, errors);
        if (s.ProcMount is { } mount)
        {
            errors.OneOf(at["procMount"], mount, "Default", "Unmasked");
            if (hostUsers && mount == "Unmasked") errors.Invalid(at["procMount"], mount, "`hostUsers` must be false to use `Unmasked`");
        }
        Seccomp(at["seccompProfile"], s.SeccompProfile, errors);
        if (s.AllowPrivilegeEscalation == false)
        {
            if (s.Privileged == true) errors.InvalidAs(at, Shown.Message(s), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
            if (s.Capabilities is { } capabilities && capabilities.Add.Contains("CAP_SYS_ADMIN"))
                errors.InvalidAs(at, Shown.Message(s), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
        WindowsRules.Options(at["windowsOptions"], s.WindowsOptions, errors);
        AppArmor(at["appArmorProfile"], s.AppArmorProfile, errors);
    }

    const int LongestPath = 4095;

    static void AppArmor(FieldPath at, AppArmorProfile? profile, Errors errors)
    {
        if (profile is null) return;
        var here = at["localhostProfile"];
        const string needed = "must be set when AppArmor type is Localhost";
        switch (profile.Type)
        {
            case "Localhost" when string.IsNullOrEmpty(profile.LocalhostProfile): errors.Required(here, needed); break;
            case "Localhost":
                if (profile.LocalhostProfile!.Trim() != profile.LocalhostProfile) errors.Invalid(here, profile.LocalhostProfile, "must not be padded with whitespace");
                if (profile.LocalhostProfile.Length > LongestPath) errors.TooLong(here, LongestPath);
                break;
            case "RuntimeDefault" or "Unconfined":
                if (profile.LocalhostProfile is { } local) errors.Invalid(here, local, "can only be set when AppArmor type is Localhost");
                break;
            case "": errors.Required(at["type"], "type is required when appArmorProfile is set"); break;
            default: errors.OneOf(at["type"], profile.Type, "Localhost", "RuntimeDefault", "Unconfined"); break;
        }
    }

    static void User(FieldPath at, long? id, Errors errors)
    {
        if (id is { } number) errors.Between(at, number, 0, int.MaxValue);
    }

    static void Seccomp(FieldPath at, SeccompProfile? profile, Errors errors)
    {
        if (profile is null) return;
        if (profile.Type.Length == 0) errors.Required(at["type"], "type is required when seccompProfile is set");
        else errors.OneOf(at["type"], profile.Type, "Localhost", "RuntimeDefault", "Unconfined");
        if (profile.Type == "Localhost")
        {
            if (profile.LocalhostProfile is null) errors.Required(at["localhostProfile"], "must be set when seccomp type is Localhost");
            else VolumeRules.RelativePath(at["localhostProfile"], profile.LocalhostProfile, errors);
        }
        else if (profile.LocalhostProfile is not null) errors.InvalidAs(at["localhostProfile"], Shown.Message(profile), "can only be set when seccomp type is Localhost");
    }
}
