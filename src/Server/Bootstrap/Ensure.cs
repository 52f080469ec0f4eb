using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Bootstrap;

/// <summary>Makes objects be there, through the server's own front door and in its own name.</summary>
sealed class Ensure(IApiTransport transport, TimeProvider time)
{
    /// <summary>Writes at once, so that the store commits them together.</summary>
    const int AtOnce = 32;
    /// <summary>As clients do, and as often: a server that has just begun may have to ask for patience.</summary>
    const int MostRetries = 10;

    public async Task<Dictionary<Key, T>> ListAsync<T>(CancellationToken ct) where T : class, IObject<T>
    {
        var result = await SendAsync("GET", Resources.Of<T>().Path(), null, ct).ConfigureAwait(false);
        return result.List!.Items.ToDictionary(Key.Of, o => (T)o);
    }

    /// <param name="merge">What there is already with what is to be added; the same object when nothing is missing.</param>
    public async Task AllAsync<T>(IEnumerable<T> wanted, Func<T, T, T> merge, CancellationToken ct) where T : class, IObject<T>
    {
        T[] all = [.. wanted];
        if (all.Length == 0) return;
        var there = await ListAsync<T>(ct).ConfigureAwait(false);
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (obj, token) =>
            await OneAsync(obj, there.GetValueOrDefault(Key.Of(obj)), merge, token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>The same for few: each is asked for by its name.</summary>
    public Task EachAsync<T>(IEnumerable<T> wanted, Func<T, T, T> merge, CancellationToken ct) where T : class, IObject<T> => Task.WhenAll(wanted.Select(async obj =>
    {
        var there = await FindAsync<T>(obj.Metadata.Namespace, obj.Metadata.Name, ct).ConfigureAwait(false);
        await OneAsync(obj, there, merge, ct).ConfigureAwait(false);
    }));

    async ValueTask OneAsync<T>(T wanted, T? there, Func<T, T, T> merge, CancellationToken ct) where T : class, IObject<T>
    {
        var at = Resources.Of<T>();
        // Another server of the cluster may be at it too: then look again.
        while (true)
        {
            try
            {
                if (there is null)
                {
                    await SendAsync("POST", at.Path(wanted.Metadata.Namespace), wanted, ct).ConfigureAwait(false);
                    return;
                }
                var merged = merge(there, wanted);
                if (!ReferenceEquals(merged, there))
                    await SendAsync("PUT", at.Path(wanted.Metadata.Namespace, wanted.Metadata.Name), merged, ct).ConfigureAwait(false);
                return;
            }
            catch (ApiException e) when (e.IsAlreadyExists || e.IsConflict || e.IsNotFound && there is not null)
            {
                there = await FindAsync<T>(wanted.Metadata.Namespace, wanted.Metadata.Name, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Deletes those that are meant, as long as they still are.</summary>
    public async Task RemoveAsync<T>(Func<T, bool> which, CancellationToken ct) where T : class, IObject<T>
    {
        foreach (var obj in (await ListAsync<T>(ct).ConfigureAwait(false)).Values.Where(which))
            for (var there = obj; there is not null && which(there); there = await FindAsync<T>(obj.Metadata.Namespace, obj.Metadata.Name, ct).ConfigureAwait(false))
                try
                {
                    var only = new DeleteOptions { Preconditions = new() { Uid = there.Metadata.Uid, ResourceVersion = there.Metadata.ResourceVersion } };
                    await SendAsync("DELETE", Resources.Of<T>().Path(obj.Metadata.Namespace, obj.Metadata.Name), only, ct).ConfigureAwait(false);
                    break;
                }
                catch (ApiException e) when (e.IsNotFound || e.IsConflict) { }
    }

    public async Task<T?> FindAsync<T>(string ns, string name, CancellationToken ct) where T : class, IObject<T>
    {
        try { return (T)(await SendAsync("GET", Resources.Of<T>().Path(ns, name), null, ct).ConfigureAwait(false)).Object!; }
        catch (ApiException e) when (e.IsNotFound) { return null; }
    }

    async Task<ApiResult> SendAsync(string method, string path, IKind? body, CancellationToken ct)
    {
        for (int retry = 0; ; retry++)
        {
            var result = await transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = Groups.ApiServer, UserAgent = "hanbae-apiserver" }, ct).ConfigureAwait(false);
            if (result.Code < 300) return result;
            var status = result.Object as Status ?? new Status { Code = result.Code, Message = $"{method} {path}: {result.Code}" };
            if (status.Details?.RetryAfterSeconds is not > 0 || retry == MostRetries) throw new ApiException(status);
            await Task.Delay(TimeSpan.FromSeconds(status.Details.RetryAfterSeconds), time, ct).ConfigureAwait(false);
        }
    }
}
