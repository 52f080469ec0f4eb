using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;

namespace Hanbae.Host.Components;

/// <summary>Knows users by certificate, or by a front proxy's word, as the cluster tells its extensions to: by the ConfigMap <c>extension-apiserver-authentication</c>, as it is now.</summary>
sealed class ClusterTrust : IAuthenticator
{
    const string Namespace = "kube-system", Name = "extension-apiserver-authentication";

    readonly ICache<ConfigMap> _maps;
    readonly TimeProvider _time;
    volatile Told _told = new(null, []);

    sealed record Told(ConfigMap? By, IAuthenticator[] Authenticators);

    public ClusterTrust(InformerFactory informers, TimeProvider time)
    {
        _maps = informers.Cache<ConfigMap>(new ListQuery { Namespace = Namespace, FieldSelector = "metadata.name=" + Name });
        _time = time;
    }

    /// <summary>The cluster has said whom to believe, or that there is nobody.</summary>
    public Task WhenKnownAsync(CancellationToken ct) => _maps.WhenSyncedAsync(ct);

    public async ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct)
    {
        string? error = null;
        foreach (var authenticator in Now())
        {
            var result = await authenticator.AuthenticateAsync(request, ct);
            if (result.User is not null) return result;
            error ??= result.Error;
        }
        return error is null ? AuthResult.NoOpinion : AuthResult.Rejected(error);
    }

    IAuthenticator[] Now()
    {
        var map = _maps.Find(new(Namespace, Name));
        if (ReferenceEquals(map, _told.By)) return _told.Authenticators;
        // Written by hand, it may say what makes no sense: then that part tells of nobody.
        IAuthenticator?[] all = map is null ? [] : [Proxy(map.Data), Clients(map.Data)];
        return (_told = new(map, [.. all.OfType<IAuthenticator>()])).Authenticators;
    }

    ClientCertificates? Clients(Map<string> data) => Authorities(data["client-ca-file"]) is { } authorities ? new(authorities, _time) : null;

    FrontProxy? Proxy(Map<string> data) =>
        Authorities(data["requestheader-client-ca-file"]) is { } authorities
        // An empty list of names lets in whoever the authorities vouch for: one that cannot be read must not.
        && Names(data["requestheader-allowed-names"]) is { } allowed && Names(data["requestheader-username-headers"]) is { } users
        && Names(data["requestheader-uid-headers"]) is { } uids && Names(data["requestheader-group-headers"]) is { } groups
        && Names(data["requestheader-extra-headers-prefix"]) is { } extra
            ? new(new() { Authorities = () => authorities, AllowedNames = allowed, UsernameHeaders = users, UidHeaders = uids, GroupHeaders = groups, ExtraPrefixes = extra }, _time) : null;

    static X509Certificate2Collection? Authorities(string? pem)
    {
        if (string.IsNullOrEmpty(pem)) return null;
        var all = new X509Certificate2Collection();
        try { all.ImportFromPem(pem); }
        catch (CryptographicException) { return null; }
        return all.Count > 0 ? all : null;
    }

    /// <returns>Null for what is no list of texts.</returns>
    static Seq<string>? Names(string? list)
    {
        if (string.IsNullOrEmpty(list)) return default(Seq<string>);
        try
        {
            if (JsonValue.Parse(list) is not JsonArray names || !names.Items.All(n => n is JsonString)) return null;
            return names.Items.Select(n => ((JsonString)n).Value).ToSeq();
        }
        catch (JsonSyntaxException) { return null; }
    }
}
