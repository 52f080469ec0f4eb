using Hanbae.Api;
using Hanbae.Server.Admission.PodSecurity;
using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>Reads a PodSecurityConfiguration of pod-security.admission.config.k8s.io.</summary>
static class PodSecurityConfiguration
{
    public static PodSecurityOptions Of(ConfigNode config)
    {
        if (config.IsEmpty) return new();
        config.Is("PodSecurityConfiguration", "pod-security.admission.config.k8s.io/v1", "pod-security.admission.config.k8s.io/v1beta1", "pod-security.admission.config.k8s.io/v1alpha1");
        var (defaults, exempt) = (config.Object("defaults"), config.Object("exemptions"));
        return new()
        {
            Defaults = new(Profile(defaults, "enforce"), Profile(defaults, "audit"), Profile(defaults, "warn")),
            Usernames = Names(exempt, "usernames"), RuntimeClasses = Names(exempt, "runtimeClasses"), Namespaces = Names(exempt, "namespaces"),
        };
    }

    static SecurityProfile Profile(ConfigNode defaults, string mode)
    {
        string level = defaults.Text(mode), version = defaults.Text(mode + "-version");
        return new(level.Length == 0 ? SecurityLevel.Privileged
            : SecurityProfile.ParseLevel(level) ?? throw new FormatException($"defaults.{mode}: Invalid value: \"{level}\": must be one of privileged, baseline, restricted"),
            version.Length == 0 ? SecurityProfile.Latest : SecurityProfile.ParseVersion(version) ?? throw new FormatException($"defaults.{mode}-version: Invalid value: \"{version}\": must be \"latest\" or \"v1.x\""));
    }

    static Seq<string> Names(ConfigNode exempt, string name)
    {
        var names = exempt.Texts(name);
        return names.Distinct().Count() == names.Count ? names.ToSeq() : throw new FormatException($"exemptions.{name}: Duplicate value");
    }
}
