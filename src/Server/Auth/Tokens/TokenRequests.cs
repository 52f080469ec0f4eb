using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission.Plugins;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>Makes tokens for service accounts: <c>POST …/serviceaccounts/x/token</c> (KEP-1205).</summary>
public sealed class TokenRequests(SecurityOptions options, ServedObjects objects, IAuthorizer authorizer) : IRestHandler
{
    const long Shortest = 600, Longest = 1L << 32, Default = 3600;
    /// <summary>What the service account admission plugin asks for: the sign of a Pod's own token.</summary>
    const long PodToken = 3607;
    static readonly TimeSpan Extended = TimeSpan.FromDays(365);
    static readonly GroupResource ServiceAccounts = new("", "serviceaccounts");

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var (ns, name) = (request.Info.Namespace, request.Info.Name);
        var asked = await request.ReadObjectAsync(TokenRequest.Info, ct).ConfigureAwait(false) as TokenRequest ?? throw Statuses.BadRequest("a TokenRequest is required");
        if (options.CurrentServiceAccountKeys() is not [var key, ..]) throw Statuses.NotFound(ServiceAccounts, name);
        if (asked.Metadata.Namespace.Length > 0 && asked.Metadata.Namespace != ns) throw Statuses.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (asked.Metadata.Name.Length > 0 && asked.Metadata.Name != name)
            throw Statuses.Invalid(TokenRequest.Info.Gvk, name, [FieldError.Invalid("metadata.name", asked.Metadata.Name, "must match the service account name if specified")]);
        var account = await objects.FindAsync<ServiceAccount>(ns, name, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(ServiceAccounts, name);
        if (asked.Metadata.Uid.Length > 0 && asked.Metadata.Uid != account.Metadata.Uid)
            throw Statuses.Conflict(new("authentication.k8s.io", "TokenRequest"), name, $"the UID in the token request ({asked.Metadata.Uid}) does not match the UID of the service account ({account.Metadata.Uid})");
        var spec = asked.Spec with
        {
            ExpirationSeconds = asked.Spec.ExpirationSeconds ?? Default, Audiences = asked.Spec.Audiences.IsEmpty ? options.ApiAudiences : asked.Spec.Audiences,
        };
        Validate(spec);
        await NodeRestriction.CheckTokenAsync(objects, authorizer, request.User, ns, name, asked.Spec, ct).ConfigureAwait(false);
        var claims = await ClaimsAsync(account, spec, ct).ConfigureAwait(false);
        if (options.MaxTokenLifetime is { } most && spec.ExpirationSeconds > (long)most.TotalSeconds)
        {
            request.Warnings.Add($"requested expiration of {spec.ExpirationSeconds} seconds shortened to {(long)most.TotalSeconds} seconds");
            spec = spec with { ExpirationSeconds = (long)most.TotalSeconds };
        }
        request.AuditAnnotations.Add("authentication.kubernetes.io/issued-credential-id", "JTI=" + claims.Id);
        long told = claims.WarnAfter > 0 ? claims.WarnAfter : claims.Expires;
        return Reply.Object(asked with
        {
            Metadata = asked.Metadata with { Name = name, Namespace = ns, Uid = account.Metadata.Uid, CreationTimestamp = DateTimeOffset.FromUnixTimeSeconds(claims.IssuedAt) },
            Spec = spec,
            Status = new() { Token = Jwt.Sign(key, claims.ToJson()), ExpirationTimestamp = DateTimeOffset.FromUnixTimeSeconds(told) },
        }, 201);
    }

    static void Validate(TokenRequestSpec spec)
    {
        var errors = new List<FieldError>();
        if (spec.ExpirationSeconds < Shortest) errors.Add(FieldError.Invalid("spec.expirationSeconds", spec.ExpirationSeconds.Value, "may not specify a duration less than 10 minutes"));
        if (spec.ExpirationSeconds > Longest) errors.Add(FieldError.Invalid("spec.expirationSeconds", spec.ExpirationSeconds.Value, "may not specify a duration larger than 2^32 seconds"));
        if (errors.Count > 0) throw Statuses.Invalid(TokenRequest.Info.Gvk, "", errors);
    }

