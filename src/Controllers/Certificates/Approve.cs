using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Machinery.Pkcs;

namespace Hanbae.Controllers.Certificates;

/// <summary>Approves what kubelets ask for to be clients, when who asks may: for a node that joins, or for itself when it renews.</summary>
/// <remarks>Serving certificates are approved by nobody here, as upstream: whether a node has the names it claims is the cluster owner's to know.</remarks>
sealed class Approve(IClusterAccess cluster) : IReconciler
{
    readonly ICache<CertificateSigningRequest> _requests = cluster.Cache<CertificateSigningRequest>();

    public void Watch(Triggers on) => on.When(_requests, e => e.New is { } csr && csr.IsUndecided() && csr.Spec.SignerName == KubeletRequests.ClientSigner);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_requests.Find(key) is not { } csr || !csr.IsUndecided() || csr.Spec.SignerName != KubeletRequests.ClientSigner) return Again.OnChange;
        if (CertificateAsk.TryParse(csr.Spec.Request, out _) is not { } ask || KubeletRequests.NotClient(ask, csr.Spec.Usages) is not null) return Again.OnChange;
        if (csr.Spec.Username == ask.CommonName && await MayAsync(csr, "selfnodeclient", ct))
            return await ApproveAsync(csr, "Auto approving self kubelet client certificate after SubjectAccessReview.", ct);
        if (await MayAsync(csr, "nodeclient", ct))
            return await ApproveAsync(csr, "Auto approving kubelet client certificate after SubjectAccessReview.", ct);
        // Rights may come later; a person may decide, too.
        return Again.WithBackoff;
    }

    async Task<bool> MayAsync(CertificateSigningRequest csr, string subresource, CancellationToken ct)
    {
        var review = await cluster.Client.CreateAsync(new SubjectAccessReview
        {
            Spec = new()
            {
                User = csr.Spec.Username, Uid = csr.Spec.Uid, Groups = csr.Spec.Groups, Extra = csr.Spec.Extra,
                ResourceAttributes = new() { Group = "certificates.k8s.io", Resource = "certificatesigningrequests", Subresource = subresource, Verb = "create", Version = "*" },
            },
        }, ct);
        return review.Status.Allowed;
    }

    async Task<Again> ApproveAsync(CertificateSigningRequest csr, string message, CancellationToken ct)
    {
        var approved = csr.With(new() { Type = Conditions.Approved, Status = "True", Reason = "AutoApproved", Message = message });
        var result = await cluster.Client.Transport.SendAsync(Requests.Update(approved, "approval"), ct);
        if (result.Code >= 400) throw new ApiException(Answers.StatusOf(result));
        return Again.OnChange;
    }
}
