using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Tells <see cref="OwnWrites"/> of each write that a reconciler makes, whichever way it went.</summary>
/// <remarks>
/// Where the server draws a name, a lost answer would mean that nobody knows whether the object is there, and another would be made in its
/// place. So the name is drawn here, as the server would, and can be asked for.
/// </remarks>
static class NotedWrites
{
    const string Letters = "bcdfghjklmnpqrstvwxz2456789";
    /// <summary>As the server: what stands before the five letters, and how often another name is drawn when one is taken.</summary>
    const int LongestStem = 58, Tries = 8;

    public static async Task<T> CreateAsync<T>(T obj, Func<T, Task<T>> create) where T : class, IObject<T>
    {
        if (Work<T>() is not { } work) return await create(obj);
        for (int attempt = 1; ; attempt++)
        {
            var named = Named(obj);
            try { return await WriteAsync(work, Key.Of(named), () => create(named), made: true); }
            catch (ApiException e) when (e.IsAlreadyExists && named != obj && attempt < Tries) { }
        }
    }

    public static Task<T> WriteAsync<T>(Key key, Func<Task<T>> write) where T : class, IObject<T> =>
        Work<T>() is { } work ? WriteAsync(work, key, write, made: false) : write();

    public static async Task DeleteAsync<T>(Key key, DeleteOptions options, Func<Task<ApiResult>> delete) where T : class, IObject<T>
    {
        if (Work<T>() is not { } work) { await delete(); return; }
        try
        {
            var result = await delete();
            // What takes its time comes back as it is now; what is gone may come as it was.
            if (result.Object is T left && Stays(left.Metadata)) work.Wrote(left);
            else work.Deleted<T>(key, options.Preconditions?.Uid ?? (result.Object as T)?.Metadata.Uid);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            work.Deleted<T>(key, options.Preconditions?.Uid);
            throw;
        }
        catch (Exception e) when (IsNoAnswer(e))
        {
            work.Unanswered<T>(key);
            throw;
        }
    }

    static async Task<T> WriteAsync<T>(OwnWrites.Work work, Key key, Func<Task<T>> write, bool made) where T : class, IObject<T>
    {
        try
        {
            var written = await write();
            work.Wrote(written, made);
            return written;
        }
        catch (Exception e) when (IsNoAnswer(e))
        {
            work.Unanswered<T>(key);
            throw;
        }
    }

    static bool Stays(ObjectMeta of) => of.DeletionTimestamp is not null && (!of.Finalizers.IsEmpty || of.DeletionGracePeriodSeconds != 0);

    static OwnWrites.Work? Work<T>() => OwnWrites.Current is { } work && work.Follows<T>() ? work : null;

    /// <summary>Whether it may have been done all the same.</summary>
    static bool IsNoAnswer(Exception e) => e is not ApiException { Code: < 500 };

    static T Named<T>(T obj) where T : class, IObject<T>
    {
        var metadata = obj.Metadata;
        if (metadata.Name.Length > 0 || metadata.GenerateName.Length == 0) return obj;
        string stem = metadata.GenerateName.Length > LongestStem ? metadata.GenerateName[..LongestStem] : metadata.GenerateName;
        return (T)obj.WithMetadata(metadata with { Name = stem + RandomNumberGenerator.GetString(Letters, 5) });
    }
}
