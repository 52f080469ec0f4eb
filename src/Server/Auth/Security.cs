using System.Collections.Immutable;
using Hanbae.Server.Admission;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Auth.Reviews;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth;

/// <summary>Everything about who may do what, put together for a server: <see cref="AddTo"/> its options, make it, then let it be looked into by <see cref="Objects"/>.</summary>
public sealed class Security
{
    const string Authentication = "authentication.k8s.io", Authorization = "authorization.k8s.io";

    public Security(SecurityOptions options)
    {
        Objects = new(options.SoleWriter);
        var rbac = new RbacAuthorizer(new(Objects));
        Authorizers = Auth.Authorizers.Catalog.Of(Objects, rbac);
        Authorizer = new AuthorizerChain(Authorizers);
        var serviceAccounts = new ServiceAccountTokens(options.Issuer, options.ServiceAccountKeys, Objects, options.Time);
        var tokens = new BearerTokens(Auth.Authenticators.Catalog.Tokens(options, Objects, serviceAccounts), options.ApiAudiences);
        Authenticators = Auth.Authenticators.Catalog.Of(options, tokens);
        Admission = AdmissionCatalog.Of(options.Admission, Objects, Authorizer, options.Time, new Escalation(rbac, Authorizer));
        var access = new AccessReviews(Authorizer);
        Rest =
        [
            new("", "serviceaccounts", "token", new OnlyCreate(new TokenRequests(options, Objects))),
            new(Authentication, "tokenreviews", "", new OnlyCreate(new TokenReviews(tokens))),
            new(Authentication, "selfsubjectreviews", "", new OnlyCreate(new SelfSubjectReviews(options.Time))),
            new(Authorization, "subjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "localsubjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "selfsubjectaccessreviews", "", new OnlyCreate(access)),
            new(Authorization, "selfsubjectrulesreviews", "", new OnlyCreate(new RulesReviews(rbac))),
        ];
        Paths = options.ServiceAccountKeys.IsEmpty ? [] : [.. IssuerDiscovery.Routes(options)];
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
        Authenticators = Authenticators, Authorizers = Authorizers, Admission = Admission, Rest = [.. options.Rest, .. Rest], Paths = [.. options.Paths, .. Paths],
    };
}
