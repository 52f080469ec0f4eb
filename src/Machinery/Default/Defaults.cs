using Hanbae.Api;
using Admission = Hanbae.Api.Admissionregistration.V1;
using Apps = Hanbae.Api.Apps.V1;
using Autoscaling = Hanbae.Api.Autoscaling.V2;
using AutoscalingV1 = Hanbae.Api.Autoscaling.V1;
using Batch = Hanbae.Api.Batch.V1;
using Certificates = Hanbae.Api.Certificates.V1beta1;
using Core = Hanbae.Api.Core.V1;
using Devices = Hanbae.Api.Resource.V1;
using Discovery = Hanbae.Api.Discovery.V1;
using Flow = Hanbae.Api.Flowcontrol.V1;
using Networking = Hanbae.Api.Networking.V1;
using Rbac = Hanbae.Api.Rbac.V1;
using Registration = Hanbae.Api.Apiregistration.V1;
using Scheduling = Hanbae.Api.Scheduling.V1;
using Storage = Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Fills in what an object leaves out, as upstream's defaulting does for every body that it reads.</summary>
public static class Defaults
{
    /// <summary>The object with defaults set; the same one when its kind has none.</summary>
    public static IObject Apply(IObject obj) => obj switch
    {
        Core.Pod o => PodDefaults.Pod(o),
        Core.PodTemplate o => o with { Template = PodDefaults.Template(o.Template) },
        Core.ReplicationController o => WorkloadDefaults.ReplicationController(o),
        Core.Service o => ServiceDefaults.Service(o),
        Core.Secret { Type.Length: 0 } o => o with { Type = "Opaque" },
        Core.Namespace o => NamespaceDefaults(o),
        Core.Node o => NodeDefaults(o),
        Core.Endpoints o => ServiceDefaults.Endpoints(o),
        Core.PersistentVolume o => StorageDefaults.Volume(o),
        Core.PersistentVolumeClaim o => StorageDefaults.Claim(o),
        Core.LimitRange o => LimitRangeDefaults.LimitRange(o),
        Apps.Deployment o => WorkloadDefaults.Deployment(o),
        Apps.ReplicaSet o => WorkloadDefaults.ReplicaSet(o),
        Apps.DaemonSet o => WorkloadDefaults.DaemonSet(o),
        Apps.StatefulSet o => WorkloadDefaults.StatefulSet(o),
        Batch.Job o => JobDefaults.Job(o),
        Batch.CronJob o => JobDefaults.CronJob(o),
        Autoscaling.HorizontalPodAutoscaler o => AutoscalerDefaults.Autoscaler(o),
        AutoscalingV1.HorizontalPodAutoscaler o => o with { Spec = o.Spec with { MinReplicas = o.Spec.MinReplicas ?? 1 } },
        Certificates.PodCertificateRequest { Spec.MaxExpirationSeconds: null } o => o with { Spec = o.Spec with { MaxExpirationSeconds = 86400 } },
        Devices.ResourceClaim o => DeviceDefaults.Claim(o),
        Devices.ResourceClaimTemplate o => DeviceDefaults.Template(o),
        Flow.FlowSchema o => FlowDefaults.Schema(o),
        Flow.PriorityLevelConfiguration o => FlowDefaults.Level(o),
        Discovery.EndpointSlice o => o with { Ports = o.Ports.Each(p => p with { Name = p.Name ?? "", Protocol = p.Protocol ?? "TCP" }) },
        Networking.NetworkPolicy o => NetworkDefaults.Policy(o),
        Networking.IngressClass { Spec.Parameters: { Scope: null } parameters } o => o with { Spec = o.Spec with { Parameters = parameters with { Scope = "Cluster" } } },
        Rbac.RoleBinding o => o with { RoleRef = RbacDefaults.Role(o.RoleRef), Subjects = o.Subjects.Each(RbacDefaults.Subject) },
        Rbac.ClusterRoleBinding o => o with { RoleRef = RbacDefaults.Role(o.RoleRef), Subjects = o.Subjects.Each(RbacDefaults.Subject) },
        Scheduling.PriorityClass { PreemptionPolicy: null } o => o with { PreemptionPolicy = "PreemptLowerPriority" },
        Storage.StorageClass o => o with { ReclaimPolicy = o.ReclaimPolicy ?? "Delete", VolumeBindingMode = o.VolumeBindingMode ?? "Immediate" },
        Storage.VolumeAttachment o => StorageDefaults.Attachment(o),
        Storage.CSIDriver o => StorageDefaults.Driver(o),
        Admission.ValidatingWebhookConfiguration o => o with { Webhooks = o.Webhooks.Each(WebhookDefaults.Validating) },
        Admission.MutatingWebhookConfiguration o => o with { Webhooks = o.Webhooks.Each(WebhookDefaults.Mutating) },
        Admission.ValidatingAdmissionPolicy o => o with { Spec = WebhookDefaults.Policy(o.Spec) },
        Admission.MutatingAdmissionPolicy o => o with { Spec = WebhookDefaults.Policy(o.Spec) },
        Admission.ValidatingAdmissionPolicyBinding { Spec.MatchResources: { } match } o => o with { Spec = o.Spec with { MatchResources = WebhookDefaults.Match(match) } },
        Admission.MutatingAdmissionPolicyBinding { Spec.MatchResources: { } match } o => o with { Spec = o.Spec with { MatchResources = WebhookDefaults.Match(match) } },
        Registration.APIService { Spec.Service: { Port: null } service } o => o with { Spec = o.Spec with { Service = service with { Port = 443 } } },
        _ => obj,
    };

    /// <summary>KEP-2161: every namespace can be selected by its name.</summary>
    static Core.Namespace NamespaceDefaults(Core.Namespace o)
    {
        if (o.Metadata.Name.Length > 0)
            o = o with { Metadata = o.Metadata with { Labels = o.Metadata.Labels.Set("kubernetes.io/metadata.name", o.Metadata.Name) } };
        return o.Status.Phase.Length > 0 ? o : o with { Status = o.Status with { Phase = "Active" } };
    }

    static Core.Node NodeDefaults(Core.Node o) =>
        o.Status.Allocatable.IsEmpty && !o.Status.Capacity.IsEmpty ? o with { Status = o.Status with { Allocatable = o.Status.Capacity } } : o;

    /// <summary>The list with each item changed; absent stays absent.</summary>
    internal static Seq<T> Each<T>(this Seq<T> items, Func<T, T> change) where T : class
    {
        var result = items;
        for (int i = 0; i < items.Count; i++)
        {
            var changed = change(items[i]);
            // Lists that need nothing are not copied.
            if (!ReferenceEquals(changed, items[i])) result = result.SetAt(i, changed);
        }
        return result;
    }

    internal static string Or(this string text, string fallback) => text.Length > 0 ? text : fallback;
}
