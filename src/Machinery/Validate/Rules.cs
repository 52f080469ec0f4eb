using Hanbae.Api;
using Apps = Hanbae.Api.Apps.V1;
using Autoscaling = Hanbae.Api.Autoscaling.V2;
using Batch = Hanbae.Api.Batch.V1;
using Coordination = Hanbae.Api.Coordination.V1;
using Core = Hanbae.Api.Core.V1;
using Discovery = Hanbae.Api.Discovery.V1;
using Networking = Hanbae.Api.Networking.V1;
using Policy = Hanbae.Api.Policy.V1;
using Rbac = Hanbae.Api.Rbac.V1;
using Scheduling = Hanbae.Api.Scheduling.V1;
using Storage = Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What upstream finds wrong with objects, kind by kind. Kinds without rules of their own have those of their metadata.</summary>
public static class Rules
{
    /// <param name="obj">Defaulted, with name and namespace.</param>
    /// <param name="namespaced">Whether the kind's objects are in namespaces.</param>
    public static IReadOnlyList<FieldError> Create(IObject obj, bool namespaced)
    {
        var errors = new Errors();
        MetaRules.Create(obj.Metadata, namespaced, NameRule(obj), errors);
        Check(obj, errors);
        return errors;
    }

    /// <param name="subresource">Through which it changes; empty for the object itself.</param>
    public static IReadOnlyList<FieldError> Update(IObject obj, IObject old, string subresource)
    {
        var errors = new Errors();
        MetaRules.Update(obj.Metadata, old.Metadata, errors);
        if (subresource == "ephemeralcontainers" && obj is Core.Pod pod && old is Core.Pod was) PodUpdateRules.Ephemeral(pod, was, errors);
        if (subresource is not ("" or "scale")) return errors;
        Change(obj, old, errors);
        return errors;
    }

    static void Check(IObject obj, Errors errors)
    {
        switch (obj)
        {
            case Core.Pod o: PodRules.Create(o, errors); break;
            case Core.PodTemplate o: PodRules.Template(FieldPath.Of("template"), o.Template, errors); break;
            case Core.ReplicationController o: WorkloadRules.Check(o, errors); break;
            case Core.Service o: ServiceRules.Check(o, errors); break;
            case Core.Endpoints o: NetworkRules.Check(o, errors); break;
            case Core.ConfigMap o: ConfigRules.Check(o, errors); break;
            case Core.Secret o: ConfigRules.Check(o, errors); break;
            case Core.PersistentVolume o: StorageRules.Check(o, errors); break;
            case Core.PersistentVolumeClaim o: StorageRules.Check(o, errors); break;
            case Core.LimitRange o: PolicyRules.Check(o, errors); break;
            case Core.ResourceQuota o: PolicyRules.Check(o, errors); break;
            case Core.Node o: NodeRules.Check(o, errors); break;
            case Apps.Deployment o: WorkloadRules.Check(o, errors); break;
            case Apps.ReplicaSet o: WorkloadRules.Check(o, errors); break;
            case Apps.StatefulSet o: WorkloadRules.Check(o, errors); break;
            case Apps.DaemonSet o: WorkloadRules.Check(o, errors); break;
            case Batch.Job o: JobRules.Check(o, errors); break;
            case Batch.CronJob o: JobRules.Check(o, errors); break;
            case Autoscaling.HorizontalPodAutoscaler o: PolicyRules.Check(o, errors); break;
            case Coordination.Lease o: PolicyRules.Check(o, errors); break;
            case Discovery.EndpointSlice o: NetworkRules.Check(o, errors); break;
            case Networking.Ingress o: NetworkRules.Check(o, errors); break;
            case Networking.NetworkPolicy o: NetworkRules.Check(o, errors); break;
            case Policy.PodDisruptionBudget o: PolicyRules.Check(o, errors); break;
            case Rbac.Role o: PolicyRules.Rules(o.Rules, true, errors); break;
            case Rbac.ClusterRole o: PolicyRules.Rules(o.Rules, false, errors); break;
            case Rbac.RoleBinding o: PolicyRules.Binding(o.RoleRef, o.Subjects, true, errors); break;
            case Rbac.ClusterRoleBinding o: PolicyRules.Binding(o.RoleRef, o.Subjects, false, errors); break;
            case Scheduling.PriorityClass o: PolicyRules.Check(o, errors); break;
            case Storage.StorageClass o: StorageRules.Check(o, errors); break;
        }
    }

