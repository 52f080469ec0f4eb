using System.Collections.Immutable;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Jobs;

/// <summary>Remembers which Pods lost their finalizer, so that a cache that still shows it does not make them count twice.</summary>
/// <remarks>Bound: one uid for each such Pod, until the cache shows it without, or gone.</remarks>
sealed class Untracked
{
    readonly Lock _lock = new();
    readonly Dictionary<Key, ImmutableHashSet<string>> _jobs = [];

    public IReadOnlySet<string> Of(Key job) { lock (_lock) return _jobs.GetValueOrDefault(job, []); }
    public void Add(Key job, string uid) { lock (_lock) _jobs[job] = _jobs.GetValueOrDefault(job, []).Add(uid); }

    public void Remove(Key job, string uid)
    {
        lock (_lock)
            if (_jobs.TryGetValue(job, out var uids) && uids.Remove(uid) is var left)
                if (left.IsEmpty) _jobs.Remove(job); else _jobs[job] = left;
    }

    public void Forget(Key job) { lock (_lock) _jobs.Remove(job); }

    /// <summary>Takes the finalizer from this very Pod.</summary>
    /// <param name="asSeen">Only if nobody has changed it since.</param>
    public static Patch PatchFor(Pod pod, bool asSeen = false)
    {
        string version = asSeen ? $",\"resourceVersion\":\"{pod.Metadata.ResourceVersion}\"" : "";
        return Patch.Strategic(Encoding.UTF8.GetBytes(
            $$$"""{"metadata":{"$deleteFromPrimitiveList/finalizers":["{{{JobPod.Finalizer}}}"],"uid":"{{{pod.Metadata.Uid}}}"{{{version}}}}}"""));
    }
}
