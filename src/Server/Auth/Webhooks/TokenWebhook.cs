using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Auth.Webhooks;

/// <summary>Where tokens are reviewed by somebody else, and how long what he says holds.</summary>
public sealed record TokenWebhookOptions(string KubeconfigFile)
{
    public string ReviewVersion { get; init; } = "v1";
    public TimeSpan Ttl { get; init; } = TimeSpan.FromMinutes(2);
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Knows users by asking another server about their token: upstream's --authentication-token-webhook-config-file.</summary>
sealed class TokenWebhook : ITokenAuthenticator, IDisposable
{
    const int MostKept = 4096;

    readonly TokenWebhookOptions _options;
    readonly ReviewClient _client;
    readonly Answers<Answer> _answers;

    sealed record Answer(TokenResult Result);

    /// <exception cref="FormatException">Its kubeconfig file is wrong.</exception>
    public TokenWebhook(TokenWebhookOptions options, TimeProvider time)
    {
        _options = options;
        _client = new(Kubeconfig.Read(options.KubeconfigFile), options.Timeout);
        _answers = new(MostKept, options.Timeout, time);
    }

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        byte[] review = JsonObject.Of(
            ("kind", "TokenReview"), ("apiVersion", "authentication.k8s.io/" + _options.ReviewVersion), ("metadata", JsonObject.Empty),
            ("spec", JsonObject.Of(("token", token), ("audiences", new JsonArray([.. audiences.Select(a => (JsonValue)a)]))))).ToUtf8();
        try
        {
            var answer = await _answers.GetAsync(Digest.Of(review), async ct =>
            {
                var result = await AskAsync(review, audiences, ct).ConfigureAwait(false);
                // As upstream: who was let in is remembered, who was not may try again with the same token.
                return (new Answer(result), result.User is null ? TimeSpan.Zero : _options.Ttl);
            }, ct).ConfigureAwait(false);
            return answer.Result;
        }
        catch (IOException e) { return TokenResult.Rejected("webhook token authenticator: " + e.Message); }
    }

    async Task<TokenResult> AskAsync(byte[] review, Seq<string> audiences, CancellationToken ct)
    {
        var answer = await _client.PostAsync(review, ct).ConfigureAwait(false);
        if (answer["status"] is not JsonObject status || status["authenticated"] is not JsonBool { Value: true })
            return ((answer["status"] as JsonObject)?["error"]).Text() is { Length: > 0 } error ? TokenResult.Rejected(error) : TokenResult.NoOpinion;
        if (status["user"] is not JsonObject user || user["username"].Text() is not { Length: > 0 } name) return TokenResult.Rejected("the webhook authenticated nobody");
        var extra = Map.Of<Seq<string>>();
        if (user["extra"] is JsonObject all)
            foreach (var (key, values) in all) extra = extra.Set(key, Texts(values));
        var identity = new Identity(name, Texts(user["groups"])) { Uid = user["uid"].Text(), Extra = extra };
        // A webhook that says nothing of audiences speaks of this server only; one that does must mean one that was asked for.
        if (status["audiences"] is not JsonArray { Count: > 0 } meant) return TokenResult.Known(identity);
        var matching = audiences.Where(Texts(meant).Contains).ToSeq();
        return matching.IsEmpty ? TokenResult.NoOpinion : TokenResult.Known(identity, matching);
    }

    static Seq<string> Texts(JsonValue? list) => list is JsonArray a ? [.. a.Items.OfType<JsonString>().Select(s => s.Value)] : [];

    public void Dispose() => _client.Dispose();
}
