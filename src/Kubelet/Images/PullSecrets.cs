using System.Text;
using System.Text.Json;
using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Images;

/// <summary>Finds the logins for an image among a Pod's <c>imagePullSecrets</c>.</summary>
static class PullSecrets
{
    /// <returns>Those of the longest matching address first.</returns>
    public static async Task<IReadOnlyList<PullLogin>> ForAsync(IPodObjects objects, Pod pod, string image, CancellationToken ct)
    {
        var found = new List<(string Key, PullLogin Login)>();
        foreach (var reference in pod.Spec.ImagePullSecrets)
        {
            // As upstream: what is not there is passed over; the pull may succeed without it.
            if (await objects.SecretAsync(pod.Metadata.Namespace, reference.Name, ct).ConfigureAwait(false) is not { } secret) continue;
            if (secret.Data.TryGet(".dockerconfigjson", out var json)) Add(Read(json.Memory, nested: true));
            else if (secret.Data.TryGet(".dockercfg", out json)) Add(Read(json.Memory, nested: false));

            void Add(List<(string Key, AuthConfig Login)> all) => found.AddRange(all.Select(l => (l.Key, new PullLogin(l.Login, secret.Metadata.Uid, secret.Metadata.Namespace, secret.Metadata.Name))));
        }
        string name = ImageName.Normalize(image) ?? image;
        return [.. found.Where(f => Matches(f.Key, name)).OrderByDescending(f => f.Key.Length).Select(f => f.Login)];
    }

    internal static List<(string Key, AuthConfig Login)> Read(ReadOnlyMemory<byte> json, bool nested)
    {
        var found = new List<(string, AuthConfig)>();
        try
        {
            using var document = JsonDocument.Parse(json);
            var auths = document.RootElement;
            if (nested && (auths.ValueKind != JsonValueKind.Object || !auths.TryGetProperty("auths", out auths))) return found;
            if (auths.ValueKind != JsonValueKind.Object) return found;
            foreach (var entry in auths.EnumerateObject())
            {
                var login = new AuthConfig { Username = Text(entry.Value, "username"), Password = Text(entry.Value, "password") };
                if (Text(entry.Value, "auth") is { Length: > 0 } auth && Encoding.UTF8.GetString(Convert.FromBase64String(auth)) is var pair && pair.IndexOf(':') is >= 0 and var colon)
                    (login.Username, login.Password) = (pair[..colon], pair[(colon + 1)..]);
                found.Add((Address(entry.Name), login));
            }
        }
        catch (Exception e) when (e is JsonException or FormatException) { } // an unreadable secret is no login
        return found;
    }

    static string Text(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.String ? v.GetString()! : "";

    /// <summary>Docker writes its registry's address in ways of its own.</summary>
    internal static string Address(string key)
    {
        int scheme = key.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) key = key[(scheme + 3)..];
        key = key.TrimEnd('/');
        if (key.EndsWith("/v1", StringComparison.Ordinal) || key.EndsWith("/v2", StringComparison.Ordinal)) key = key[..^3];
        return key is "index.docker.io" or "registry-1.docker.io" ? "docker.io" : key;
    }

    /// <summary>Host labels may be globs (<c>*.example.io</c>), a path is a prefix.</summary>
    internal static bool Matches(string key, string image)
    {
        int keySlash = key.IndexOf('/'), imageSlash = image.IndexOf('/');
        string host = keySlash < 0 ? key : key[..keySlash], path = keySlash < 0 ? "" : key[keySlash..];
        if (imageSlash < 0 || !image[imageSlash..].StartsWith(path, StringComparison.Ordinal)) return false;
        string[] wanted = host.Split('.'), has = image[..imageSlash].Split('.');
        return wanted.Length == has.Length && wanted.Zip(has).All(p => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(p.First, p.Second, ignoreCase: false));
    }
}

/// <summary>Who a login is of: whoever has the same may have what was pulled with it.</summary>
enum LoginOf { Secret, Account, Node }

/// <summary>A login, and the Secret, or the service account, that it is from; or of the node itself, and so of all its Pods.</summary>
sealed record PullLogin(AuthConfig Login, string Uid, string Namespace, string Name, LoginOf Of = LoginOf.Secret);
