using System.Globalization;
using Hanbae.Api;
using Hanbae.Client;

namespace Hanbae.Controllers.Ownership;

/// <summary>Knows whether a cache shows what was last written for an owner: until then it is no ground for decisions about several objects.</summary>
/// <remarks>
/// A stale version is refused by the server for the one object it is of, but not for its siblings. Revisions of a resource can be
/// compared (KEP-5504). What does not show within thirty seconds is taken to be gone. Bound: the objects last written, for each owner.
/// </remarks>
sealed class Echo(TimeProvider time)
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

    public bool IsShownBy<T>(ICache<T> cache, Key owner) where T : class, IObject<T>
    {
        lock (_lock)
        {
            if (!_written.TryGetValue(owner, out var known)) return true;
            foreach (var (key, version) in known.Versions)
                if (cache.Find(key) is { } seen && Number(seen.Metadata.ResourceVersion) >= Number(version)) known.Versions.Remove(key);
            if (known.Versions.Count > 0 && time.GetElapsedTime(known.Since) < Longest) return false;
            _written.Remove(owner);
            return true;
        }
    }

    public void Forget(Key owner) { lock (_lock) _written.Remove(owner); }

    static ulong Number(string version) => ulong.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : ulong.MaxValue;
}
