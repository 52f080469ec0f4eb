namespace Hanbae.Scheduler.Plugins;

/// <summary>Prefers nodes that have a Pod's images already, the more the larger they are and the more nodes have them.</summary>
internal sealed class ImageLocality : IScore
{
    const long Smallest = 23L << 20, LargestPerContainer = 1000L << 20;

    readonly List<Dictionary<int, long>> _images = [];
    int _containers, _nodes;

    public string Name => "ImageLocality";

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits)
    {
        _images.Clear();
        _nodes = snapshot.Nodes.Length;
        _containers = pod.Pod.Spec.Containers.Count + pod.Pod.Spec.InitContainers.Count;
        foreach (var c in pod.Pod.Spec.InitContainers) Add(c.Image);
        foreach (var c in pod.Pod.Spec.Containers) Add(c.Image);
        return _images.Count > 0;

        void Add(string image) { if (snapshot.Images.Holders(WithTag(image)) is { } holders) _images.Add(holders); }
    }

    public long Score(PodInfo pod, NodeInfo node)
    {
        long sum = 0;
        // An image that few nodes have counts little, or one node would draw all its Pods.
        foreach (var holders in _images)
            if (holders.TryGetValue(node.Index, out long size)) sum += (long)(size * ((double)holders.Count / _nodes));
        long most = LargestPerContainer * _containers;
        return (Math.Clamp(sum, Smallest, most) - Smallest) * Scores.Most / (most - Smallest);
    }

    static string WithTag(string image) => image.LastIndexOf(':') > image.LastIndexOf('/') ? image : image + ":latest";
}
