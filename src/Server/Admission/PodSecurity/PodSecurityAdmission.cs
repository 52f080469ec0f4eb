using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Holds Pods to the level that their namespace's labels demand; what makes Pods is warned about and noted, never refused (KEP-2579).</summary>
sealed class PodSecurityAdmission(ServedObjects objects, PodSecurityOptions options) : IAdmission
{
    const string Prefix = "pod-security.kubernetes.io/";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation is Operation.Create or Operation.Update && resource switch
    {
        { Group: "", Resource: "pods" } => subresource is not ("exec" or "attach" or "binding" or "eviction" or "log" or "portforward" or "proxy" or "status"),
        { Group: "", Resource: "namespaces" or "replicationcontrollers" or "podtemplates" } or { Group: "apps", Resource: "replicasets" or "deployments" or "statefulsets" or "daemonsets" }
            or { Group: "batch", Resource: "jobs" or "cronjobs" } => subresource.Length == 0,
        _ => false,
    };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        switch (request.Object)
        {
            case Namespace ns: await CheckNamespaceAsync(request, ns, ct).ConfigureAwait(false); break;
            case Pod pod when request.OldObject is not Pod old || request.Operation == Operation.Create || PodSecurityChange.Matters(pod, old): await EvaluateAsync(request, pod.Metadata, pod.Spec, enforce: true, ct).ConfigureAwait(false); break;
            case { } obj when TemplateOf(obj) is { } template: await EvaluateAsync(request, template.Metadata, template.Spec, enforce: false, ct).ConfigureAwait(false); break;
        }
    }

    static PodTemplateSpec? TemplateOf(IKind obj) => obj switch
    {
        PodTemplate o => o.Template, ReplicationController o => o.Spec.Template, ReplicaSet o => o.Spec.Template, Deployment o => o.Spec.Template, DaemonSet o => o.Spec.Template,
        StatefulSet o => o.Spec.Template, Job o => o.Spec.Template, CronJob o => o.Spec.JobTemplate.Spec.Template, _ => null,
    };

    async ValueTask EvaluateAsync(AdmissionRequest request, ObjectMeta meta, PodSpec spec, bool enforce, CancellationToken ct)
    {
        if (Exempt(request, spec) is { } why)
        {
            request.Audit.Add(Prefix + "exempt", why);
            return;
        }
        var ns = await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.Internal($"failed to lookup namespace \"{request.Namespace}\"");
        var (modes, errors) = SecurityModes.Of(ns.Metadata.Labels, options.Defaults);
        if (errors.Count > 0) request.Audit.Add(Prefix + "error", "Failed to parse policy: " + Together(errors));
        if (enforce) request.Audit.Add(Prefix + "enforce-policy", modes.Enforce.ToString());

        string? enforced = enforce ? Against(modes.Enforce, meta, spec) : null;
        if (Against(modes.Audit, meta, spec) is { } noted) request.Audit.Add(Prefix + "audit-violations", $"would violate PodSecurity \"{modes.Audit}\": {noted}");
        if (enforced is not null) throw Refuse.Because(request, $"violates PodSecurity \"{modes.Enforce}\": {enforced}");
        if (Against(modes.Warn, meta, spec) is { } warned) request.Warnings.Add($"would violate PodSecurity \"{modes.Warn}\": {warned}");
    }

    string? Exempt(AdmissionRequest request, PodSpec spec) =>
        options.Namespaces.Contains(request.Namespace) ? "namespace"
        : request.User.Name.Length > 0 && options.Usernames.Contains(request.User.Name) ? "user"
        : spec.RuntimeClassName is { Length: > 0 } name && options.RuntimeClasses.Contains(name) ? "runtimeClass" : null;

    static string? Against(SecurityProfile profile, ObjectMeta meta, PodSpec spec)
    {
        var found = PodChecks.Check(profile, meta, spec);
        return found.Count == 0 ? null : string.Join(", ", found.Select(v => $"{v.Reason} ({v.Detail})"));
    }

    static string Together(IReadOnlyList<Machinery.Validate.FieldError> errors) => errors.Count == 1 ? errors[0].ToString() : "[" + string.Join(", ", errors) + "]";

    async ValueTask CheckNamespaceAsync(AdmissionRequest request, Namespace ns, CancellationToken ct)
    {
        var (now, errors) = SecurityModes.Of(ns.Metadata.Labels, options.Defaults);
        var (was, before) = request.OldObject is Namespace old ? SecurityModes.Of(old.Metadata.Labels, options.Defaults) : (default, []);
        // What was wrong before may stay so, that the namespace can be changed in other ways.
        if (errors.Count > 0 && (request.Operation == Operation.Create || before.Count == 0 || Together(before) != Together(errors))) throw Statuses.Invalid(Namespace.Info.Gvk, ns.Metadata.Name, errors);
        if (request.Operation == Operation.Create || now.Enforce == was.Enforce || now.Enforce.Level == SecurityLevel.Privileged) return;
        if (now.Enforce.Minor == was.Enforce.Minor && now.Enforce.Level <= was.Enforce.Level || options.Namespaces.Contains(ns.Metadata.Name)) return;
        foreach (string warning in ExistingPods.Against(now.Enforce, ns.Metadata.Name, await objects.ListAsync<Pod>(ns.Metadata.Name, ct).ConfigureAwait(false), options.RuntimeClasses)) request.Warnings.Add(warning);
    }
}

