using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Registry.Services;
using Hanbae.Server.Registry.Strategies;
using Apiextensions = Hanbae.Api.Apiextensions.V1;
using Apps = Hanbae.Api.Apps.V1;
using Batch = Hanbae.Api.Batch.V1;
using Beta = Hanbae.Api.Certificates.V1beta1;
using Certificates = Hanbae.Api.Certificates.V1;
using Claims = Hanbae.Api.Resource.V1;
using Core = Hanbae.Api.Core.V1;
using Flow = Hanbae.Api.Flowcontrol.V1;
using Networking = Hanbae.Api.Networking.V1;
using Webhooks = Hanbae.Api.Admissionregistration.V1;

namespace Hanbae.Server.Registry;

/// <summary>The kinds that have rules of their own, and where kinds differ from each other in small ways. A kind not named here is stored as it comes.</summary>
public static class Catalog
{
    public static IStrategy StrategyOf(KindInfo kind) => StrategyOf(kind, new());

    /// <summary>For <see cref="ServerOptions.Strategy"/> when Services have networks of their own.</summary>
    public static Func<KindInfo, IStrategy> With(ServiceNetworks networks) => kind => StrategyOf(kind, networks);

    /// <summary>One line per kind with a strategy of its own.</summary>
    static IStrategy StrategyOf(KindInfo kind, ServiceNetworks networks) =>
        kind == Core.Pod.Info ? new PodStrategy()
        : kind == Core.Namespace.Info ? new NamespaceStrategy()
        : kind == Core.Event.Info ? new EventStrategy()
        : kind == Core.Node.Info ? new NodeStrategy()
        : kind == Core.PersistentVolume.Info ? new VolumeStrategy()
        : kind == Core.PersistentVolumeClaim.Info ? new ClaimStrategy()
        : kind == Core.Secret.Info ? new SecretStrategy()
        : kind == Core.Service.Info ? new ServiceStrategy(networks)
        : kind == Core.ServiceAccount.Info ? new AccountStrategy()
        : kind == Networking.IPAddress.Info ? new AddressStrategy()
        : kind == Networking.ServiceCIDR.Info ? new RangeStrategy()
        : kind == Core.ReplicationController.Info ? new ReplicasStrategy<Core.ReplicationController>(r => r.Spec.Template, r => r.Status.Replicas) { Orphans = true }
        : kind == Apps.ReplicaSet.Info ? new ReplicasStrategy<Apps.ReplicaSet>(r => r.Spec.Template, r => r.Status.Replicas)
        : kind == Apps.Deployment.Info ? new DeploymentStrategy()
        : kind == Apps.DaemonSet.Info ? new DaemonSetStrategy()
        : kind == Apps.StatefulSet.Info ? new StatefulSetStrategy()
        : kind == Batch.Job.Info ? new JobStrategy()
        : kind == Batch.CronJob.Info ? new CronJobStrategy()
        : kind == Certificates.CertificateSigningRequest.Info ? new SigningStrategy()
        : kind == Beta.ClusterTrustBundle.Info ? new FieldStrategy<Beta.ClusterTrustBundle>(("spec.signerName", b => b.Spec.SignerName))
        : kind == Claims.ResourceClaim.Info ? new DeviceClaimStrategy()
        : kind == Claims.ResourceSlice.Info ? new SliceStrategy()
        : kind == Hanbae.Api.Resource.V1beta2.DeviceTaintRule.Info ? new TaintRuleStrategy()
        : kind == Hanbae.Api.Node.V1.RuntimeClass.Info ? new RuntimeClassStrategy()
        : kind == Beta.PodCertificateRequest.Info ? new PodCertificateStrategy()
        : kind == Apiextensions.CustomResourceDefinition.Info ? new Crd.Definition.DefinitionStrategy()
        : kind == Webhooks.MutatingWebhookConfiguration.Info || kind == Webhooks.ValidatingWebhookConfiguration.Info || kind == Webhooks.ValidatingAdmissionPolicy.Info
            || kind == Webhooks.MutatingAdmissionPolicy.Info
            ? new Admission.Policies.ExpressionStrategy(kind)
        : kind == Flow.FlowSchema.Info || kind == Flow.PriorityLevelConfiguration.Info ? new FlowControl.FlowStrategy(kind)
        : new Strategy(kind);

    /// <summary>The version that a resource of several versions is stored in; the only one otherwise.</summary>
    public static KindInfo StorageKind(GroupResource resource, KindInfo served)
    {
        var at = StoredAs(resource);
        if (at is { Group: "autoscaling", Resource: "horizontalpodautoscalers" }) return Hanbae.Api.Autoscaling.V2.HorizontalPodAutoscaler.Info;
        // The group's own order is by preference: what is served by default before what is not.
        foreach (var group in ApiData.Groups)
            if (group.Name == at.Group)
                foreach (string version in group.Default.Concat(group.Versions))
                    foreach (var info in Resources.Of(new GroupVersion(at.Group, version)))
                        if (info.Gvr.Resource == at.Resource) return info.Kind;
        return served;
    }

    /// <summary>Whose storage a resource shares: events are one resource under two groups, and what was in extensions has found its place.</summary>
    public static GroupResource StoredAs(GroupResource resource) => (resource.Group, resource.Resource) switch
    {
        ("events.k8s.io", "events") => new("", "events"),
        ("extensions", "deployments" or "daemonsets" or "replicasets") => new("apps", resource.Resource),
        ("extensions", "ingresses" or "networkpolicies") => new("networking.k8s.io", resource.Resource),
        _ => resource,
    };

    /// <summary>Upstream's AllowCreateOnUpdate: PUT creates what does not exist.</summary>
    public static bool CreatesOnUpdate(KindInfo kind) => (kind.Gvk.Group, kind.Kind) is
        ("", "Endpoints" or "Event" or "LimitRange" or "Service") or ("coordination.k8s.io", "Lease" or "LeaseCandidate") or ("node.k8s.io", "RuntimeClass")
        or ("rbac.authorization.k8s.io", "Role" or "RoleBinding" or "ClusterRole" or "ClusterRoleBinding");

    /// <summary>Upstream's AllowUnconditionalUpdate: all but these take a PUT without resourceVersion.</summary>
    public static bool UpdatesUnconditionally(KindInfo kind) => (kind.Gvk.Group, kind.Kind) is not
        (("coordination.k8s.io", _) or ("apiextensions.k8s.io", _) or ("apiregistration.k8s.io", _) or ("policy", _) or ("node.k8s.io", _)
        or ("admissionregistration.k8s.io", _) or ("storagemigration.k8s.io", _) or ("internal.apiserver.k8s.io", _)
        or ("storage.k8s.io", "CSIDriver" or "CSINode" or "CSIStorageCapacity" or "VolumeAttachment") or ("certificates.k8s.io", "ClusterTrustBundle" or "PodCertificateRequest"));

    /// <summary>Upstream's ReturnDeletedObject: a delete answers with the object rather than a Status.</summary>
    public static bool ReturnsDeleted(GroupResource resource) => (resource.Group, resource.Resource) is
        ("", "pods" or "podtemplates" or "persistentvolumes" or "persistentvolumeclaims" or "resourcequotas" or "serviceaccounts" or "services")
        or ("resource.k8s.io", not "resourcepoolstatusrequests") or ("storage.k8s.io", not "csistoragecapacities");
}
