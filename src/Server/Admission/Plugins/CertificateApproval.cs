using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets only those decide on certificate requests who may approve for the signer that is asked.</summary>
sealed class CertificateApproval(IAuthorizer authorizer) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource == "approval" && resource is { Group: "certificates.k8s.io", Resource: "certificatesigningrequests" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.OldObject is CertificateSigningRequest csr && !await SignerRights.AllowsAsync(authorizer, request.User, "approve", csr.Spec.SignerName, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to approve requests with signerName {FieldError.Quoted(csr.Spec.SignerName)}");
    }
}
