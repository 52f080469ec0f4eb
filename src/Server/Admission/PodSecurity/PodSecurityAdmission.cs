using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>Holds Pods to the level that their namespace's labels demand; what makes Pods is warned about and noted, never refused (KEP-2579).</summary>
sealed class PodSecurityAdmission(ServedObjects objects, PodSecurityOptions options) : IValidates
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
            case Pod pod when request.OldObject is not Pod old || request.Operation == Operation.Create || PodSecurityChange.Matters(pod, old):
                await EvaluateAsync(request, pod.Metadata, pod.Spec, enforce: true, ct).ConfigureAwait(false);
                break;
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
