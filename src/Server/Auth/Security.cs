using System.Collections.Immutable;
using Hanbae.Server.Admission;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Authorizers;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Oidc;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Auth.Reviews;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Auth.Webhooks;
using Hanbae.Server.Cache;
using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Auth;

/// <summary>Everything about who may do what, put together for a server: <see cref="AddTo"/> its options, make it, then let it be looked into by <see cref="Objects"/>.</summary>
public sealed class Security : IDisposable
{
    const string Authentication = "authentication.k8s.io", Authorization = "authorization.k8s.io";

    readonly SecurityOptions _options;
    readonly JwtAuthenticators _issuers;
    readonly Configured _authorizers;
    readonly TokenWebhook? _tokenWebhook;
    readonly ImmutableArray<WatchedFile> _files;

    /// <exception cref="FormatException">A configuration file is wrong; the message says where.</exception>
    public Security(SecurityOptions options)
    {
        _options = options;
        Objects = new(options.SoleWriter);
        var rbac = new RbacAuthorizer(new(Objects));
        _authorizers = new(new NodeAuthorizer(Objects), rbac, options.Time);
        Authorizer = _authorizers;
        Authorizers = [_authorizers];
        _issuers = new(options.Time);
        _tokenWebhook = options.TokenWebhook is { } webhook ? new(webhook, options.Time) : null;
        _files = [.. Files(options)];
        foreach (var file in _files) file.Load();
        var serviceAccounts = new ServiceAccountTokens(options.Issuer, options.CurrentServiceAccountKeys, Objects, options.Time);
        var legacy = new LegacyTokens(options.CurrentServiceAccountKeys, Objects, options.Time);
        var tokens = new BearerTokens(
            // The webhook last: it is the only one that cannot tell by the token whether it is the one to ask.
            Auth.Authenticators.Catalog.Tokens(options, Objects, _tokenWebhook is null ? [serviceAccounts, _issuers, legacy] : [serviceAccounts, _issuers, legacy, _tokenWebhook]), options.ApiAudiences);
        Authenticators = Auth.Authenticators.Catalog.Of(options, tokens);
        Admission = AdmissionCatalog.Of(options.Admission, Objects, Authorizer, options.Time, new Escalation(rbac, Authorizer), new Hanbae.Server.Admission.Plugins.PodCertificateSigning(Authorizer),
            new Hanbae.Server.Admission.Plugins.DeviceAdminAccess(Objects), new Hanbae.Server.Admission.Plugins.ClaimStatusRights(Authorizer));
        var access = new AccessReviews(Authorizer);
        Rest =
        [
            new("", "serviceaccounts", "token", new OnlyCreate(new TokenRequests(options, Objects, Authorizer))),
            new(Authentication, "tokenreviews", "", new OnlyCreate(new TokenReviews(tokens))),
            new(Authentication, "selfsubjectreviews", "", new OnlyCreate(new SelfSubjectReviews(options.Time))),
            new(Authorization, "subjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "localsubjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "selfsubjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "selfsubjectrulesreviews", "", new OnlyCreate(new RulesReviews(rbac, () => _authorizers.Config))),
        ];
        Paths = options.CurrentServiceAccountKeys().IsEmpty ? [] : [.. IssuerDiscovery.Routes(options)];
    }

    public ServedObjects Objects { get; }
    public IAuthorizer Authorizer { get; }
    public ImmutableArray<IAuthenticator> Authenticators { get; }
    public ImmutableArray<IAuthorizer> Authorizers { get; }
    public ImmutableArray<IAdmission> Admission { get; }
    public ImmutableArray<RestRoute> Rest { get; }
    public ImmutableArray<PathRoute> Paths { get; }

    public ServerOptions AddTo(ServerOptions options) => options with
    {
        Authenticators = Authenticators, Authorizers = Authorizers, Admission = Admission, Rest = [.. options.Rest, .. Rest], Paths = [.. options.Paths, .. Paths], AnonymousAt = AllowsAnonymous,
    };

    bool AllowsAnonymous(string path) => _issuers.Anonymous?.Allows(path) ?? _options.Anonymous;

    IEnumerable<WatchedFile> Files(SecurityOptions options)
    {
        _issuers.Use(options.Authentication);
        if (options.AuthenticationFile is { } authentication)
            yield return new(authentication, text => _issuers.Use(AuthenticationConfiguration.Parse(text, options.Issuer)), options.Time, options.Logger);
        if (options.AuthorizationFile is { } authorization)
            yield return new(authorization, text => _authorizers.Use(AuthorizationConfiguration.Parse(text)), options.Time, options.Logger);
        else _authorizers.Use(AuthorizationConfiguration.Checked(options.Authorization));
    }

    /// <summary>Looks at the configuration files now rather than in a few seconds.</summary>
    /// <returns>Whether one changed and was taken over.</returns>
    public bool Reload() => _files.Aggregate(false, (any, file) => file.Reload() || any);

    /// <summary>Follows the configuration files.</summary>
    public async Task RunAsync(CancellationToken ct) => await (await Task.WhenAny([.. _files.Select(f => f.RunAsync(ct)), Task.Delay(Timeout.Infinite, ct)]).ConfigureAwait(false)).ConfigureAwait(false);

    public void Dispose()
    {
        _issuers.Dispose();
        _authorizers.Dispose();
        _tokenWebhook?.Dispose();
    }
}
