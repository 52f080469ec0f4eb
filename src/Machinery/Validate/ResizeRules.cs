using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>How a Pod's amounts may change while it runs (KEP-1287): cpu and memory of what keeps running, and not so far that its class of service would be another.</summary>
static class ResizeRules
{
    public static void Check(Pod pod, Pod old, Errors errors)
    {
        var at = FieldPath.Spec;
        if (old.Metadata.Annotations.ContainsKey("kubernetes.io/config.mirror")) { errors.Forbidden(FieldPath.Of(""), "static pods cannot be resized"); return; }
        if (old.Spec.Os?.Name == "windows") { errors.Forbidden(FieldPath.Of(""), "windows pods cannot be resized"); return; }
        SameNames(at["containers"], pod.Spec.Containers, old.Spec.Containers, errors);
        SameNames(at["initContainers"], pod.Spec.InitContainers, old.Spec.InitContainers, errors);
        if (errors.Count > 0) return;
        PodRules.Amounts(at, pod.Spec, errors);
        string was = old.Status.QosClass.Length > 0 ? old.Status.QosClass : ServiceClass.Of(old.Spec);
        if (ServiceClass.Of(pod.Spec) != was) errors.Invalid(at, was, "Pod QOS Class may not change as a result of resizing");
        for (int i = 0; i < pod.Spec.Containers.Count; i++) Resources(at["containers"][i]["resources"], pod.Spec.Containers[i].Resources, old.Spec.Containers[i].Resources, errors);
        for (int i = 0; i < pod.Spec.InitContainers.Count; i++)
        {
            var (here, now, before) = (at["initContainers"][i], pod.Spec.InitContainers[i], old.Spec.InitContainers[i]);
            if (before.RestartPolicy == "Always") Resources(here["resources"], now.Resources, before.Resources, errors);
            else if (now.Resources != before.Resources) errors.Forbidden(here["resources"], "resources for non-sidecar init containers are immutable");
        }
        Resources(at["resources"], pod.Spec.Resources ?? ResourceRequirements.Empty, old.Spec.Resources ?? ResourceRequirements.Empty, errors); // KEP-5419: they may come, not go
    }

    static void SameNames(FieldPath at, Seq<Container> now, Seq<Container> was, Errors errors)
    {
        if (now.Count != was.Count) { errors.Forbidden(at, "containers may not be added or removed on resize"); return; }
        for (int i = 0; i < now.Count; i++) if (now[i].Name != was[i].Name) errors.Forbidden(at[i]["name"], "containers may not be renamed or reordered on resize");
    }

    static void Resources(FieldPath at, ResourceRequirements now, ResourceRequirements was, Errors errors)
    {
        if (now == was) return;
        Amounts(at["limits"], now.Limits, was.Limits, "resource limits cannot be removed", errors);
        Amounts(at["requests"], now.Requests, was.Requests, "resource requests cannot be removed", errors);
        if (now.Claims != was.Claims) errors.Forbidden(at["claims"], "only cpu and memory resources are mutable");
    }

    static void Amounts(FieldPath at, Map<Quantity> now, Map<Quantity> was, string removed, Errors errors)
    {
        foreach (var (name, quantity) in was)
            if (!now.TryGet(name, out var left)) errors.Forbidden(at, removed);
            else if (left != quantity && name is not ("cpu" or "memory")) errors.Forbidden(at, "only cpu and memory resources are mutable");
        foreach (var (name, _) in now)
            if (!was.ContainsKey(name) && name is not ("cpu" or "memory")) errors.Forbidden(at, "only cpu and memory resources are mutable");
    }
}
