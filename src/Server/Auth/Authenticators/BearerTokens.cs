using System.Buffers.Text;
using System.Text;
using Hanbae.Api;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Knows users by the token in their <c>Authorization</c> header: asks each sort of token in turn.</summary>
/// <param name="audiences">What this server is called in tokens.</param>
public sealed class BearerTokens(IReadOnlyList<ITokenAuthenticator> sorts, Seq<string> audiences) : IAuthenticator
{
    const string WebSocketProtocol = "base64url.bearer.authorization.k8s.io.";

    /// <summary>A token that nobody knows is no reason to be anonymous: as upstream, the request is refused.</summary>
    public async ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct)
    {
        if (TokenOf(request) is not { Length: > 0 } token) return AuthResult.NoOpinion;
        var result = await CheckAsync(token, audiences, ct).ConfigureAwait(false);
        if (result.Note is { } note)
        {
            request.AuditAnnotations.Add(note.Annotation, note.Value);
            if (note.Warning is { } warning) request.Warnings.Add(warning);
        }
        return result.User is { } user ? AuthResult.Known(user) : AuthResult.Rejected(result.Error ?? "invalid bearer token");
    }

    /// <summary>What the sorts of tokens say of one, for requests and for TokenReview.</summary>
    /// <param name="asked">The audiences that would do.</param>
    public async ValueTask<TokenResult> CheckAsync(string token, Seq<string> asked, CancellationToken ct)
    {
        string? error = null;
        TokenNote? note = null;
        foreach (var sort in sorts)
        {
            var result = await sort.AuthenticateAsync(token, asked, ct).ConfigureAwait(false);
            if (result.User is not { } user)
            {
                error ??= result.Error;
                note ??= result.Note;
                continue;
            }
            // Tokens without audiences are meant for this server.
            var matching = result.Audiences.IsNil ? asked.Where(audiences.Contains).ToSeq() : result.Audiences;
            if (matching.IsEmpty) continue;
            return TokenResult.Known(Groups.WithAuthenticated(user), matching) with { Note = result.Note };
        }
        return error is null ? TokenResult.NoOpinion : TokenResult.Rejected(error) with { Note = note };
    }

    public Seq<string> Audiences => audiences;

    static string? TokenOf(RequestContext request)
    {
        string header = request.Header("Authorization");
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return header[7..].Trim();
        // Browsers cannot set headers on websockets: the token comes as a subprotocol.
        if (request.Header("Sec-WebSocket-Protocol") is not { Length: > 0 } protocols) return null;
        foreach (string part in protocols.Split(','))
            if (part.Trim() is var protocol && protocol.StartsWith(WebSocketProtocol, StringComparison.Ordinal) && Base64Url.IsValid(protocol.AsSpan(WebSocketProtocol.Length)))
                return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(protocol.AsSpan(WebSocketProtocol.Length)));
        return null;
    }
}
