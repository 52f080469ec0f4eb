using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1;
using Hanbae.Client;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Controllers.Certificates;

/// <summary>Issues the certificates that were approved for Kubernetes' own signers, within what each of them may sign.</summary>
sealed class Sign(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    const string Client = "kubernetes.io/kube-apiserver-client", Legacy = "kubernetes.io/legacy-unknown";
    static readonly TimeSpan s_shortest = TimeSpan.FromMinutes(10);

    readonly ICache<CertificateSigningRequest> _requests = cluster.Cache<CertificateSigningRequest>();

    public void Watch(Triggers on) => on.When(_requests, e => e.New is { } csr && csr.IsOwed() && IsOurs(csr.Spec.SignerName));

    static bool IsOurs(string signer) => signer is Client or Legacy or KubeletRequests.ClientSigner or KubeletRequests.ServingSigner;

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (options.SigningAuthority?.Invoke() is not { } authority || _requests.Find(key) is not { } csr || !csr.IsOwed() || !IsOurs(csr.Spec.SignerName)) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        var ask = CertificateAsk.TryParse(csr.Spec.Request, out string wrong);
        string? refusal = ask is null ? $"unable to parse csr \"{csr.Metadata.Name}\": {wrong}" : Refusal(csr.Spec.SignerName, ask, csr.Spec.Usages);
        var next = csr;
        if (refusal is null)
        {
            try { next = csr with { Status = csr.Status with { Certificate = Bytes.FromText(Signatures.Sign(authority, ask!, csr.Spec.Usages, Lifetime(csr.Spec.ExpirationSeconds), now)) } }; }
            catch (Exception e) when (e is CryptographicException or ArgumentException or UriFormatException) { refusal = e.Message; }
        }
        if (refusal is not null)
            next = csr.With(new() { Type = Conditions.Failed, Status = "True", Reason = "SignerValidationFailure", Message = refusal, LastUpdateTime = now });
        await cluster.Client.UpdateStatusAsync(next, ct);
        return Again.OnChange;
    }

    TimeSpan Lifetime(int? seconds) => seconds is not { } asked ? options.SigningDuration
        : TimeSpan.FromSeconds(asked) is var life && life < s_shortest ? s_shortest : life < options.SigningDuration ? life : options.SigningDuration;

    /// <summary>Why the signer does not sign that; null when it does.</summary>
    internal static string? Refusal(string signer, CertificateAsk ask, Seq<string> usages) => signer switch
    {
        KubeletRequests.ClientSigner => KubeletRequests.NotClient(ask, usages),
        KubeletRequests.ServingSigner => KubeletRequests.NotServing(ask, usages),
        Client => NotClient(usages),
        // Whatever was approved: who asks for it knows that nobody promises anything (upstream keeps it so).
        _ => null,
    };

    static string? NotClient(Seq<string> usages)
    {
        foreach (string usage in usages)
            if (usage is not ("digital signature" or "key encipherment" or "client auth")) return "invalid usage for client certificate: " + usage;
        return usages.Contains("client auth") ? null : "missing required usage for client certificate: client auth";
    }
}
