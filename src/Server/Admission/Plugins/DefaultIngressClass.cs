using Hanbae.Api;
using Hanbae.Api.Networking.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives Ingresses that name no class the default one, if there is one.</summary>
sealed class DefaultIngressClass(ServedObjects objects) : IMutates
{
    const string Default = "ingressclass.kubernetes.io/is-default-class", Legacy = "kubernetes.io/ingress.class";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && resource is { Group: "networking.k8s.io", Resource: "ingresses" };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not Ingress { Spec.IngressClassName: null } ingress || ingress.Metadata.Annotations.ContainsKey(Legacy)) return request.Object;
        var chosen = (await objects.ListAsync<IngressClass>("", ct).ConfigureAwait(false)).Where(c => c.Metadata.Annotations[Default] == "true")
            .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
        return chosen is null ? ingress : ingress with { Spec = ingress.Spec with { IngressClassName = chosen.Metadata.Name } };
    }
}
