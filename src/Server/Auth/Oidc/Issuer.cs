using System.Collections.Immutable;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>An OpenID issuer elsewhere: finds its keys by discovery, and finds them again when a token is signed with one it does not know.</summary>
/// <remarks>
/// Bounds: one request to the issuer at a time, none sooner than a second after the last, a megabyte per answer, ten seconds per request. Keys
/// older than ten minutes are asked for again, so that one that was withdrawn does not sign for ever; those before serve until there are new ones.
/// </remarks>
sealed class Issuer : IDisposable
{
    const int MostBytes = 1 << 20, MostKeys = 256;
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_pause = TimeSpan.FromSeconds(1), s_fresh = TimeSpan.FromMinutes(10);

    readonly JwtIssuer _issuer;
    readonly TimeProvider _time;
    readonly HttpClient _http;
    readonly SemaphoreSlim _gate = new(1, 1);
    volatile KeySet? _keys;
    DateTimeOffset _asked = DateTimeOffset.MinValue;
    string _why = "";

    sealed record KeySet(ImmutableArray<WebKey> Keys, DateTimeOffset Since);

    public Issuer(JwtIssuer issuer, TimeProvider time)
    {
        (_issuer, _time) = (issuer, time);
        _http = new(new SocketsHttpHandler
        {
            UseCookies = false, ConnectTimeout = s_patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            SslOptions = BackendTls.Trusting(issuer.CertificateAuthority.Length > 0 ? Bytes.FromText(issuer.CertificateAuthority) : default),
        })
        { Timeout = s_patience, MaxResponseContentBufferSize = MostBytes };
    }

    /// <returns>Why the signature is none of this issuer's; null when it is.</returns>
    public async ValueTask<string?> CheckAsync(Jwt jwt, CancellationToken ct)
    {
        var known = _keys;
        if (known is null || known.Since + s_fresh < _time.GetUtcNow()) known = await AskAsync(known, ct).ConfigureAwait(false);
        if (known is null) return $"oidc: authenticator for issuer {GoQuote.Text(_issuer.Url)} is not initialized" + (_why.Length > 0 ? ": " + _why : "");
        if (IsSigned(jwt, known)) return null;
        // The issuer may have begun to sign with another key.
        var newer = await AskAsync(known, ct).ConfigureAwait(false);
        return !ReferenceEquals(newer, known) && newer is not null && IsSigned(jwt, newer) ? null : "oidc: verify token: failed to verify signature: failed to verify id token signature";
    }

    static bool IsSigned(Jwt jwt, KeySet set)
    {
        foreach (var key in set.Keys)
            if ((jwt.KeyId.Length == 0 || jwt.KeyId == key.Id) && key.Verify(jwt.Algorithm, jwt.Signed, jwt.Signature)) return true;
        return false;
    }

    /// <returns>What is known now: newer than <paramref name="known"/>, or still that.</returns>
    async ValueTask<KeySet?> AskAsync(KeySet? known, CancellationToken ct)
    {
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var now = _time.GetUtcNow();
            if (!ReferenceEquals(_keys, known) || now < _asked + s_pause && now >= _asked) return _keys;
            _asked = now;
            try { _keys = new(await KeysAsync(ct).ConfigureAwait(false), now); }
            catch (Exception e) when (e is HttpRequestException or FormatException || e is OperationCanceledException && !ct.IsCancellationRequested)
            {
                _why = e is OperationCanceledException ? "context deadline exceeded" : e.InnerException?.Message ?? e.Message;
                if (known is not null) _keys = known with { Since = now };
            }
            return _keys;
        }
        finally { _gate.Release(); }
    }

    async Task<ImmutableArray<WebKey>> KeysAsync(CancellationToken ct)
    {
        string address = _issuer.DiscoveryUrl.Length > 0 ? _issuer.DiscoveryUrl : _issuer.Url.TrimEnd('/') + "/.well-known/openid-configuration";
        var document = await GetAsync(new(address), ct).ConfigureAwait(false);
        // Whoever answers must be whom the configuration names, or any issuer of that host could speak for it.
        string issuer = document["issuer"].Text();
        if (issuer != _issuer.Url) throw new FormatException($"oidc: issuer did not match the issuer returned by provider, expected {GoQuote.Text(_issuer.Url)} got {GoQuote.Text(issuer)}");
        if (!Uri.TryCreate((document["jwks_uri"] as JsonString)?.Value, UriKind.Absolute, out var at) || at.Scheme is not ("https" or "http")) throw new FormatException("oidc: the discovery document names no jwks_uri");
        var set = await GetAsync(at, ct).ConfigureAwait(false);
        return set["keys"] is JsonArray keys ? [.. keys.Items.OfType<JsonObject>().Take(MostKeys).Select(WebKey.Read).OfType<WebKey>()] : throw new FormatException("oidc: the key set has no keys");
    }

    async Task<JsonObject> GetAsync(Uri at, CancellationToken ct)
    {
        using var response = await _http.GetAsync(at, ct).ConfigureAwait(false);
        byte[] body = await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw new FormatException($"oidc: {at}: {(int)response.StatusCode} {response.ReasonPhrase}: {Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(256, body.Length)))}");
        try { return JsonValue.Parse(body) as JsonObject ?? throw new FormatException($"oidc: {at} is no object"); }
        catch (JsonSyntaxException e) { throw new FormatException($"oidc: {at}: {e.Message}", e); }
    }

    public void Dispose() => _http.Dispose();
}