/// <summary>Whether an update of a Pod changes anything that checks look at: of what can be changed, images and profiles.</summary>
static class PodSecurityChange
{
    const string SeccompPod = "seccomp.security.alpha.kubernetes.io/pod", SeccompContainer = "container.seccomp.security.alpha.kubernetes.io/", AppArmor = "container.apparmor.security.beta.kubernetes.io/";

    public static bool Matters(Pod pod, Pod old)
    {
        if (pod.Metadata.Annotations[SeccompPod] != old.Metadata.Annotations[SeccompPod]) return true;
        if (pod.Spec.Containers.Count != old.Spec.Containers.Count || pod.Spec.InitContainers.Count != old.Spec.InitContainers.Count) return true;
        bool Differs(string name, string image, string before) => image != before
            || pod.Metadata.Annotations[SeccompContainer + name] != old.Metadata.Annotations[SeccompContainer + name] || pod.Metadata.Annotations[AppArmor + name] != old.Metadata.Annotations[AppArmor + name];
        for (int i = 0; i < pod.Spec.Containers.Count; i++) if (Differs(pod.Spec.Containers[i].Name, pod.Spec.Containers[i].Image, old.Spec.Containers[i].Image)) return true;
        for (int i = 0; i < pod.Spec.InitContainers.Count; i++) if (Differs(pod.Spec.InitContainers[i].Name, pod.Spec.InitContainers[i].Image, old.Spec.InitContainers[i].Image)) return true;
        foreach (var c in pod.Spec.EphemeralContainers)
            if (old.Spec.EphemeralContainers.Find(o => o.Name == c.Name) is not { } was || Differs(c.Name, c.Image, was.Image)) return true;
        return false;
    }
}

/// <summary>Tells who changes a namespace's level which of its Pods could not be made any more.</summary>
static class ExistingPods
{
    /// <summary>As upstream: a namespace can have more Pods than anybody wants to wait for.</summary>
    const int Most = 3000;

    public static IEnumerable<string> Against(SecurityProfile profile, string ns, IReadOnlyList<Pod> pods, Seq<string> exemptClasses)
    {
        var found = new SortedDictionary<string, (string First, int Count)>(StringComparer.Ordinal);
        foreach (var pod in pods.Take(Most))
        {
            if (pod.Spec.RuntimeClassName is { } name && exemptClasses.Contains(name)) continue;
            var violations = PodChecks.Check(profile, pod.Metadata, pod.Spec);
            if (violations.Count == 0) continue;
            string why = string.Join(", ", violations.Select(v => v.Reason));
            var (first, count) = found.GetValueOrDefault(why, (pod.Metadata.Name, 0));
            found[why] = (string.CompareOrdinal(pod.Metadata.Name, first) < 0 ? pod.Metadata.Name : first, count + 1);
        }
        if (pods.Count > Most) yield return $"new PodSecurity enforce level only checked against the first {Most} of {pods.Count} existing pods";
        if (found.Count > 0) yield return $"existing pods in namespace \"{ns}\" violate the new PodSecurity enforce level \"{profile}\"";
        foreach (string line in found.Select(f => $"{f.Value.First}{(f.Value.Count switch { 1 => "", 2 => " (and 1 other pod)", var n => $" (and {n - 1} other pods)" })}: {f.Key}").Order(StringComparer.Ordinal)) yield return line;
    }
}
