using System.Globalization;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.BootstrapTokens;

/// <summary>A token by which machines join, as it stands in a Secret of kube-system.</summary>
sealed record BootstrapToken(string Id, string Secret, bool Signs)
{
    public const string Namespace = "kube-system", Type = "bootstrap.kubernetes.io/token", Prefix = "bootstrap-token-";

    /// <summary>Null when the Secret is none, or is not right.</summary>
    public static BootstrapToken? Of(Secret secret)
    {
        string Data(string key) => secret.Data[key].ToText();
        string id = Data("token-id"), own = Data("token-secret");
        return secret is { Type: Type, Metadata: { Namespace: Namespace, DeletionTimestamp: null } } && secret.Metadata.Name == Prefix + id && id.Length == 6 && own.Length == 16
            ? new(id, own, Data("usage-bootstrap-signing") == "true") : null;
    }

    /// <summary>When it ends; null for never. What cannot be read has ended, as upstream.</summary>
    public static DateTimeOffset? EndOf(Secret secret) =>
        secret.Data["expiration"].ToText() is not { Length: > 0 } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end) ? end : DateTimeOffset.MinValue;
}
