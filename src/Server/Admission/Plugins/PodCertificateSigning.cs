using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets only those give Pods certificates who may sign for the signer that is asked. Upstream's storage checks it, so no plugin can be turned off to go without.</summary>
sealed class PodCertificateSigning(IAuthorizer authorizer) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource == "status" && resource is { Group: "certificates.k8s.io", Resource: "podcertificaterequests" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: PodCertificateRequest now, OldObject: PodCertificateRequest old } || now.Status.CertificateChain == old.Status.CertificateChain) return;
        if (await SignerRights.AllowsAsync(authorizer, request.User, "sign", old.Spec.SignerName, ct).ConfigureAwait(false)) return;
        throw Statuses.Invalid(PodCertificateRequest.Info.Gvk, old.Metadata.Name,
            [FieldError.Forbidden("spec.signerName", $"User {FieldError.Quoted(request.User.Name)} is not permitted to \"sign\" for signer {FieldError.Quoted(old.Spec.SignerName)}")]);
    }
}
