using Hanbae.Api;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What belongs to the cluster as such: namespaces' finalizers, API services, runtime classes.</summary>
static class ClusterRules
{
    const int LargestGroupPriority = 20_000, LargestVersionPriority = 1000;

    public static void Check(Namespace o, Errors errors)
    {
        foreach (string finalizer in o.Spec.Finalizers) Finalizer(FieldPath.Spec["finalizers"], finalizer, errors);
    }

    public static void Part(Namespace o, Namespace old, string subresource, Errors errors)
    {
        if (subresource == "finalize")
            for (int i = 0; i < o.Spec.Finalizers.Count; i++) Finalizer(FieldPath.Spec["finalizers"][i], o.Spec.Finalizers[i], errors);
        if (subresource != "status") return;
        bool ends = o.Metadata.DeletionTimestamp is not null;
        string phase = ends ? "Terminating" : "Active";
        if (o.Status.Phase != phase) errors.Invalid(FieldPath.Of("status")["Phase"], o.Status.Phase, $"may only be '{phase}' if `deletionTimestamp` is {(ends ? "not " : "")}empty");
    }

    static void Finalizer(FieldPath at, string name, Errors errors)
    {
        errors.Invalid(at, name, LabelSyntax.KeyErrors(name));
        if (!name.Contains('/') && name is not ("kubernetes" or "orphan" or "foregroundDeletion")) errors.Invalid(at, name, "name is neither a standard finalizer name nor is it fully qualified");
    }

    public static void Check(APIService o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        string name = s.Version + "." + s.Group;
        if (o.Metadata.Name != name) errors.Invalid(FieldPath.Metadata["name"], o.Metadata.Name, $"must be `spec.version+\".\"+spec.group`: {FieldError.Quoted(name)}");
        if (s.Group.Length > 0) errors.Invalid(at["group"], s.Group, Names.Subdomain(s.Group));
        errors.Invalid(at["version"], s.Version, Names.Label1035(s.Version));
        if (s.GroupPriorityMinimum is <= 0 or > LargestGroupPriority) errors.Invalid(at["groupPriorityMinimum"], s.GroupPriorityMinimum, "must be positive and less than 20000");
        if (s.VersionPriority is <= 0 or > LargestVersionPriority) errors.Invalid(at["versionPriority"], s.VersionPriority, "must be positive and less than 1000");
        if (s.Service is not { } service)
        {
            if (!s.CaBundle.IsNil && s.CaBundle.Length > 0) errors.Invalid(at["caBundle"], $"{s.CaBundle.Length} bytes", "local APIServices may not have a caBundle");
            if (s.InsecureSkipTLSVerify) errors.InvalidAs(at["insecureSkipTLSVerify"], "true", "local APIServices may not have insecureSkipTLSVerify");
            return;
        }
        if (service.Namespace.Length == 0) errors.Required(at["service"]["namespace"]);
        if (service.Name.Length == 0) errors.Required(at["service"]["name"]);
        if (service.Port is { } port and (< 1 or > 65535)) errors.Invalid(at["service"]["port"], port, "port is not valid: must be between 1 and 65535, inclusive");
        if (s.InsecureSkipTLSVerify && s.CaBundle.Length > 0) errors.InvalidAs(at["insecureSkipTLSVerify"], "true", "may not be true if caBundle is present");
    }

    public static void Check(RuntimeClass o, Errors errors)
    {
        if (o.Handler.Length == 0) errors.Required(FieldPath.Of("handler"));
        else errors.Invalid(FieldPath.Of("handler"), o.Handler, Names.Label(o.Handler));
        if (o.Overhead is { } overhead) ResourceRules.Amounts(FieldPath.Of("overhead")["podFixed"], new() { Limits = overhead.PodFixed }, ResourceRules.Container, errors);
        if (o.Scheduling is not { } scheduling) return;
        LabelRules.Labels(FieldPath.Of("scheduling")["nodeSelector"], scheduling.NodeSelector, errors);
        SchedulingRules.Tolerations(FieldPath.Of("scheduling")["tolerations"], scheduling.Tolerations, errors);
    }

    public static void Update(RuntimeClass o, RuntimeClass old, Errors errors) => errors.Unchanged(FieldPath.Of("handler"), o.Handler, old.Handler);
}
