using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Admission.PodSecurity;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>Reads a PodSecurityConfiguration of pod-security.admission.config.k8s.io.</summary>
static class PodSecurityConfiguration
{
    public static PodSecurityOptions Of(JsonObject config)
    {
        if (config.Count == 0) return new();
        string version = ConfigValue.Text(config["apiVersion"]);
        if (version is not ("pod-security.admission.config.k8s.io/v1" or "pod-security.admission.config.k8s.io/v1beta1" or "pod-security.admission.config.k8s.io/v1alpha1") || ConfigValue.Text(config["kind"]) != "PodSecurityConfiguration")
            throw new FormatException($"no kind \"{ConfigValue.Text(config["kind"])}\" in version \"{version}\"");
        var (defaults, exempt) = (ConfigValue.Map(config["defaults"], "defaults"), ConfigValue.Map(config["exemptions"], "exemptions"));
        return new()
        {
            Defaults = new(Profile(defaults, "enforce"), Profile(defaults, "audit"), Profile(defaults, "warn")),
            Usernames = Names(exempt, "usernames"), RuntimeClasses = Names(exempt, "runtimeClasses"), Namespaces = Names(exempt, "namespaces"),
        };
    }

    static SecurityProfile Profile(JsonObject defaults, string mode)
    {
        string level = ConfigValue.Text(defaults[mode]), version = ConfigValue.Text(defaults[mode + "-version"]);
        return new(level.Length == 0 ? SecurityLevel.Privileged : SecurityProfile.ParseLevel(level) ?? throw new FormatException($"defaults.{mode}: Invalid value: \"{level}\": must be one of privileged, baseline, restricted"),
            version.Length == 0 ? SecurityProfile.Latest : SecurityProfile.ParseVersion(version) ?? throw new FormatException($"defaults.{mode}-version: Invalid value: \"{version}\": must be \"latest\" or \"v1.x\""));
    }

    static Seq<string> Names(JsonObject exempt, string name)
    {
        string[] names = ConfigValue.Strings(exempt[name], "exemptions." + name);
        return names.Distinct().Count() == names.Length ? names.ToSeq() : throw new FormatException($"exemptions.{name}: Duplicate value");
    }
}
