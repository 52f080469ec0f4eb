using Hanbae.Api;
using Hanbae.Api.Schema;
using Admission = Hanbae.Api.Admissionregistration.V1;
using Apps = Hanbae.Api.Apps.V1;
using Autoscaling = Hanbae.Api.Autoscaling.V2;
using Batch = Hanbae.Api.Batch.V1;
using Beta = Hanbae.Api.Resource.V1beta2;
using Candidates = Hanbae.Api.Coordination.V1beta1;
using Certificates = Hanbae.Api.Certificates.V1;
using Coordination = Hanbae.Api.Coordination.V1;
using Core = Hanbae.Api.Core.V1;
using Devices = Hanbae.Api.Resource.V1;
using Discovery = Hanbae.Api.Discovery.V1;
using Extensions = Hanbae.Api.Apiextensions.V1;
using Flow = Hanbae.Api.Flowcontrol.V1;
using Networking = Hanbae.Api.Networking.V1;
using Node = Hanbae.Api.Node.V1;
using Policy = Hanbae.Api.Policy.V1;
using Rbac = Hanbae.Api.Rbac.V1;
using Registration = Hanbae.Api.Apiregistration.V1;
using Scheduling = Hanbae.Api.Scheduling.V1;
using Storage = Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What upstream finds wrong with objects, kind by kind: each served kind stands here, if only with the rule of its names.</summary>
public static class Rules
{
    /// <param name="obj">Defaulted, with name and namespace.</param>
    /// <param name="namespaced">Whether the kind's objects are in namespaces.</param>
    public static IReadOnlyList<FieldError> Create(IObject obj, bool namespaced)
    {
        var errors = new Errors();
        var rules = s_rules.GetValueOrDefault(obj.Kind());
        // Where nobody says more, the registry has looked at what a path can hold.
        MetaRules.Create(obj.Metadata, namespaced, rules?.Name ?? (static _ => []), errors);
        rules?.Check(obj, errors);
        return errors;
    }

    /// <param name="subresource">Through which it changes; empty for the object itself.</param>
    public static IReadOnlyList<FieldError> Update(IObject obj, IObject old, string subresource)
    {
        var errors = new Errors { Old = old };
        MetaRules.Update(obj.Metadata, old.Metadata, errors);
        var rules = s_rules.GetValueOrDefault(obj.Kind());
        if (subresource is "" or "scale") rules?.Change(obj, old, errors);
        else rules?.Part(obj, old, subresource, errors);
        return errors;
    }

    /// <summary>The metadata of an object within another; it need not have a name.</summary>
    public static void Embedded(FieldPath at, Api.Meta.V1.ObjectMeta meta, Errors errors) => MetaRules.Create(at, meta, meta.Namespace.Length > 0, Names.PathSegment, errors);

    /// <summary>Whether somebody decided what is right for the kind.</summary>
    public static bool Know(KindInfo kind) => s_rules.ContainsKey(kind);

