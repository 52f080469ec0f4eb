using System.Collections.Concurrent;
using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Ownership;

/// <summary>Makes objects whose names are drawn, and none of them twice: when no answer came it is known what to look for.</summary>
/// <remarks>
/// Where the server draws the name, a lost answer means that nobody knows whether the object is there, and another is made in its place.
/// So the name is drawn here, as the server would, and what became of it is asked before the owner is acted upon again. Bound: what was
/// asked for and not answered.
/// </remarks>
sealed class Unanswered<T>(IClient client) where T : class, IObject<T>
{
    const string Letters = "bcdfghjklmnpqrstvwxz2456789";
    /// <summary>As the server: what stands before the five letters, and how often another name is drawn when one is taken.</summary>
    const int LongestStem = 58, Tries = 8;

    readonly ConcurrentDictionary<Key, ConcurrentQueue<T>> _open = new();

    public async Task<T> CreateAsync(Key owner, T obj, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            var named = Named(obj);
            try { return await client.CreateAsync(named, ct); }
            catch (ApiException e) when (e.IsAlreadyExists && named != obj && attempt < Tries) { }
            catch (Exception e) when (named != obj && IsNoAnswer(e))
            {
                _open.GetOrAdd(owner, static _ => new()).Enqueue(named);
                throw;
            }
        }
    }

    /// <summary>Asks what became of what was not answered.</summary>
    /// <param name="settle">Is told of each, with the object as it is when it was made after all.</param>
    /// <exception cref="ApiException">There is no answer to that, either.</exception>
    public async Task SettleAsync(Key owner, Action<T, T?> settle, CancellationToken ct)
    {
        if (!_open.TryGetValue(owner, out var open)) return;
        while (open.TryPeek(out var asked))
        {
            var there = await client.FindAsync(asked, ct);
            settle(asked, there is not null && there.Controller?.Uid == asked.Controller?.Uid ? there : null);
            open.TryDequeue(out _);
        }
        _open.TryRemove(owner, out _);
    }

    /// <summary>Whether it may have been done all the same.</summary>
    public static bool IsNoAnswer(Exception e) => e is not ApiException { Code: < 500 };

    public void Forget(Key owner) => _open.TryRemove(owner, out _);

    static T Named(T obj)
    {
        var metadata = obj.Metadata;
        if (metadata.Name.Length > 0 || metadata.GenerateName.Length == 0) return obj;
        string stem = metadata.GenerateName.Length > LongestStem ? metadata.GenerateName[..LongestStem] : metadata.GenerateName;
        return (T)obj.WithMetadata(metadata with { Name = stem + RandomNumberGenerator.GetString(Letters, 5) });
    }
}
