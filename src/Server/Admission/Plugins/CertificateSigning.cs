using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets only those issue certificates, or say that they will not, who may sign for the signer that is asked.</summary>
sealed class CertificateSigning(IAuthorizer authorizer) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource == "status" && resource is { Group: "certificates.k8s.io", Resource: "certificatesigningrequests" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: CertificateSigningRequest csr, OldObject: CertificateSigningRequest old }) return;
        // Annotations are anybody's who may update the status.
        if (csr.Status.Certificate == old.Status.Certificate && csr.Status.Conditions == old.Status.Conditions) return;
        if (!await SignerRights.AllowsAsync(authorizer, request.User, "sign", old.Spec.SignerName, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to sign requests with signerName {FieldError.Quoted(old.Spec.SignerName)}");
    }
}
