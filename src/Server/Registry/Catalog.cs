using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Registry.Services;
using Hanbae.Server.Registry.Strategies;
using Apiextensions = Hanbae.Api.Apiextensions.V1;
using Apps = Hanbae.Api.Apps.V1;
using Batch = Hanbae.Api.Batch.V1;
using Certificates = Hanbae.Api.Certificates.V1;
using Core = Hanbae.Api.Core.V1;
using Events = Hanbae.Api.Events.V1;

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
        : kind == Core.Node.Info ? new FieldStrategy<Core.Node>(("spec.unschedulable", n => n.Spec.Unschedulable ? "true" : "false"))
        : kind == Core.Secret.Info ? new SecretStrategy()
        : kind == Core.Service.Info ? new ServiceStrategy(networks)
        : kind == Core.ReplicationController.Info ? new FieldStrategy<Core.ReplicationController>(("status.replicas", r => Number(r.Status.Replicas))) { Orphans = true }
        : kind == Apps.ReplicaSet.Info ? new FieldStrategy<Apps.ReplicaSet>(("status.replicas", r => Number(r.Status.Replicas)))
        : kind == Batch.Job.Info ? new JobStrategy()
        : kind == Certificates.CertificateSigningRequest.Info ? new FieldStrategy<Certificates.CertificateSigningRequest>(("spec.signerName", c => c.Spec.SignerName))
        : kind == Apiextensions.CustomResourceDefinition.Info ? new Crd.Definition.DefinitionStrategy()
        : new Strategy(kind);

    static string Number(long value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The version that a resource of several versions is stored in; the only one otherwise.</summary>
    public static KindInfo StorageKind(GroupResource resource, KindInfo served) => (resource.Group, resource.Resource) switch
    {
        ("events.k8s.io", "events") => Core.Event.Info,
        ("autoscaling", "horizontalpodautoscalers") => Hanbae.Api.Autoscaling.V2.HorizontalPodAutoscaler.Info,
        _ => served,
    };

    /// <summary>Whose storage a resource shares: events are one resource under two groups.</summary>
    public static GroupResource StoredAs(GroupResource resource) => resource is { Group: "events.k8s.io", Resource: "events" } ? new("", "events") : resource;

    /// <summary>Upstream's AllowCreateOnUpdate: PUT creates what does not exist.</summary>
    public static bool CreatesOnUpdate(KindInfo kind) => kind.Kind is
        "Endpoints" or "Event" or "LimitRange" or "Lease" or "RuntimeClass" or "Role" or "RoleBinding" or "ClusterRole" or "ClusterRoleBinding" or "Service";

    /// <summary>Upstream's AllowUnconditionalUpdate: all but these take a PUT without resourceVersion.</summary>
    public static bool UpdatesUnconditionally(KindInfo kind) => kind.Kind is not
        ("Lease" or "CustomResourceDefinition" or "APIService" or "PodDisruptionBudget" or "VolumeAttachment" or "RuntimeClass" or "MutatingWebhookConfiguration"
        or "ValidatingWebhookConfiguration" or "ValidatingAdmissionPolicy" or "ValidatingAdmissionPolicyBinding" or "MutatingAdmissionPolicy" or "MutatingAdmissionPolicyBinding"
        or "FlowSchema" or "PriorityLevelConfiguration" or "IPAddress" or "ServiceCIDR");

    /// <summary>Upstream's ReturnDeletedObject: a delete answers with the object rather than a Status.</summary>
    public static bool ReturnsDeleted(GroupResource resource) => resource.Group.Length == 0
        && resource.Resource is "pods" or "podtemplates" or "persistentvolumes" or "persistentvolumeclaims" or "resourcequotas" or "serviceaccounts" or "services";
}
