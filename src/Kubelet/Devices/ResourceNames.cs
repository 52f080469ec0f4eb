namespace Hanbae.Kubelet.Devices;

/// <summary>Tells extended resources, which plugins may offer, from the node's own.</summary>
static class ResourceNames
{
    public static bool IsExtended(string name) =>
        name.Contains('/') && !name.Contains("kubernetes.io/", StringComparison.Ordinal) && !name.StartsWith("requests.", StringComparison.Ordinal)
        && LabelSyntax.KeyErrors("requests." + name).Count == 0;
}
