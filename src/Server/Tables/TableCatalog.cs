using Hanbae.Api;
using Hanbae.Api.Schema;
using AdmissionPolicies = Hanbae.Api.Admissionregistration.V1;
using Apps = Hanbae.Api.Apps.V1;
using Batch = Hanbae.Api.Batch.V1;
using Certificates = Hanbae.Api.Certificates.V1;
using CertificatesBeta = Hanbae.Api.Certificates.V1beta1;
using Coordination = Hanbae.Api.Coordination.V1;
using CoordinationBeta = Hanbae.Api.Coordination.V1beta1;
using Core = Hanbae.Api.Core.V1;
using Flow = Hanbae.Api.Flowcontrol.V1;
using Networking = Hanbae.Api.Networking.V1;
using Rbac = Hanbae.Api.Rbac.V1;
using Resource = Hanbae.Api.Resource.V1;
using Storage = Hanbae.Api.Storage.V1;

namespace Hanbae.Server.Tables;

/// <summary>Which cells show which kind. A kind not named here shows its name and when it was made.</summary>
public static class TableCatalog
{
    /// <summary>The table of a kind in any of its versions, or null.</summary>
    public static ITable? Of(KindInfo kind)
    {
        // Events are one kind under two groups; what was in extensions has moved.
        string group = (kind.Gvk.Group, kind.Kind) switch
        {
            ("events.k8s.io", "Event") => "",
            ("extensions", "Ingress" or "NetworkPolicy") => "networking.k8s.io",
            ("extensions", _) => "apps",
            var (own, _) => own,
        };
        if (!s_tables.TryGetValue((group, kind.Kind), out var known)) return null;
        return known.Kind == kind ? known.Table : new ConvertedCells(known.Kind, known.Table);
    }

    static readonly Dictionary<(string Group, string Kind), (KindInfo Kind, ITable Table)> s_tables = new[]
    {
        Table<Core.Pod>(PodCells.Write),
        Table<Core.ComponentStatus>(CoreCells.Write),
        Table<Core.ConfigMap>(CoreCells.Write),
        Table<Core.Secret>(CoreCells.Write),
        Table<Core.ServiceAccount>(CoreCells.Write),
        Table<Core.Namespace>(CoreCells.Write),
        Table<Core.Event>(CoreCells.Write),
        Table<Core.Node>(CoreCells.Write),
        Table<Core.PodTemplate>(CoreCells.Write),
        Table<Core.ReplicationController>(CoreCells.Write),
        Table<Core.ResourceQuota>(CoreCells.Write),
        Table<Core.Service>(NetworkCells.Write),
        Table<Core.Endpoints>(NetworkCells.Write),
        Table<Core.PersistentVolume>(StorageCells.Write),
        Table<Core.PersistentVolumeClaim>(StorageCells.Write),
        Table<Apps.Deployment>(WorkloadCells.Write),
        Table<Apps.ReplicaSet>(WorkloadCells.Write),
        Table<Apps.StatefulSet>(WorkloadCells.Write),
        Table<Apps.DaemonSet>(WorkloadCells.Write),
        Table<Apps.ControllerRevision>(WorkloadCells.Write),
        Table<Batch.Job>(WorkloadCells.Write),
        Table<Batch.CronJob>(WorkloadCells.Write),
        Table<Hanbae.Api.Autoscaling.V1.Scale>(WorkloadCells.Write),
        Table<Hanbae.Api.Autoscaling.V2.HorizontalPodAutoscaler>(WorkloadCells.Write),
        Table<Hanbae.Api.Policy.V1.PodDisruptionBudget>(WorkloadCells.Write),
        Table<Hanbae.Api.Discovery.V1.EndpointSlice>(NetworkCells.Write),
        Table<Networking.Ingress>(NetworkCells.Write),
        Table<Networking.IngressClass>(NetworkCells.Write),
        Table<Networking.NetworkPolicy>(NetworkCells.Write),
        Table<Networking.IPAddress>(NetworkCells.Write),
        Table<Networking.ServiceCIDR>(NetworkCells.Write),
        Table<Storage.StorageClass>(StorageCells.Write),
        Table<Storage.VolumeAttributesClass>(StorageCells.Write),
        Table<Storage.VolumeAttachment>(StorageCells.Write),
        Table<Storage.CSINode>(StorageCells.Write),
        Table<Storage.CSIDriver>(StorageCells.Write),
        Table<Rbac.RoleBinding>(PolicyCells.Write),
        Table<Rbac.ClusterRoleBinding>(PolicyCells.Write),
        Table<Certificates.CertificateSigningRequest>(PolicyCells.Write),
        Table<AdmissionPolicies.ValidatingWebhookConfiguration>(PolicyCells.Write),
        Table<AdmissionPolicies.MutatingWebhookConfiguration>(PolicyCells.Write),
        Table<AdmissionPolicies.ValidatingAdmissionPolicy>(PolicyCells.Write),
        Table<AdmissionPolicies.MutatingAdmissionPolicy>(PolicyCells.Write),
        Table<AdmissionPolicies.ValidatingAdmissionPolicyBinding>(PolicyCells.Write),
        Table<AdmissionPolicies.MutatingAdmissionPolicyBinding>(PolicyCells.Write),
        Table<Hanbae.Api.Scheduling.V1.PriorityClass>(PolicyCells.Write),
        Table<Flow.FlowSchema>(PolicyCells.Write),
        Table<Flow.PriorityLevelConfiguration>(PolicyCells.Write),
        Table<Hanbae.Api.Apiregistration.V1.APIService>(PolicyCells.Write),
        Table<Coordination.Lease>(NodeCells.Write),
        Table<CoordinationBeta.LeaseCandidate>(NodeCells.Write),
        Table<Hanbae.Api.Node.V1.RuntimeClass>(NodeCells.Write),
        Table<Resource.ResourceClaim>(NodeCells.Write),
        Table<Resource.ResourceSlice>(NodeCells.Write),
        Table<Hanbae.Api.Resource.V1beta2.DeviceTaintRule>(NodeCells.Write),
        Table<CertificatesBeta.ClusterTrustBundle>(NodeCells.Write),
        Table<CertificatesBeta.PodCertificateRequest>(NodeCells.Write),
        Table<Hanbae.Api.Apiserverinternal.V1alpha1.StorageVersion>(NodeCells.Write),
    }.ToDictionary(t => (t.Item1.Gvk.Group, t.Item1.Kind));

    static (KindInfo, ITable) Table<T>(Action<T, IRow> write) where T : class, IObject<T> => (T.Info, new Cells<T>(write));
}
