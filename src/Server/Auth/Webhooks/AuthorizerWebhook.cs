using Hanbae.Api.Json;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Backends;

namespace Hanbae.Server.Auth.Webhooks;

/// <summary>Asks another server whether a user may do something: upstream's webhook mode.</summary>
sealed class AuthorizerWebhook : IAuthorizer, IDisposable
{
    /// <summary>Larger questions are not remembered: nobody fills the cache with names a client made up.</summary>
    const int LargestKept = 10_000, MostKept = 8192;

    readonly AuthorizerSettings _settings;
    readonly WebhookSettings _webhook;
    readonly AccessConditions _conditions;
    readonly ReviewClient _client;
    readonly Answers<Answer> _answers;

    sealed record Answer(Decision Decision);

    /// <exception cref="FormatException">Its kubeconfig file is wrong.</exception>
    public AuthorizerWebhook(AuthorizerSettings settings, TimeProvider time)
    {
        (_settings, _webhook) = (settings, settings.Webhook!);
        _conditions = AccessConditions.Compile(_webhook.MatchConditions, "", []);
        _client = new(Kubeconfig.Read(_webhook.KubeconfigFile), _webhook.Timeout);
        _answers = new(MostKept, _webhook.Timeout, time);
    }

    public async ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct)
    {
        switch (_conditions.Match(attributes, out string? error, ct))
        {
            case false: return Decision.NoOpinion();
            case null: return Failed(error!);
        }
        byte[] review = Body(attributes);
        try
        {
            var answer = await _answers.GetAsync(Digest.Of(review), async token =>
            {
                var decision = await AskAsync(review, token).ConfigureAwait(false);
                var keep = decision.Verdict == Verdict.Allow ? _webhook.AuthorizedTtl : _webhook.UnauthorizedTtl;
                return (new Answer(decision), decision.Error is null && review.Length < LargestKept ? keep : TimeSpan.Zero);
            }, ct).ConfigureAwait(false);
            return answer.Decision;
        }
        catch (IOException e) { return Failed(e.Message); }
    }

    Decision Failed(string error) => new(_webhook.Denies ? Verdict.Deny : Verdict.NoOpinion, "", $"webhook authorizer {_settings.Name}: {error}");

    byte[] Body(Attributes attributes)
    {
        var spec = ReviewText.Tree(ReviewText.Spec(attributes));
        // The older version calls the groups by another name.
        if (_webhook.ReviewVersion == "v1beta1" && spec["groups"] is { } groups) spec = JsonObject.Of([.. spec.Members.Where(m => m.Name != "groups").Select(m => (m.Name, m.Value)), ("group", groups)]);
        return JsonObject.Of(("kind", "SubjectAccessReview"), ("apiVersion", "authorization.k8s.io/" + _webhook.ReviewVersion), ("metadata", JsonObject.Empty), ("spec", spec)).ToUtf8();
    }

    async Task<Decision> AskAsync(byte[] review, CancellationToken ct)
    {
        var answer = await _client.PostAsync(review, ct).ConfigureAwait(false);
        if (answer["status"] is not JsonObject status) throw new IOException("the webhook's answer has no status");
        bool allowed = status["allowed"] is JsonBool { Value: true }, denied = status["denied"] is JsonBool { Value: true };
        string reason = status["reason"].Text();
        return (allowed, denied) switch
        {
            (true, true) => new(Verdict.Deny, reason, "webhook subject access review returned both allow and deny response"),
            (_, true) => Decision.Deny(reason),
            (true, _) => Decision.Allow(reason),
            _ => Decision.NoOpinion(reason),
        };
    }

    public void Dispose() => _client.Dispose();
}
