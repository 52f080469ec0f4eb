using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What only one of the two systems knows, and what Windows is told.</summary>
static partial class WindowsRules
{
    const int MostSpecBytes = 64 * 1024, LongestDomain = 256, LongestUser = 104;

    [GeneratedRegex(@"^[^\\/:\*\?""<>|\.][^\\/:\*\?""<>|]{0,14}$")]
    private static partial Regex NetBios();
    [GeneratedRegex(@"^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$")]
    private static partial Regex Domain();

    public static void Options(FieldPath at, WindowsSecurityContextOptions? options, Errors errors)
    {
        if (options is null) return;
        if (options.GmsaCredentialSpecName is { } name) errors.Invalid(at["gmsaCredentialSpecName"], name, Names.Subdomain(name));
        if (options.GmsaCredentialSpec is "") errors.Invalid(at["gmsaCredentialSpec"], "", "gmsaCredentialSpec cannot be an empty string");
        else if (options.GmsaCredentialSpec?.Length > MostSpecBytes) errors.Invalid(at["gmsaCredentialSpec"], options.GmsaCredentialSpec, $"gmsaCredentialSpec size must be under {MostSpecBytes / 1024} KiB");
        if (options.RunAsUserName is { } user) User(at["runAsUserName"], user, errors);
    }

    static void User(FieldPath at, string full, Errors errors)
    {
        string[] parts = full.Split('\\');
        if (full.Length == 0) errors.Invalid(at, full, "runAsUserName cannot be an empty string");
        else if (full.Any(char.IsControl)) errors.Invalid(at, full, "runAsUserName cannot contain control characters");
        else if (parts.Length > 2) errors.Invalid(at, full, "runAsUserName cannot contain more than one backslash");
        else
        {
            string user = parts[^1];
            if (parts.Length == 2 && parts[0].Length >= LongestDomain) errors.Invalid(at, full, $"runAsUserName's Domain length must be under {LongestDomain} characters");
            if (parts.Length == 2 && !NetBios().IsMatch(parts[0]) && !Domain().IsMatch(parts[0])) errors.Invalid(at, full, "runAsUserName's Domain doesn't match the NetBios nor the DNS format");
            if (user.Length == 0) errors.Invalid(at, full, "runAsUserName's User cannot be empty");
            else if (user.Length > LongestUser) errors.Invalid(at, full, $"runAsUserName's User length must not be longer than {LongestUser} characters");
            if (user.Length > 0 && user.All(c => c is '.' or ' ')) errors.Invalid(at, full, "runAsUserName's User cannot contain only periods or spaces");
            if (user.AsSpan().ContainsAny("\"/\\:;|=,+*?<>@[]")) errors.Invalid(at, full, "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
        }
    }

    /// <summary>Either all containers are processes of the node, or none is.</summary>
    public static void HostProcess(FieldPath at, PodSpec spec, Errors errors)
    {
        bool? whole = spec.SecurityContext?.WindowsOptions?.HostProcess;
        if (whole is null && !spec.Containers.Exists(Asks) && !spec.InitContainers.Exists(Asks)) return;
        static bool Asks(Container c) => c.SecurityContext?.WindowsOptions is not null;
        int all = 0, processes = 0;
        foreach (var (here, _, security) in PodAnnotationRules.Containers(at, spec))
        {
            all++;
            bool? own = security?.WindowsOptions?.HostProcess;
            if (whole is { } same && own is { } other && same != other)
                errors.InvalidAs(here["securityContext"]["windowsOptions"]["hostProcess"], Shown.Bool(other), $"pod hostProcess value must be identical if both are specified, was {Shown.Bool(same)}");
            if (own ?? whole ?? false) processes++;
        }
        if (processes == 0) return;
        if (processes != all) errors.Invalid(at, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
        if (!spec.HostNetwork) errors.InvalidAs(at["hostNetwork"], "false", "hostNetwork must be true if pod contains any hostProcess containers");
    }

    public static void Check(FieldPath at, PodSpec spec, string os, Errors errors)
    {
        var (pod, containers) = (spec.SecurityContext, PodAnnotationRules.Containers(at, spec));
        if (os == "linux")
        {
            const string not = "windows options cannot be set for a linux pod";
            if (pod?.WindowsOptions is not null) errors.Forbidden(at["securityContext"]["windowsOptions"], not);
            foreach (var (here, _, security) in containers)
                if (security?.WindowsOptions is not null) errors.Forbidden(here["securityContext"]["windowsOptions"], not);
        }
        if (os != "windows") return;
        None(at, errors, ("hostUsers", spec.HostUsers is not null), ("hostPID", spec.HostPID), ("hostIPC", spec.HostIPC), ("shareProcessNamespace", spec.ShareProcessNamespace is not null));
        if (pod is not null)
            None(at["securityContext"], errors, ("appArmorProfile", pod.AppArmorProfile is not null), ("seLinuxOptions", pod.SeLinuxOptions is not null), ("seccompProfile", pod.SeccompProfile is not null),
                ("fsGroup", pod.FsGroup is not null), ("fsGroupChangePolicy", pod.FsGroupChangePolicy is not null), ("sysctls", !pod.Sysctls.IsEmpty), ("runAsUser", pod.RunAsUser is not null),
                ("runAsGroup", pod.RunAsGroup is not null), ("supplementalGroups", !pod.SupplementalGroups.IsNil), ("supplementalGroupsPolicy", pod.SupplementalGroupsPolicy is not null),
                ("seLinuxChangePolicy", pod.SeLinuxChangePolicy is not null));
        foreach (var (here, _, c) in containers)
            if (c is not null)
                None(here["securityContext"], errors, ("appArmorProfile", c.AppArmorProfile is not null), ("seLinuxOptions", c.SeLinuxOptions is not null), ("seccompProfile", c.SeccompProfile is not null),
                    ("capabilities", c.Capabilities is not null), ("readOnlyRootFilesystem", c.ReadOnlyRootFilesystem is not null), ("privileged", c.Privileged is not null),
                    ("allowPrivilegeEscalation", c.AllowPrivilegeEscalation is not null), ("procMount", c.ProcMount is not null), ("runAsUser", c.RunAsUser is not null), ("runAsGroup", c.RunAsGroup is not null));
    }

    static void None(FieldPath at, Errors errors, params ReadOnlySpan<(string Name, bool Set)> fields)
    {
        foreach (var (name, set) in fields)
            if (set) errors.Forbidden(at[name], "cannot be set for a windows pod");
    }
}
