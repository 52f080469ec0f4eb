using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Controllers.Pods;

/// <summary>Makes Pods from a template.</summary>
static class PodStamp
{
    public static Pod From(PodTemplateSpec template, string ns, OwnerReference controller) => new()
    {
        Metadata = new()
        {
            GenerateName = controller.Name + "-", Namespace = ns, Labels = template.Metadata.Labels, Annotations = template.Metadata.Annotations,
            Finalizers = template.Metadata.Finalizers, OwnerReferences = [controller],
        },
        Spec = template.Spec,
    };
}
