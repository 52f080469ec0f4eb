using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.BootstrapTokens;

/// <summary>A token by which machines join, as it stands in a Secret of kube-system.</summary>
sealed partial record BootstrapToken(string Id, string Secret, bool Signs)
{
    public const string Namespace = "kube-system", Type = "bootstrap.kubernetes.io/token";

    [GeneratedRegex(@"\Abootstrap-token-([a-z0-9]{6})\z")]
    private static partial Regex NameForm();

    /// <summary>Null when the Secret is none, or is not right. Its own part may be any: who joins is asked for more, who signs is not.</summary>
    public static BootstrapToken? Of(Secret secret)
    {
        string Data(string key) => secret.Data[key].ToText();
        string id = Data("token-id"), own = Data("token-secret");
        return secret is { Type: Type, Metadata.Namespace: Namespace } && NameForm().Match(secret.Metadata.Name) is { Success: true } name && name.Groups[1].ValueSpan.SequenceEqual(id) && own.Length > 0
            ? new(id, own, Data("usage-bootstrap-signing") == "true") : null;
    }

    /// <summary>When it ends; null for never. What cannot be read has ended, as upstream.</summary>
    public static DateTimeOffset? EndOf(Secret secret) =>
        secret.Data["expiration"] is not { Length: > 0 } text ? null : Timestamps.TryParse(text.Span, out var end) ? end : DateTimeOffset.MinValue;
}
