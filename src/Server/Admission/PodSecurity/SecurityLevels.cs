using Hanbae.Api;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>How much a Pod may ask for; the stricter, the larger.</summary>
public enum SecurityLevel : byte { Privileged, Baseline, Restricted }

/// <summary>A level as it was in a minor version of Kubernetes, so that an upgrade does not forbid what ran before.</summary>
/// <param name="Minor"><see cref="Latest"/> for whatever this server knows.</param>
public readonly record struct SecurityProfile(SecurityLevel Level, int Minor = SecurityProfile.Latest)
{
    public const int Latest = int.MaxValue;

    public static string NameOf(SecurityLevel level) => level switch { SecurityLevel.Privileged => "privileged", SecurityLevel.Baseline => "baseline", _ => "restricted" };

    public static SecurityLevel? ParseLevel(string text) => text switch { "privileged" => SecurityLevel.Privileged, "baseline" => SecurityLevel.Baseline, "restricted" => SecurityLevel.Restricted, _ => null };

    public static int? ParseVersion(string text)
    {
        if (text == "latest") return Latest;
        var minor = text.AsSpan();
        return minor.StartsWith("v1.") && minor[3..] is { Length: > 0 and < 9 } digits && !digits.ContainsAnyExceptInRange('0', '9')
            && (digits.Length == 1 || digits[0] != '0') ? int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    public override string ToString() => NameOf(Level) + ":" + (Minor == Latest ? "latest" : "v1." + Minor);
}

/// <summary>What a namespace demands of its Pods: to be, to be warned about, to be noted.</summary>
public readonly record struct SecurityModes(SecurityProfile Enforce, SecurityProfile Audit, SecurityProfile Warn)
{
    const string Prefix = "pod-security.kubernetes.io/";

    /// <summary>What the labels say; where they are silent, the defaults. Of what they say wrongly the strictest is taken to be enforced, nothing else.</summary>
    public static (SecurityModes Modes, IReadOnlyList<FieldError> Errors) Of(Map<string> labels, SecurityModes defaults)
    {
        if (!Speak(labels)) return (defaults, []);
        var errors = new List<FieldError>();
        SecurityProfile Read(string mode, SecurityProfile profile, SecurityLevel wrong)
        {
            if (labels.TryGet(Prefix + mode, out string? level)) profile = profile with { Level = SecurityProfile.ParseLevel(level) ?? Wrong(mode, level, "must be one of privileged, baseline, restricted", wrong) };
            if (labels.TryGet(Prefix + mode + "-version", out string? version))
                profile = profile with { Minor = SecurityProfile.ParseVersion(version) ?? Wrong(mode + "-version", version, "must be \"latest\" or \"v1.x\"", SecurityProfile.Latest) };
            return profile;
        }
        T Wrong<T>(string label, string value, string why, T instead)
        {
            errors.Add(FieldError.Invalid($"metadata.labels[{Prefix}{label}]", value, why));
            return instead;
        }
        return (new(
            Read("enforce", defaults.Enforce, SecurityLevel.Restricted), Read("audit", defaults.Audit, SecurityLevel.Privileged), Read("warn", defaults.Warn, SecurityLevel.Privileged)), errors);
    }

    /// <summary>Most namespaces' labels say nothing of this.</summary>
    static bool Speak(Map<string> labels)
    {
        foreach (var (name, _) in labels) if (name.StartsWith(Prefix, StringComparison.Ordinal)) return true;
        return false;
    }
}
