using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Which proxies may say in headers who somebody is.</summary>
public sealed record FrontProxyOptions
{
    /// <summary>Who signs proxies' certificates: nobody else than proxies, or their holders are anybody they like.</summary>
    public required Func<X509Certificate2Collection> Authorities { get; init; }
    /// <summary>Common names of proxies; empty for any that the authorities signed.</summary>
    public Seq<string> AllowedNames { get; init; } = [];
    public Seq<string> UsernameHeaders { get; init; } = ["X-Remote-User"];
    public Seq<string> UidHeaders { get; init; } = ["X-Remote-Uid"];
    public Seq<string> GroupHeaders { get; init; } = ["X-Remote-Group"];
    public Seq<string> ExtraPrefixes { get; init; } = ["X-Remote-Extra-"];
}

/// <summary>Knows users by what a proxy before this server says of them, if the proxy shows its certificate.</summary>
public sealed class FrontProxy(FrontProxyOptions options, TimeProvider time) : IAuthenticator
{
    readonly ClientCertificates _proxies = new(options.Authorities, time);

    public async ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct)
    {
        // Without a certificate the headers are anybody's: as if they were not there.
        if (request.ClientCertificate is null || First(request, options.UsernameHeaders) is not { Length: > 0 } name) return AuthResult.NoOpinion;
        var proxy = await _proxies.AuthenticateAsync(request, ct).ConfigureAwait(false);
        if (proxy.User is not { } who) return proxy;
        if (!options.AllowedNames.IsEmpty && !options.AllowedNames.Contains(who.Name)) return AuthResult.Rejected($"x509: subject with cn={who.Name} is not in the allowed list");
        var groups = new List<string>();
        foreach (string header in options.GroupHeaders)
            foreach (var (key, value) in request.Headers)
                if (key.Equals(header, StringComparison.OrdinalIgnoreCase)) groups.Add(value);
        var extra = Map.Of<Seq<string>>();
        foreach (string prefix in options.ExtraPrefixes)
            foreach (var (key, value) in request.Headers)
                if (key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && ExtraKey(key[prefix.Length..]) is var k) extra = extra.Set(k, extra[k].Add(value));
        return AuthResult.Known(new(name, groups.ToSeq()) { Uid = First(request, options.UidHeaders), Extra = extra });
    }

    static string First(RequestContext request, Seq<string> headers)
    {
        foreach (string header in headers)
            if (request.Header(header) is { Length: > 0 } value) return value;
        return "";
    }

    /// <summary>Header names know no case and few signs: keys come in small letters and percent-encoded.</summary>
    internal static string ExtraKey(string rest) => Uri.UnescapeDataString(rest.ToLowerInvariant());
}
