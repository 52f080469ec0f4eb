using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Host.Components;

/// <summary>Asks in the name of a service account of kube-system, with tokens of its own: made when the account is not there, asked for anew in time.</summary>
/// <param name="bare">Shows nothing of who asks.</param>
/// <param name="client">Of who may ask for the tokens.</param>
sealed class AccountTransport(IApiTransport bare, IClient client, string account, TimeProvider time) : IApiTransport, IDisposable
{
    const string Namespace = "kube-system";
    /// <summary>An hour, and another after four fifths of it: upstream's numbers.</summary>
    const long Life = 3600;
    const double Part = 0.8;

    readonly SemaphoreSlim _one = new(1);
    string _token = "";
    DateTimeOffset _until;

    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        string token = await TokenAsync("", ct);
        var result = await bare.SendAsync(With(request, token), ct);
        // Its account was deleted, and may be back with another identity.
        return result.Code == 401 ? await bare.SendAsync(With(request, await TokenAsync(token, ct)), ct) : result;
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var e in bare.WatchAsync(With(request, await TokenAsync("", ct)), ct)) yield return e;
    }

    public async ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => await bare.StreamAsync(With(request, await TokenAsync("", ct)), ct);

    static ApiRequest With(ApiRequest request, string token) => request with { Headers = [.. request.Headers, new("Authorization", "Bearer " + token)] };

    /// <param name="refused">Not this one, whatever it says of its time.</param>
    async ValueTask<string> TokenAsync(string refused, CancellationToken ct)
    {
        await _one.WaitAsync(ct);
        try
        {
            if (_token.Length > 0 && _token != refused && time.GetUtcNow() < _until) return _token;
            await EnsureAsync(ct);
            var asked = new TokenRequest { Spec = new() { ExpirationSeconds = Life } };
            var status = (await client.CreateAsync<ServiceAccount>(new(Namespace, account), "token", asked, ct) as TokenRequest)?.Status ?? throw new InvalidDataException($"no token was made for {account}");
            var now = time.GetUtcNow();
            (_token, _until) = (status.Token, now + ((status.ExpirationTimestamp ?? now) - now) * Part);
            return _token;
        }
        finally { _one.Release(); }
    }

    async Task EnsureAsync(CancellationToken ct)
    {
        if (await client.FindAsync<ServiceAccount>(new(Namespace, account), ct) is not null) return;
        try { await client.CreateAsync(new ServiceAccount { Metadata = new() { Namespace = Namespace, Name = account } }, ct); }
        catch (ApiException e) when (e.IsAlreadyExists) { } // somebody else of us
    }

    public void Dispose() => _one.Dispose();
}
