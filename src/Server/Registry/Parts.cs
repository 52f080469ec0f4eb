using Hanbae.Api;
using Hanbae.Api.Schema;
using Admissionregistration = Hanbae.Api.Admissionregistration.V1;
using Apiextensions = Hanbae.Api.Apiextensions.V1;
using Apiregistration = Hanbae.Api.Apiregistration.V1;
using Apps = Hanbae.Api.Apps.V1;
using Autoscaling = Hanbae.Api.Autoscaling;
using Batch = Hanbae.Api.Batch.V1;
using Certificates = Hanbae.Api.Certificates.V1;
using Core = Hanbae.Api.Core.V1;
using Slices = Hanbae.Api.Discovery.V1;
using Flowcontrol = Hanbae.Api.Flowcontrol.V1;
using Networking = Hanbae.Api.Networking.V1;
using Policy = Hanbae.Api.Policy.V1;
using Claims = Hanbae.Api.Resource.V1;
using Scheduling = Hanbae.Api.Scheduling.V1;
using Storage = Hanbae.Api.Storage.V1;

namespace Hanbae.Server.Registry;

/// <summary>Takes objects apart into what users want and what controllers saw, so that one strategy fits every kind that has both.</summary>
abstract class Parts
{
    /// <summary>The object with the other's status; as it is when the kind has none.</summary>
    public abstract IObject WithStatusOf(IObject obj, IObject other);
    /// <summary>The object with nothing seen yet.</summary>
    public abstract IObject WithoutStatus(IObject obj);
    public abstract bool SameSpec(IObject a, IObject b);
    public abstract bool HasStatus { get; }
    /// <summary><c>metadata.generation</c> counts changes of the spec.</summary>
    public required bool Counts { get; init; }
    /// <summary>Through the status subresource no labels and annotations come in either (upstream's ResetObjectMetaForStatus).</summary>
    public required bool Resets { get; init; }

    static readonly Dictionary<KindInfo, Parts> s_of = new List<(KindInfo, Parts)>
    {
        Of<Admissionregistration.ValidatingAdmissionPolicy>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, resets: true),
        Of<Apiextensions.CustomResourceDefinition>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Apiregistration.APIService>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false, resets: true),
        Of<Apps.DaemonSet>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        // A change of annotations is one, too: a rollout may be told by them.
        Of<Apps.Deployment>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec && a.Metadata.Annotations == b.Metadata.Annotations),
        Of<Apps.ReplicaSet>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Apps.StatefulSet>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Autoscaling.V1.HorizontalPodAutoscaler>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Autoscaling.V2.HorizontalPodAutoscaler>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Batch.CronJob>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Batch.Job>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Certificates.CertificateSigningRequest>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.Namespace>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.Node>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.PersistentVolume>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.PersistentVolumeClaim>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.Pod>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Core.ReplicationController>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Core.ResourceQuota>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Core.Service>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false),
        Of<Flowcontrol.FlowSchema>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, resets: true),
        Of<Flowcontrol.PriorityLevelConfiguration>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, resets: true),
        Of<Networking.Ingress>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Networking.ServiceCIDR>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false, resets: true),
        Of<Policy.PodDisruptionBudget>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec),
        Of<Claims.ResourceClaim>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false, resets: true),
        Of<Storage.VolumeAttachment>((o, s) => o with { Status = s.Status }, (a, b) => a.Spec == b.Spec, counts: false, resets: true),
        // Those without a status.
        Of<Admissionregistration.ValidatingAdmissionPolicyBinding>((a, b) => a.Spec == b.Spec),
        Of<Admissionregistration.MutatingAdmissionPolicy>((a, b) => a.Spec == b.Spec),
        Of<Admissionregistration.MutatingAdmissionPolicyBinding>((a, b) => a.Spec == b.Spec),
        Of<Admissionregistration.ValidatingWebhookConfiguration>((a, b) => a.Webhooks == b.Webhooks),
        Of<Admissionregistration.MutatingWebhookConfiguration>((a, b) => a.Webhooks == b.Webhooks),
        Of<Core.PodTemplate>((a, b) => a.Template == b.Template),
        Of<Slices.EndpointSlice>((a, b) => a with { Metadata = b.Metadata } == b && a.Metadata.Labels == b.Metadata.Labels),
        Of<Networking.IngressClass>((a, b) => a.Spec == b.Spec),
        Of<Networking.NetworkPolicy>((a, b) => a.Spec == b.Spec),
        Of<Scheduling.PriorityClass>((a, b) => a with { Metadata = b.Metadata } == b),
        Of<Claims.DeviceClass>((a, b) => a.Spec == b.Spec),
        Of<Claims.ResourceSlice>((a, b) => a.Spec == b.Spec),
        Of<Storage.CSIDriver>((a, b) => a.Spec == b.Spec),
    }.ToDictionary(p => p.Item1, p => p.Item2);

    /// <summary>Null for kinds with neither status nor generation.</summary>
    public static Parts? Of(KindInfo kind) => s_of.GetValueOrDefault(kind);

    static (KindInfo, Parts) Of<T>(Func<T, T, T> withStatus, Func<T, T, bool> sameSpec, bool counts = true, bool resets = false) where T : class, IObject<T> =>
        (T.Info, new Typed<T>(withStatus, sameSpec) { Counts = counts, Resets = resets });

    static (KindInfo, Parts) Of<T>(Func<T, T, bool> same) where T : class, IObject<T> => (T.Info, new Typed<T>(null, same) { Counts = true, Resets = false });

    sealed class Typed<T>(Func<T, T, T>? withStatus, Func<T, T, bool> sameSpec) : Parts where T : class, IObject<T>
    {
        public override bool HasStatus => withStatus is not null;
        public override IObject WithStatusOf(IObject obj, IObject other) => withStatus is null ? obj : withStatus((T)obj, (T)other);
        public override IObject WithoutStatus(IObject obj) => withStatus is null ? obj : withStatus((T)obj, T.Empty);
        public override bool SameSpec(IObject a, IObject b) => sameSpec((T)a, (T)b);
    }
}