    static readonly Dictionary<KindInfo, KindRules> s_rules = new Dictionary<KindInfo, KindRules>
    {
        [Core.ConfigMap.Info] = Of<Core.ConfigMap>(Names.Subdomain, ConfigRules.Check, ConfigRules.Update),
        [Core.Endpoints.Info] = Of<Core.Endpoints>(Names.Subdomain, NetworkRules.Check),
        [Core.Event.Info] = Of<Core.Event>(Names.Subdomain, EventRules.Check, EventRules.Update),
        [Core.LimitRange.Info] = Of<Core.LimitRange>(Names.Subdomain, QuotaRules.Check),
        [Core.Namespace.Info] = Of<Core.Namespace>(Names.Label, ClusterRules.Check, static (_, _, _) => { }, ClusterRules.Part),
        [Core.Node.Info] = Of<Core.Node>(Names.Subdomain, NodeRules.Check, NodeRules.Update, static (o, old, _, errors) => NodeRules.Update(o, old, errors)),
        [Core.PersistentVolume.Info] = Of<Core.PersistentVolume>(Names.Subdomain, PersistentVolumeRules.Check, PersistentVolumeRules.Update),
        [Core.PersistentVolumeClaim.Info] = Of<Core.PersistentVolumeClaim>(Names.Subdomain, ClaimRules.Check, ClaimRules.Update, ClaimRules.Part),
        [Core.Pod.Info] = Of<Core.Pod>(Names.Subdomain, PodRules.Create, PodUpdateRules.Update, PodUpdateRules.Part),
        [Core.PodTemplate.Info] = Of<Core.PodTemplate>(Names.Subdomain, static (o, errors) => PodRules.Template(FieldPath.Of("template"), o.Template, errors)),
        [Core.ReplicationController.Info] = Of<Core.ReplicationController>(Names.Subdomain, WorkloadRules.Check, null, WorkloadStatusRules.Part),
        [Core.ResourceQuota.Info] = Of<Core.ResourceQuota>(Names.Subdomain, QuotaRules.Check, QuotaRules.Update, QuotaRules.Part),
        [Core.Secret.Info] = Of<Core.Secret>(Names.Subdomain, ConfigRules.Check, ConfigRules.Update),
        // As labels may begin with a digit, so may these since v1.36 (RelaxedServiceNameValidation, KEP-5311).
        [Core.Service.Info] = Of<Core.Service>(Names.Label, ServiceRules.Check, ServiceRules.Update, ServiceRules.Part),
        [Core.ServiceAccount.Info] = Of<Core.ServiceAccount>(Names.Subdomain),
        [Admission.MutatingAdmissionPolicy.Info] = Of<Admission.MutatingAdmissionPolicy>(Names.Subdomain, AdmissionPolicyRules.Check),
        [Admission.MutatingAdmissionPolicyBinding.Info] = Of<Admission.MutatingAdmissionPolicyBinding>(Names.Subdomain, AdmissionPolicyRules.Check),
        [Admission.MutatingWebhookConfiguration.Info] = Of<Admission.MutatingWebhookConfiguration>(Names.Subdomain, WebhookRules.Check, WebhookRules.Update),
        [Admission.ValidatingAdmissionPolicy.Info] = Of<Admission.ValidatingAdmissionPolicy>(Names.Subdomain, AdmissionPolicyRules.Check, null, AdmissionPolicyRules.Part),
        [Admission.ValidatingAdmissionPolicyBinding.Info] = Of<Admission.ValidatingAdmissionPolicyBinding>(Names.Subdomain, AdmissionPolicyRules.Check),
        [Admission.ValidatingWebhookConfiguration.Info] = Of<Admission.ValidatingWebhookConfiguration>(Names.Subdomain, WebhookRules.Check, WebhookRules.Update),
        // Its strategy looks at the schemas.
        [Extensions.CustomResourceDefinition.Info] = Of<Extensions.CustomResourceDefinition>(static _ => []),
        [Registration.APIService.Info] = Of<Registration.APIService>(Names.PathSegment, ClusterRules.Check),
        [Apps.ControllerRevision.Info] = Of<Apps.ControllerRevision>(Names.Subdomain, WorkloadRules.Check, WorkloadRules.Update),
        [Apps.DaemonSet.Info] = Of<Apps.DaemonSet>(Names.Subdomain, WorkloadRules.Check, WorkloadRules.Update, WorkloadStatusRules.Part),
        [Apps.Deployment.Info] = Of<Apps.Deployment>(Names.Subdomain, WorkloadRules.Check, WorkloadRules.Update, WorkloadStatusRules.Part),
        [Apps.ReplicaSet.Info] = Of<Apps.ReplicaSet>(Names.Subdomain, WorkloadRules.Check, WorkloadRules.Update, WorkloadStatusRules.Part),
        [Apps.StatefulSet.Info] = Of<Apps.StatefulSet>(Names.Label, WorkloadRules.Check, WorkloadRules.Update, WorkloadStatusRules.Part),
        [Autoscaling.HorizontalPodAutoscaler.Info] = Of<Autoscaling.HorizontalPodAutoscaler>(Names.Subdomain, AutoscalerRules.Check, null, AutoscalerRules.Part),
        [Batch.CronJob.Info] = Of<Batch.CronJob>(Names.Subdomain, JobRules.Check, JobRules.Update),
        [Batch.Job.Info] = Of<Batch.Job>(Names.Subdomain, JobRules.Check, JobRules.Update, JobStatusRules.Part),
        [Certificates.CertificateSigningRequest.Info] = Of<Certificates.CertificateSigningRequest>(static _ => [], SigningRules.Check, SigningRules.Update, SigningRules.Part),
        [Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle.Info] = Of<Hanbae.Api.Certificates.V1beta1.ClusterTrustBundle>(TrustBundleRules.Name, TrustBundleRules.Check, TrustBundleRules.Update),
        [Hanbae.Api.Certificates.V1beta1.PodCertificateRequest.Info] =
            Of<Hanbae.Api.Certificates.V1beta1.PodCertificateRequest>(Names.Subdomain, PodCertificateRules.Check, PodCertificateRules.Update, static (_, _, _, _) => { }),
        [Coordination.Lease.Info] = Of<Coordination.Lease>(Names.Subdomain, PolicyRules.Check),
        [Candidates.LeaseCandidate.Info] = Of<Candidates.LeaseCandidate>(Names.ConfigKey, PolicyRules.Check, PolicyRules.Update),
        [Discovery.EndpointSlice.Info] = Of<Discovery.EndpointSlice>(Names.Subdomain, NetworkRules.Check, NetworkRules.Update),
        [Flow.FlowSchema.Info] = Of<Flow.FlowSchema>(Names.Subdomain, FlowRules.Check, null, FlowRules.Part),
        [Flow.PriorityLevelConfiguration.Info] = Of<Flow.PriorityLevelConfiguration>(Names.Subdomain, FlowRules.Check, null, FlowRules.Part),
        [Networking.Ingress.Info] = Of<Networking.Ingress>(Names.Subdomain, IngressRules.Create, IngressRules.Update),
        [Networking.IngressClass.Info] = Of<Networking.IngressClass>(Names.Subdomain, ClusterNetworkRules.Check, ClusterNetworkRules.Update),
        [Networking.IPAddress.Info] = Of<Networking.IPAddress>(ClusterNetworkRules.AddressName, ClusterNetworkRules.Check, ClusterNetworkRules.Update),
        [Networking.NetworkPolicy.Info] = Of<Networking.NetworkPolicy>(Names.Subdomain, NetworkRules.Check),
        [Networking.ServiceCIDR.Info] = Of<Networking.ServiceCIDR>(Names.Subdomain, ClusterNetworkRules.Check, ClusterNetworkRules.Update),
        [Node.RuntimeClass.Info] = Of<Node.RuntimeClass>(Names.Subdomain, ClusterRules.Check, ClusterRules.Update),
        [Policy.PodDisruptionBudget.Info] = Of<Policy.PodDisruptionBudget>(Names.Subdomain, PolicyRules.Check, null, PolicyRules.Part),
        [Rbac.ClusterRole.Info] = Of<Rbac.ClusterRole>(Names.PathSegment, PolicyRules.Check),
        [Rbac.ClusterRoleBinding.Info] = Of<Rbac.ClusterRoleBinding>(Names.PathSegment, static (o, errors) => PolicyRules.Binding(o.RoleRef, o.Subjects, false, errors), PolicyRules.Update),
        [Rbac.Role.Info] = Of<Rbac.Role>(Names.PathSegment, static (o, errors) => PolicyRules.Rules(o.Rules, true, errors)),
        [Rbac.RoleBinding.Info] = Of<Rbac.RoleBinding>(Names.PathSegment, static (o, errors) => PolicyRules.Binding(o.RoleRef, o.Subjects, true, errors), PolicyRules.Update),
        [Devices.DeviceClass.Info] = Of<Devices.DeviceClass>(Names.Subdomain, DeviceRules.Check),
        [Beta.DeviceTaintRule.Info] = Of<Beta.DeviceTaintRule>(Names.Subdomain, DeviceRules.Check),
        [Devices.ResourceClaim.Info] = Of<Devices.ResourceClaim>(Names.Subdomain, DeviceRules.Check, DeviceRules.Update, DeviceRules.Part),
        [Devices.ResourceClaimTemplate.Info] = Of<Devices.ResourceClaimTemplate>(Names.Subdomain, DeviceRules.Check, DeviceRules.Update),
        [Devices.ResourceSlice.Info] = Of<Devices.ResourceSlice>(Names.Subdomain, DeviceRules.Check, DeviceRules.Update),
        [Scheduling.PriorityClass.Info] = Of<Scheduling.PriorityClass>(Names.Subdomain, PolicyRules.Check, PolicyRules.Update),
        [Storage.CSIDriver.Info] = Of<Storage.CSIDriver>(Names.Subdomain, DriverRules.Check, DriverRules.Update),
        [Storage.CSINode.Info] = Of<Storage.CSINode>(Names.Subdomain, DriverRules.Check, DriverRules.Update),
        [Storage.CSIStorageCapacity.Info] = Of<Storage.CSIStorageCapacity>(Names.Subdomain, DriverRules.Check, DriverRules.Update),
        [Storage.StorageClass.Info] = Of<Storage.StorageClass>(Names.Subdomain, StorageRules.Check, StorageRules.Update),
        [Storage.VolumeAttachment.Info] = Of<Storage.VolumeAttachment>(Names.Subdomain, DriverRules.Check, DriverRules.Update),
        [Storage.VolumeAttributesClass.Info] = Of<Storage.VolumeAttributesClass>(Names.Subdomain, DriverRules.Check, DriverRules.Update),
    };

    static KindRules<T> Of<T>(Func<string, IReadOnlyList<string>> name, Action<T, Errors>? check = null, Action<T, T, Errors>? change = null, Action<T, T, string, Errors>? part = null)
        where T : class, IObject<T> => new() { Name = name, OfObject = check, OfChange = change, OfPart = part };
}