    async ValueTask<Claims> ClaimsAsync(ServiceAccount account, TokenRequestSpec spec, CancellationToken ct)
    {
        long now = options.Time.GetUtcNow().ToUnixTimeSeconds(), seconds = spec.ExpirationSeconds!.Value;
        if (options.MaxTokenLifetime is { } most && seconds > (long)most.TotalSeconds) seconds = (long)most.TotalSeconds;
        var claims = new Claims
        {
            Issuer = options.Issuer, Audiences = spec.Audiences, IssuedAt = now, NotBefore = now, Expires = now + seconds, Id = Guid.NewGuid().ToString(),
            Namespace = account.Metadata.Namespace, ServiceAccount = new(account.Metadata.Name, account.Metadata.Uid),
        };
        if (spec.BoundObjectRef is { } reference) claims = await BindAsync(claims, account, reference, ct).ConfigureAwait(false);
        // Clients that read their token only once must not fail after an hour: upstream's extended tokens.
        return options.ExtendTokens && claims.Pod is not null && seconds == PodToken && spec.Audiences == options.ApiAudiences
            ? claims with { WarnAfter = claims.Expires, Expires = now + (long)Extended.TotalSeconds } : claims;
    }

    async ValueTask<Claims> BindAsync(Claims claims, ServiceAccount account, BoundObjectReference reference, CancellationToken ct)
    {
        string ns = claims.Namespace;
        switch (reference.Kind, reference.ApiVersion)
        {
            case ("Pod", "v1"):
                var pod = Same(await objects.FindAsync<Pod>(ns, reference.Name, ct).ConfigureAwait(false), reference, "pods");
                if (pod.Spec.ServiceAccountName != account.Metadata.Name)
                    throw Statuses.BadRequest($"cannot bind token for serviceaccount {FieldError.Quoted(account.Metadata.Name)} to pod running with different serviceaccount name.");
                if (pod.Spec.NodeName.Length > 0 && await objects.FindAsync<Node>("", pod.Spec.NodeName, ct).ConfigureAwait(false) is { } on)
                    claims = claims with { Node = new(on.Metadata.Name, on.Metadata.Uid) };
                else if (pod.Spec.NodeName.Length > 0) claims = claims with { Node = new(pod.Spec.NodeName, "") };
                return claims with { Pod = new(pod.Metadata.Name, pod.Metadata.Uid) };
            case ("Secret", "v1"):
                var secret = Same(await objects.FindAsync<Secret>(ns, reference.Name, ct).ConfigureAwait(false), reference, "secrets");
                return claims with { Secret = new(secret.Metadata.Name, secret.Metadata.Uid) };
            case ("Node", "v1"):
                var node = Same(await objects.FindAsync<Node>("", reference.Name, ct).ConfigureAwait(false), reference, "nodes");
                return claims with { Node = new(node.Metadata.Name, node.Metadata.Uid) };
            default:
                string version = reference.ApiVersion.Length == 0 ? "/" : GroupVersion.Parse(reference.ApiVersion)?.ToString() ?? reference.ApiVersion;
                throw Statuses.BadRequest($"cannot bind token to object of type {version}, Kind={reference.Kind}");
        }
    }

    static T Same<T>(T? obj, BoundObjectReference reference, string resource) where T : class, IObject
    {
        if (obj is null) throw Statuses.NotFound(new("", resource), reference.Name);
        if (reference.Uid.Length > 0 && reference.Uid != obj.Metadata.Uid)
            throw Statuses.Conflict(new("", reference.Kind), reference.Name,
                $"the UID in the bound object reference ({reference.Uid}) does not match the UID in record. The object might have been deleted and then recreated");
        return obj;
    }
}
