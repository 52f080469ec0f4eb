using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Knows machines that are about to join: <c>id.secret</c> tokens that stand in Secrets of kube-system.</summary>
public sealed partial class BootstrapTokens(ServedObjects objects, TimeProvider time) : ITokenAuthenticator
{
    const string SecretType = "bootstrap.kubernetes.io/token";

    [GeneratedRegex(@"\A([a-z0-9]{6})\.([a-z0-9]{16})\z")]
    private static partial Regex Token();

    [GeneratedRegex(@"\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z")]
    private static partial Regex Group();

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        if (Token().Match(token) is not { Success: true } match) return TokenResult.NoOpinion;
        var (id, secret) = (match.Groups[1].Value, match.Groups[2].Value);
        var found = await objects.FindAsync<Secret>("kube-system", "bootstrap-token-" + id, ct).ConfigureAwait(false);
        if (found is not { Type: SecretType, Metadata.DeletionTimestamp: null }) return TokenResult.NoOpinion;
        string Of(string key) => found.Data[key].ToText();
        if (!Digest.Same(Of("token-secret"), secret) || Of("token-id") != id || Of("usage-bootstrap-authentication") != "true") return TokenResult.NoOpinion;
        // What cannot be read has ended.
        if (found.Data["expiration"] is { Length: > 0 } until && (!Timestamps.TryParse(until.Span, out var end) || end <= time.GetUtcNow())) return TokenResult.NoOpinion;
        string[] extra = Of("auth-extra-groups").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // One group that is not a bootstrapper's makes the whole token void, as upstream.
        if (!extra.All(Group().IsMatch)) return TokenResult.NoOpinion;
        return TokenResult.Known(new("system:bootstrap:" + id, [Groups.Bootstrappers, .. extra.Distinct().Order(StringComparer.Ordinal)]));
    }
}
