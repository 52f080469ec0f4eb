namespace Hanbae.Scheduler;

/// <summary>Which nodes have which image, by its names.</summary>
internal sealed class ImageBook
{
    readonly Dictionary<string, Dictionary<int, long>> _nodes = [];

    /// <returns>Sizes by the index of the nodes that have the image; null when none has.</returns>
    public Dictionary<int, long>? Holders(string image) => _nodes.GetValueOrDefault(image);

    public void Add(NodeInfo node)
    {
        foreach (var image in node.Node!.Status.Images)
            foreach (string name in image.Names)
            {
                if (!_nodes.TryGetValue(name, out var sizes)) _nodes[name] = sizes = [];
                sizes[node.Index] = image.SizeBytes;
            }
    }

    public void Remove(NodeInfo node)
    {
        foreach (var image in node.Node!.Status.Images)
            foreach (string name in image.Names)
                if (_nodes.TryGetValue(name, out var sizes) && sizes.Remove(node.Index) && sizes.Count == 0) _nodes.Remove(name);
    }
}
