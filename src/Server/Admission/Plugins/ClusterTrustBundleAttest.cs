using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets only those publish a signer's authorities who may attest for it.</summary>
sealed class ClusterTrustBundleAttest(IAuthorizer authorizer) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation is Operation.Create or Operation.Update && subresource.Length == 0 && resource is { Group: "certificates.k8s.io", Resource: "clustertrustbundles" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        static (string Signer, string Bundle)? SpecOf(IKind? obj) => obj switch
        {
            Api.Certificates.V1beta1.ClusterTrustBundle o => (o.Spec.SignerName, o.Spec.TrustBundle),
            Api.Certificates.V1alpha1.ClusterTrustBundle o => (o.Spec.SignerName, o.Spec.TrustBundle),
            _ => null,
        };
        if (SpecOf(request.Object) is not { Signer.Length: > 0 } now || request.Operation == Operation.Update && SpecOf(request.OldObject) == now) return;
        if (!await SignerRights.AllowsAsync(authorizer, request.User, "attest", now.Signer, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to attest for signerName {GoQuote.Text(now.Signer)}");
    }
}
