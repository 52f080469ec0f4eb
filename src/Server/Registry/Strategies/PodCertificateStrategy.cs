using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Requests for Pods' certificates: kubelets make them, signers answer each once (KEP-4317). Who may sign is admission's to say.</summary>
public sealed class PodCertificateStrategy() : Strategy(PodCertificateRequest.Info)
{
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (request, was) = ((PodCertificateRequest)obj, (PodCertificateRequest)old);
        if (context.Subresource != "status") return request with { Status = was.Status, Metadata = request.Metadata with { Generation = was.Metadata.Generation } };
        return request with
        {
            Spec = was.Spec, Metadata = Kept(request.Metadata, was.Metadata) with { Generation = was.Metadata.Generation },
            Status = request.Status with { Conditions = [.. request.Status.Conditions.Select(c => Timed(c, was.Status.Conditions.Find(w => w.Type == c.Type), context.Now))] },
        };
    }

    /// <summary>What was said stays as it was said.</summary>
    static Condition Timed(Condition said, Condition? before, DateTimeOffset now) => before ?? said with { LastTransitionTime = said.LastTransitionTime ?? now };

    public override IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context)
    {
        var wrong = base.ValidateUpdate(obj, old, context);
        return wrong.Count > 0 || context.Subresource != "status" ? wrong : PodCertificateAnswers.Check((PodCertificateRequest)obj, (PodCertificateRequest)old, context.Now);
    }

    /// <summary>The node first: each kubelet lists its own.</summary>
    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.nodeName", "spec.signerName", "spec.podName"];

    public override string Field(IObject obj, string name)
    {
        var spec = ((PodCertificateRequest)obj).Spec;
        return name switch { "spec.nodeName" => spec.NodeName, "spec.signerName" => spec.SignerName, "spec.podName" => spec.PodName, _ => base.Field(obj, name) };
    }
}
