using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.BootstrapTokens;

/// <summary>Signs the public ConfigMap <c>cluster-info</c> with each token for joining, so that who holds a token can believe what it says before knowing anybody.</summary>
sealed class SignClusterInfo(IClusterAccess cluster) : IReconciler
{
    const string Namespace = "kube-public", Name = "cluster-info", Content = "kubeconfig", SignaturePrefix = "jws-kubeconfig-";

    static readonly Key s_key = new(Namespace, Name);

    readonly ICache<Secret> _tokens = cluster.Cache<Secret>(new() { Namespace = BootstrapToken.Namespace });
    readonly ICache<ConfigMap> _maps = cluster.Cache<ConfigMap>(new() { Namespace = Namespace, FieldSelector = "metadata.name=" + Name });

    public void Watch(Triggers on) => on.Each(_maps).Map(_tokens, s => s.Type == BootstrapToken.Type ? [s_key] : []);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_maps.Find(s_key) is not { } map || map.Data[Content] is not { } content) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        DateTimeOffset? next = null;
        var data = map.Data.Where(e => !e.Key.StartsWith(SignaturePrefix, StringComparison.Ordinal)).ToDictionary(e => e.Key, e => e.Value);
        foreach (var secret in _tokens.All)
        {
            if (BootstrapToken.Of(secret) is not { Signs: true } token) continue;
            var end = BootstrapToken.EndOf(secret);
            if (end <= now) continue;
            if (end is not null && (next is null || end < next)) next = end;
            data[SignaturePrefix + token.Id] = Detached(content, token);
        }
        var signed = Map.Of([.. data.Select(e => (e.Key, e.Value))]);
        if (signed != map.Data) await cluster.Client.UpdateAsync(map with { Data = signed }, ct);
        return next is { } at ? Again.At(at) : Again.OnChange;
    }

    /// <summary>A JSON Web Signature (RFC 7515) by HMAC-SHA256, with its content left out.</summary>
    internal static string Detached(string content, BootstrapToken token)
    {
        string header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{{\"alg\":\"HS256\",\"kid\":\"{token.Id}\"}}"));
        byte[] signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(token.Secret), Encoding.UTF8.GetBytes(header + "." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(content))));
        return $"{header}..{Base64Url.EncodeToString(signature)}";
    }
}
