using Hanbae.Server.Backends;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>As whom the server comes to webhooks: the users of the kubeconfig file that a <c>WebhookAdmissionConfiguration</c> names, found by the webhook's host.</summary>
/// <param name="users">By name: a host, a host and port, <c>*.</c> and the end of one, or <c>*</c>.</param>
sealed class WebhookUsers(IReadOnlyDictionary<string, WebhookUser> users, string current)
{
    public static WebhookUsers None { get; } = new(new Dictionary<string, WebhookUser>(), "");

    /// <summary>In upstream's order: the whole name, its ends from the longest, the same without the port of HTTPS, anybody, then the file's current user.</summary>
    public WebhookUser? Find(string host, int port)
    {
        string at = $"{host}:{port}";
        return Named(at) ?? (port == 443 ? Named(host) : null) ?? users.GetValueOrDefault("*") ?? users.GetValueOrDefault(current);
    }

    WebhookUser? Named(string target)
    {
        if (users.TryGetValue(target, out var exact)) return exact;
        for (int dot = target.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = target.IndexOf('.', dot + 1))
            if (users.TryGetValue("*" + target[dot..], out var found)) return found;
        return null;
    }
}