    static void Change(IObject obj, IObject old, Errors errors)
    {
        switch (obj, old)
        {
            case (Core.Pod o, Core.Pod was): PodUpdateRules.Update(o, was, errors); return;
            case (Core.Service o, Core.Service was): ServiceRules.Update(o, was, errors); return;
            case (Core.ConfigMap o, Core.ConfigMap was): ConfigRules.Update(o, was, errors); return;
            case (Core.Secret o, Core.Secret was): ConfigRules.Update(o, was, errors); return;
            case (Core.PersistentVolumeClaim o, Core.PersistentVolumeClaim was): StorageRules.Update(o, was, errors); return;
            case (Core.Node o, Core.Node was): NodeRules.Update(o, was, errors); return;
            case (Apps.Deployment o, Apps.Deployment was): WorkloadRules.SameSelector(o.Spec.Selector, was.Spec.Selector, errors); break;
            case (Apps.ReplicaSet o, Apps.ReplicaSet was): WorkloadRules.SameSelector(o.Spec.Selector, was.Spec.Selector, errors); break;
            case (Apps.DaemonSet o, Apps.DaemonSet was): WorkloadRules.SameSelector(o.Spec.Selector, was.Spec.Selector, errors); break;
            case (Apps.StatefulSet o, Apps.StatefulSet was): WorkloadRules.Update(o, was, errors); return;
            case (Batch.Job o, Batch.Job was): JobRules.Update(o, was, errors); return;
            case (Rbac.RoleBinding o, Rbac.RoleBinding was): PolicyRules.SameRole(o.RoleRef, was.RoleRef, errors); break;
            case (Rbac.ClusterRoleBinding o, Rbac.ClusterRoleBinding was): PolicyRules.SameRole(o.RoleRef, was.RoleRef, errors); break;
            case (Scheduling.PriorityClass o, Scheduling.PriorityClass was): PolicyRules.Update(o, was, errors); return;
            case (Storage.StorageClass o, Storage.StorageClass was): StorageRules.Update(o, was, errors); return;
            case (Discovery.EndpointSlice o, Discovery.EndpointSlice was): errors.Unchanged(FieldPath.Of("addressType"), o.AddressType, was.AddressType); break;
        }
        // An update that changes nothing but metadata was looked at when it was created.
        Check(obj, errors);
    }

    static Func<string, IReadOnlyList<string>> NameRule(IObject obj) => obj switch
    {
        Core.Namespace => Names.Label,
        Core.Service => Names.Label1035,
        Core.Pod or Core.PodTemplate or Core.ReplicationController or Core.Endpoints or Core.ConfigMap or Core.Secret or Core.PersistentVolume or Core.PersistentVolumeClaim
            or Core.LimitRange or Core.ResourceQuota or Core.ServiceAccount or Core.Node or Apps.Deployment or Apps.ReplicaSet or Apps.StatefulSet or Apps.DaemonSet
            or Apps.ControllerRevision or Batch.Job or Batch.CronJob or Autoscaling.HorizontalPodAutoscaler or Coordination.Lease or Discovery.EndpointSlice or Networking.Ingress
            or Networking.IngressClass or Networking.NetworkPolicy or Policy.PodDisruptionBudget or Scheduling.PriorityClass or Storage.StorageClass or Storage.CSINode => Names.Subdomain,
        // The registry has looked at what a path can hold.
        _ => static _ => [],
    };
}
