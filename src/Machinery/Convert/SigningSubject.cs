using Hanbae.Api;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Machinery.Convert;

/// <summary>Tells from a certificate request which signer it was for, when nobody had to say: kubelets' requests are known by their subject.</summary>
static class SigningSubject
{
    const string Unknown = "kubernetes.io/legacy-unknown";

    public static string Signer(Bytes pem, Seq<string> usages) =>
        CertificateAsk.TryParse(pem, out _) is not { } ask ? Unknown
        : KubeletRequests.NotClient(ask, usages) is null ? KubeletRequests.ClientSigner
        : KubeletRequests.NotServing(ask, usages) is null ? KubeletRequests.ServingSigner : Unknown;
}
