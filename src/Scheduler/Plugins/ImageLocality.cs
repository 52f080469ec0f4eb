namespace Hanbae.Scheduler.Plugins;

/// <summary>Prefers nodes that have a Pod's images already, the more the larger they are.</summary>
internal sealed class ImageLocality : IScore
{
    const long Smallest = 23L << 20, LargestPerContainer = 1000L << 20;

    public long Score(PodInfo pod, NodeInfo node)
    {
        var images = node.Node!.Status.Images;
        if (images.IsEmpty) return 0;
        long bytes = 0;
        int containers = 0;
        foreach (var container in pod.Pod.Spec.Containers)
        {
            containers++;
            string name = WithTag(container.Image);
            foreach (var image in images)
                if (image.Names.Contains(name)) { bytes += image.SizeBytes; break; }
        }
        long most = LargestPerContainer * containers;
        return bytes <= Smallest ? 0 : Math.Min(100, (bytes - Smallest) * 100 / (most - Smallest));
    }

    static string WithTag(string image) =>
        image.LastIndexOf(':') > image.LastIndexOf('/') || image.Contains('@', StringComparison.Ordinal) ? image : image + ":latest";
}
