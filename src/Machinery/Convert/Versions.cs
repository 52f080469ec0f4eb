using Hanbae.Api;
using Hanbae.Api.Schema;
using Apiextensions = Hanbae.Api.Apiextensions;
using Apps = Hanbae.Api.Apps.V1;
using Autoscaling = Hanbae.Api.Autoscaling;
using Certificates = Hanbae.Api.Certificates.V1;
using Core = Hanbae.Api.Core.V1;
using Discovery = Hanbae.Api.Discovery;
using Events = Hanbae.Api.Events.V1;
using EventsV1Beta1 = Hanbae.Api.Events.V1beta1;
using Extensions = Hanbae.Api.Extensions.V1beta1;
using Networking = Hanbae.Api.Networking;
using Policy = Hanbae.Api.Policy;
using Rbac = Hanbae.Api.Rbac.V1;
using RbacV1Alpha1 = Hanbae.Api.Rbac.V1alpha1;
using Webhooks = Hanbae.Api.Admissionregistration.V1;

namespace Hanbae.Machinery.Convert;

/// <summary>Turns an object of one version of a kind into another. Versions that differ in nothing but their name go through JSON.</summary>
public static class Versions
{
    public static IObject To(IObject obj, KindInfo kind)
    {
        if (obj.Kind() == kind) return obj;
        return obj switch
        {
            Core.Event e when kind == Events.Event.Info => Incidents.New(e),
            Core.Event e when kind == EventsV1Beta1.Event.Info => Renamed(Incidents.New(e), kind),
            Events.Event e when kind == Core.Event.Info => Incidents.Old(e),
            EventsV1Beta1.Event e when kind == Core.Event.Info => Incidents.Old((Events.Event)Renamed(e, Events.Event.Info)),
            Autoscaling.V2.HorizontalPodAutoscaler h when kind == Autoscaling.V1.HorizontalPodAutoscaler.Info => Autoscalers.ToV1(h),
            Autoscaling.V1.HorizontalPodAutoscaler h when kind == Autoscaling.V2.HorizontalPodAutoscaler.Info => Autoscalers.ToV2(h),
            Autoscaling.V2.HorizontalPodAutoscaler h when kind == Autoscaling.V2beta1.HorizontalPodAutoscaler.Info => Autoscalers.ToV2Beta1(h),
            Autoscaling.V2beta1.HorizontalPodAutoscaler h when kind == Autoscaling.V2.HorizontalPodAutoscaler.Info => Autoscalers.ToV2(h),
            Networking.V1.Ingress i when kind == Networking.V1beta1.Ingress.Info => Ingresses.ToOld(i),
            Networking.V1.Ingress i when kind == Extensions.Ingress.Info => Ingresses.Renamed(Ingresses.ToOld(i)),
            Networking.V1beta1.Ingress i => Ingresses.ToV1(i),
            Extensions.Ingress i => Ingresses.ToV1(Ingresses.Renamed(i)),
            Apiextensions.V1.CustomResourceDefinition d when kind == Apiextensions.V1beta1.CustomResourceDefinition.Info => Definitions.ToOld(d),
            Apiextensions.V1beta1.CustomResourceDefinition d => Definitions.ToV1(d),
            Rbac.RoleBinding b when kind == RbacV1Alpha1.RoleBinding.Info => OldSubjects.Old((RbacV1Alpha1.RoleBinding)Renamed(b, kind), b),
            Rbac.ClusterRoleBinding b when kind == RbacV1Alpha1.ClusterRoleBinding.Info => OldSubjects.Old((RbacV1Alpha1.ClusterRoleBinding)Renamed(b, kind), b),
            RbacV1Alpha1.RoleBinding b => OldSubjects.New((Rbac.RoleBinding)Renamed(b, kind), b),
            RbacV1Alpha1.ClusterRoleBinding b => OldSubjects.New((Rbac.ClusterRoleBinding)Renamed(b, kind), b),
            Policy.V1.PodDisruptionBudget b when kind == Policy.V1beta1.PodDisruptionBudget.Info =>
                Renamed(b with { Spec = b.Spec with { Selector = OldPolicies.OldSelector(b.Spec.Selector) } }, kind),
            Discovery.V1beta1.EndpointSlice s => OldPolicies.Slice((Discovery.V1.EndpointSlice)Renamed(s, kind), s),
            Discovery.V1.EndpointSlice s => OldPolicies.Slice((Discovery.V1beta1.EndpointSlice)Renamed(s, kind), s),
            _ => Meant(Renamed(obj, kind), obj.Kind().Gvk.GroupVersion),
        };
    }

    static IObject Renamed(IObject obj, KindInfo kind) => (IObject)kind.Decode(obj.Kind().ToJson(obj));

    /// <summary>Says what the old version left unsaid and meant otherwise than the new one does.</summary>
    static IObject Meant(IObject obj, GroupVersion from) => obj switch
    {
        Apps.Deployment o => OldWorkloads.Deployment(o, from),
        Apps.ReplicaSet o => OldWorkloads.ReplicaSet(o, from),
        Apps.DaemonSet o => OldWorkloads.DaemonSet(o, from),
        Apps.StatefulSet o => OldWorkloads.StatefulSet(o, from),
        Policy.V1.PodDisruptionBudget o => OldPolicies.Budget(o),
        Webhooks.ValidatingWebhookConfiguration o => OldPolicies.Webhooks(o),
        Webhooks.MutatingWebhookConfiguration o => OldPolicies.Webhooks(o),
        Certificates.CertificateSigningRequest o => OldPolicies.Signing(o),
        _ => obj,
    };
}
