using System.Globalization;
using Hanbae.Api;
using Hanbae.Client;

namespace Hanbae.Controllers.Ownership;

/// <summary>Knows whether a cache shows what was last written for an owner: until then it is no ground for decisions about several objects.</summary>
/// <remarks>
/// A stale version is refused by the server for the one object it is of, but not for its siblings. Revisions of a resource can be
/// compared (KEP-5504). After what does not show within thirty seconds the server is asked: what is gone is not waited for; a cache that
/// is behind is, however long its watch is away. Bound: the objects last written, for each owner.
/// </remarks>
sealed class Echo(IClient client, TimeProvider time)
{
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    readonly Lock _lock = new();
    readonly Dictionary<Key, (Dictionary<Key, string> Versions, long Since)> _written = [];

    public void Wrote(Key owner, IObject obj)
    {
        lock (_lock)
        {
            var versions = _written.TryGetValue(owner, out var known) ? known.Versions : [];
            versions[Key.Of(obj)] = obj.Metadata.ResourceVersion;
            _written[owner] = (versions, time.GetTimestamp());
        }
    }

    public async ValueTask<bool> IsShownByAsync<T>(ICache<T> cache, Key owner, CancellationToken ct) where T : class, IObject<T>
    {
        List<(Key Key, string Version)> missing;
        lock (_lock)
        {
            if (!_written.TryGetValue(owner, out var known)) return true;
            foreach (var (key, version) in known.Versions)
                if (cache.Find(key) is { } seen && Number(seen.Metadata.ResourceVersion) >= Number(version)) known.Versions.Remove(key);
            if (known.Versions.Count == 0) { _written.Remove(owner); return true; }
            if (time.GetElapsedTime(known.Since) < Longest) return false;
            missing = [.. known.Versions.Select(v => (v.Key, v.Value))];
        }
        foreach (var (key, version) in missing)
            if (await client.FindAsync<T>(key, ct) is null) Gone(owner, key, version);
        lock (_lock)
        {
            if (!_written.TryGetValue(owner, out var left)) return true;
            _written[owner] = (left.Versions, time.GetTimestamp());
            return false;
        }
    }

    void Gone(Key owner, Key key, string version)
    {
        lock (_lock)
            // Written anew meanwhile, it is another.
            if (_written.TryGetValue(owner, out var known) && known.Versions.GetValueOrDefault(key) == version && known.Versions.Remove(key) && known.Versions.Count == 0) _written.Remove(owner);
    }

    public void Forget(Key owner) { lock (_lock) _written.Remove(owner); }

    static ulong Number(string version) => ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : ulong.MaxValue;
}
