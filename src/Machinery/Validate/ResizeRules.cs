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
        if (!Same(pod.Spec.Containers, old.Spec.Containers) || !Same(pod.Spec.InitContainers, old.Spec.InitContainers))
        {
            errors.Forbidden(at, "spec.containers and spec.initContainers may not be added, removed, renamed or reordered by a resize");
            return;
        }
        PodRules.Amounts(at, pod.Spec, errors);
        string was = old.Status.QosClass.Length > 0 ? old.Status.QosClass : ServiceClass.Of(old.Spec);
        if (ServiceClass.Of(pod.Spec) != was) errors.Invalid(at, was, "Pod QOS Class may not change as a result of resizing");
        for (int i = 0; i < pod.Spec.Containers.Count; i++) Container(at["containers"][i], pod.Spec.Containers[i], old.Spec.Containers[i], errors);
        for (int i = 0; i < pod.Spec.InitContainers.Count; i++)
        {
            var (here, now, before) = (at["initContainers"][i], pod.Spec.InitContainers[i], old.Spec.InitContainers[i]);
            if (before.RestartPolicy == "Always") Container(here, now, before, errors);
            else if (now.Resources != before.Resources) errors.Forbidden(here["resources"], "resources for non-restartable init containers are immutable");
        }
        if (pod.Spec.Resources != old.Spec.Resources && (pod.Spec.Resources is null) != (old.Spec.Resources is null))
            errors.Forbidden(at["resources"], "pod-level resources can not be added or removed by a resize");
    }

    static bool Same(Seq<Container> now, Seq<Container> was)
    {
        if (now.Count != was.Count) return false;
        for (int i = 0; i < now.Count; i++) if (now[i].Name != was[i].Name) return false;
        return true;
    }

    static void Container(FieldPath at, Container now, Container was, Errors errors)
    {
        if (now.Resources == was.Resources) return;
        Amounts(at["resources"]["limits"], now.Resources.Limits, was.Resources.Limits, "resource limits cannot be removed", errors);
        Amounts(at["resources"]["requests"], now.Resources.Requests, was.Resources.Requests, "resource requests cannot be removed", errors);
        if (now.Resources.Claims != was.Resources.Claims) errors.Forbidden(at["resources"]["claims"], "only cpu and memory resources are mutable");
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
