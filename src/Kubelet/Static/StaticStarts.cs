using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Static;

/// <summary>How often containers of static Pods had been started when their file went, so that they go on counting when it comes back as it was.</summary>
/// <remarks>Bound: the last <see cref="Most"/> Pods.</remarks>
sealed class StaticStarts
{
    const int Most = 100;

    readonly Dictionary<string, Dictionary<string, int>> _counts = []; // by uid, which is made of the file's content
    readonly Queue<string> _order = new();

    /// <summary>The Pod has ended.</summary>
    public void Keep(string uid, RuntimePod runtime)
    {
        lock (_counts)
        {
            var newest = runtime.Containers.GroupBy(c => c.Name).ToDictionary(g => g.Key, g => g.First().RestartCount);
            if (newest.Count == 0) return;
            if (!_counts.ContainsKey(uid)) _order.Enqueue(uid);
            _counts[uid] = newest;
            if (_order.Count > Most) _counts.Remove(_order.Dequeue());
        }
    }

    public bool Knows(string uid) { lock (_counts) return _counts.ContainsKey(uid); }

    /// <summary>How many starts of the container there were before this one.</summary>
    public int Before(string uid, string container) { lock (_counts) return _counts.TryGetValue(uid, out var counts) && counts.TryGetValue(container, out int last) ? last + 1 : 0; }
}
