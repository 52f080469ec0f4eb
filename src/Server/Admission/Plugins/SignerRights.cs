using Hanbae.Api.Rest;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Asks whether somebody may act for a signer: rights are given by the signer's name, or for all of a domain as <c>example.com/*</c>.</summary>
static class SignerRights
{
    /// <param name="verb">approve, sign or attest.</param>
    public static async ValueTask<bool> AllowsAsync(IAuthorizer authorizer, Identity user, string verb, string signer, CancellationToken ct)
    {
        if (await AskAsync(signer).ConfigureAwait(false)) return true;
        int slash = signer.IndexOf('/');
        return slash >= 0 && await AskAsync(signer[..slash] + "/*").ConfigureAwait(false);

        async ValueTask<bool> AskAsync(string name) => (await authorizer.AuthorizeAsync(new()
        {
            User = user, Verb = verb, IsResourceRequest = true, ApiGroup = "certificates.k8s.io", ApiVersion = "*", Resource = "signers", Name = name,
        }, ct).ConfigureAwait(false)).Verdict == Verdict.Allow;
    }
}
