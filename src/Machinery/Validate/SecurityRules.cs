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
        if (spec.SecurityContext is not { } s) return;
        if (spec is { ShareProcessNamespace: true, HostPID: true }) errors.InvalidAs(at["shareProcessNamespace"], "true", "ShareProcessNamespace and HostPID cannot both be enabled");
        User(at["runAsUser"], s.RunAsUser, errors);
        User(at["runAsGroup"], s.RunAsGroup, errors);
        User(at["fsGroup"], s.FsGroup, errors);
        for (int i = 0; i < s.SupplementalGroups.Count; i++) User(at["supplementalGroups"][i], s.SupplementalGroups[i], errors);
        if (s.FsGroupChangePolicy is { } change) errors.OneOf(at["fsGroupChangePolicy"], change, "Always", "OnRootMismatch");
        Seccomp(at["seccompProfile"], s.SeccompProfile, errors);
        var names = new HashSet<string>();
        for (int i = 0; i < s.Sysctls.Count; i++)
        {
            var (here, sysctl) = (at["sysctls"][i]["name"], s.Sysctls[i]);
            if (sysctl.Name.Length == 0) errors.Required(here);
            else if (sysctl.Name.Length > MaxSysctl || !SysctlName().IsMatch(sysctl.Name))
                errors.Invalid(here, sysctl.Name, $"must have at most {MaxSysctl} characters and match regex {SysctlForm}");
            else if (!names.Add(sysctl.Name)) errors.Duplicate(here, sysctl.Name);
        }
    }

    public static void Container(FieldPath at, SecurityContext s, Errors errors)
    {
        User(at["runAsUser"], s.RunAsUser, errors);
        User(at["runAsGroup"], s.RunAsGroup, errors);
        if (s.ProcMount is { } mount) errors.OneOf(at["procMount"], mount, "Default", "Unmasked");
        Seccomp(at["seccompProfile"], s.SeccompProfile, errors);
        if (s.AllowPrivilegeEscalation != false) return;
        if (s.Privileged == true) errors.InvalidAs(at, Shown.Message(s), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        if (s.Capabilities is { } capabilities && capabilities.Add.Contains("CAP_SYS_ADMIN"))
            errors.InvalidAs(at, Shown.Message(s), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }

    static void User(FieldPath at, long? id, Errors errors)
    {
        if (id is { } number) errors.Between(at, number, 0, int.MaxValue);
    }

    static void Seccomp(FieldPath at, SeccompProfile? profile, Errors errors)
    {
        if (profile is null) return;
        errors.RequiredOneOf(at["type"], profile.Type, "Localhost", "RuntimeDefault", "Unconfined");
        if (profile.Type == "Localhost")
        {
            if (string.IsNullOrEmpty(profile.LocalhostProfile)) errors.Required(at["localhostProfile"], "must be set when seccomp type is Localhost");
        }
        else if (profile.LocalhostProfile is { } local) errors.Invalid(at["localhostProfile"], local, "can only be set when seccomp type is Localhost");
    }
}
