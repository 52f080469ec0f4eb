using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api;

namespace Hanbae.Machinery.Convert;

/// <summary>Tells from a certificate request which signer it was for, when nobody had to say: kubelets' requests are known by their subject.</summary>
static class SigningSubject
{
    const string Client = "kubernetes.io/kube-apiserver-client-kubelet", Serving = "kubernetes.io/kubelet-serving", Unknown = "kubernetes.io/legacy-unknown";

    public static string Signer(Bytes pem, Seq<string> usages)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequestPem(Encoding.UTF8.GetString(pem.Span), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation | CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            string[] groups = [.. Values(request.SubjectName, "2.5.4.10")], names = [.. Values(request.SubjectName, "2.5.4.3")];
            if (groups is not ["system:nodes"] || names is not [{ } name] || !name.StartsWith("system:node:", StringComparison.Ordinal)) return Unknown;
            bool alternatives = request.CertificateExtensions.Any(e => e.Oid?.Value == "2.5.29.17");
            var asked = usages.ToHashSet();
            if (!alternatives && (asked.SetEquals(["key encipherment", "digital signature", "client auth"]) || asked.SetEquals(["digital signature", "client auth"]))) return Client;
            return alternatives && (asked.SetEquals(["key encipherment", "digital signature", "server auth"]) || asked.SetEquals(["digital signature", "server auth"])) ? Serving : Unknown;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or AsnContentException) { return Unknown; }
    }

    static IEnumerable<string> Values(X500DistinguishedName name, string oid)
    {
        foreach (var part in name.EnumerateRelativeDistinguishedNames())
            if (!part.HasMultipleElements && part.GetSingleElementType().Value == oid && part.GetSingleElementValue() is { } value) yield return value;
    }
}
