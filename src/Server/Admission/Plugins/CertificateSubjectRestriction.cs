using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Pkcs;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Keeps system:masters, whom nothing is refused, out of certificates that can be asked for.</summary>
sealed class CertificateSubjectRestriction : IValidates
{
    const string Signer = "kubernetes.io/kube-apiserver-client";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && resource is { Group: "certificates.k8s.io", Resource: "certificatesigningrequests" };

    public ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not CertificateSigningRequest { Spec.SignerName: Signer } csr) return default;
        if (CertificateAsk.TryParse(csr.Spec.Request, out string reason) is not { } ask) throw Refuse.Because(request, "failed to parse CSR: " + reason);
        return ask.Organizations.Contains(Groups.Masters) ? throw Refuse.Because(request, $"use of {Signer} signer with system:masters group is not allowed") : default;
    }
}
