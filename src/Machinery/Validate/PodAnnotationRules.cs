using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Validate;

/// <summary>Annotations of Pods that mean something: those that were there before the fields, and what a Pod's end would cost.</summary>
static class PodAnnotationRules
{
    const string Tolerations = "scheduler.alpha.kubernetes.io/tolerations", Cost = "controller.kubernetes.io/pod-deletion-cost";
    const string SeccompPod = "seccomp.security.alpha.kubernetes.io/pod", SeccompContainer = "container.seccomp.security.alpha.kubernetes.io/", AppArmor = "container.apparmor.security.beta.kubernetes.io/";

    public static void Check(FieldPath at, Map<string> annotations, PodSpec spec, Errors errors)
    {
        if (annotations.IsEmpty) return;
        if (annotations[Tolerations] is { Length: > 0 } tolerations && !IsArray(tolerations)) errors.Invalid(at, Tolerations, "must be a list of tolerations");
        foreach (var (key, value) in annotations)
        {
            if (key == SeccompPod || key.StartsWith(SeccompContainer, StringComparison.Ordinal)) Seccomp(at[key], value, errors);
            if (!key.StartsWith(AppArmor, StringComparison.Ordinal)) continue;
            string name = key[AppArmor.Length..];
            if (!Containers(at, spec).Any(c => c.Name == name)) errors.Invalid(at.Key(key), name, "container not found");
            if (value is not ("" or "runtime/default" or "unconfined") && !value.StartsWith("localhost/", StringComparison.Ordinal))
                errors.Invalid(at.Key(key), value, $"invalid AppArmor profile name: {FieldError.Quoted(value)}");
        }
        if (annotations[Cost] is { } cost && !IsNumber(cost)) errors.Invalid(at.Key(Cost), cost, "must be a 32bit integer");
    }

    /// <summary>As the controllers read it: no plus sign, no zero before others.</summary>
    static bool IsNumber(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) && text[0] != '+' && !(text.Length > 1 && text[0] == '0') && !text.StartsWith("-0", StringComparison.Ordinal);

    static bool IsArray(string text)
    {
        try { return JsonValue.Parse(text) is JsonArray; }
        catch (JsonSyntaxException) { return false; }
    }

    static void Seccomp(FieldPath at, string profile, Errors errors)
    {
        if (profile is "runtime/default" or "docker/default" or "unconfined") return;
        if (profile.StartsWith("localhost/", StringComparison.Ordinal)) VolumeRules.RelativePath(at, profile["localhost/".Length..], errors);
        else errors.Invalid(at, profile, "must be a valid seccomp profile");
    }

    /// <summary>Where both are set, field and annotation have to say the same.</summary>
    public static void Agree(FieldPath at, Map<string> annotations, PodSpec spec, Errors errors)
    {
        if (annotations.IsEmpty) return;
        Agree(at["securityContext"]["seccompProfile"], annotations[SeccompPod], spec.SecurityContext?.SeccompProfile?.Type, spec.SecurityContext?.SeccompProfile?.LocalhostProfile, "seccomp", errors);
        foreach (var (here, name, security) in Containers(at, spec))
        {
            Agree(here["securityContext"]["seccompProfile"], annotations[SeccompContainer + name], security?.SeccompProfile?.Type, security?.SeccompProfile?.LocalhostProfile, "seccomp", errors);
            if (spec.Os?.Name == "windows") continue;
            var armor = security?.AppArmorProfile ?? spec.SecurityContext?.AppArmorProfile;
            Agree(here["securityContext"]["appArmorProfile"], annotations[AppArmor + name], armor?.Type, armor?.LocalhostProfile, "apparmor", errors);
        }
    }

    static void Agree(FieldPath at, string? annotation, string? type, string? profile, string what, Errors errors)
    {
        if (annotation is null || type is null) return;
        bool same = type switch
        {
            "Unconfined" => annotation == "unconfined",
            "RuntimeDefault" => annotation == "runtime/default" || what == "seccomp" && annotation == "docker/default",
            "Localhost" => annotation.StartsWith("localhost/", StringComparison.Ordinal),
            _ => true,
        };
        if (!same) errors.Forbidden(at["type"], what + " type in annotation and field must match");
        else if (type == "Localhost" && annotation["localhost/".Length..] != profile) errors.Forbidden(at["localhostProfile"], what + " profile in annotation and field must match");
    }

    /// <summary>Containers of all three sorts.</summary>
    public static IEnumerable<(FieldPath At, string Name, SecurityContext? Security)> Containers(FieldPath at, PodSpec spec) =>
        spec.InitContainers.Select((c, i) => (at["initContainers"][i], c.Name, c.SecurityContext))
            .Concat(spec.Containers.Select((c, i) => (at["containers"][i], c.Name, c.SecurityContext)))
            .Concat(spec.EphemeralContainers.Select((c, i) => (at["ephemeralContainers"][i], c.Name, c.SecurityContext)));
}
