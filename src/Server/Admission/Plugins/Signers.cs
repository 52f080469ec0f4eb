using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Server.Auth;
using Hanbae.Api.Json;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Who may act for a signer: by its name, or for all of its domain.</summary>
static class Signers
{
    public static async ValueTask<bool> MayAsync(IAuthorizer authorizer, AdmissionRequest request, string verb, string signer, CancellationToken ct)
    {
        string[] names = signer.IndexOf('/') is > 0 and var slash ? [signer, signer[..slash] + "/*"] : [signer];
        foreach (string name in names)
        {
            var decision = await authorizer.AuthorizeAsync(new()
            {
                User = request.User, Verb = verb, IsResourceRequest = true, ApiGroup = "certificates.k8s.io", ApiVersion = "*", Resource = "signers", Name = name,
            }, ct).ConfigureAwait(false);
            if (decision.Verdict == Verdict.Allow) return true;
        }
        return false;
    }

    public static bool AreRequests(GroupResource resource) => resource is { Group: "certificates.k8s.io", Resource: "certificatesigningrequests" };
}

/// <summary>Lets only those approve a request for a certificate who may do so for its signer.</summary>
sealed class CertificateApproval(IAuthorizer authorizer) : IAdmission
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Update && subresource == "approval" && Signers.AreRequests(resource);

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.OldObject is CertificateSigningRequest { Spec.SignerName: var signer } && !await Signers.MayAsync(authorizer, request, "approve", signer, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to approve requests with signerName {GoQuote.Text(signer)}");
    }
}

/// <summary>Lets only those issue a certificate who may sign for the request's signer.</summary>
sealed class CertificateSigning(IAuthorizer authorizer) : IAdmission
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Update && subresource == "status" && Signers.AreRequests(resource);

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { OldObject: CertificateSigningRequest old, Object: CertificateSigningRequest now }) return;
        // Only what signers write.
        if (old.Status.Certificate.Span.SequenceEqual(now.Status.Certificate.Span) && old.Status.Conditions == now.Status.Conditions) return;
        if (!await Signers.MayAsync(authorizer, request, "sign", old.Spec.SignerName, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to sign requests with signerName {GoQuote.Text(old.Spec.SignerName)}");
    }
}

/// <summary>Lets nobody ask for a client certificate that makes its owner the cluster's master.</summary>
sealed class CertificateSubjectRestriction : IAdmission
{
    const string ClientSigner = "kubernetes.io/kube-apiserver-client", Organization = "2.5.4.10";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation == Operation.Create && subresource.Length == 0 && Signers.AreRequests(resource);

    public ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not CertificateSigningRequest { Spec: { SignerName: ClientSigner } spec }) return default;
        X500DistinguishedName subject;
        try
        {
            subject = CertificateRequest.LoadSigningRequestPem(spec.Request.ToText(), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation | CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions, RSASignaturePadding.Pkcs1).SubjectName;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException) { throw Refuse.Because(request, "failed to parse csr: " + e.Message); }
        foreach (var part in subject.EnumerateRelativeDistinguishedNames())
            if (part.HasMultipleElements ? part.RawData.Span.IndexOf("system:masters"u8) >= 0 : part.GetSingleElementType().Value == Organization && part.GetSingleElementValue() == Groups.Masters)
                throw Refuse.Because(request, $"use of {ClientSigner} signer with {Groups.Masters} group is not allowed");
        return default;
    }
}

/// <summary>Lets only those publish a signer's authorities who may attest for it.</summary>
sealed class ClusterTrustBundleAttest(IAuthorizer authorizer) : IAdmission
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
        if (!await Signers.MayAsync(authorizer, request, "attest", now.Signer, ct).ConfigureAwait(false))
            throw Refuse.Because(request, $"user not permitted to attest for signerName {GoQuote.Text(now.Signer)}");
    }
}
