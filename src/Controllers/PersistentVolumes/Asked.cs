using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Controllers.Volumes;

namespace Hanbae.Controllers.PersistentVolumes;

/// <summary>Since when others have been asked for something, so that it can be told how long it took.</summary>
sealed class Asked(TimeProvider time)
{
    readonly ConcurrentDictionary<Key, (string Plugin, long Since)> _since = new();

    /// <param name="plugin">Who is asked; the first time counts.</param>
    public void For(Key key, string plugin) => _since.TryAdd(key, (plugin, time.GetTimestamp()));

    public void Done(Key key, string operation)
    {
        if (_since.TryRemove(key, out var asked)) VolumeMeters.Whole(operation, asked.Plugin, time.GetElapsedTime(asked.Since));
    }

    public void Forget(Key key) => _since.TryRemove(key, out _);
}
