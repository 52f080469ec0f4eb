using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;

namespace Hanbae.Kubelet.Pods;

/// <summary>The fields of a Pod that its containers may see: <c>fieldRef</c> of variables and of downward API files.</summary>
static class PodFields
{
    /// <exception cref="ContainerConfigException">There is no such field.</exception>
    public static string Value(Pod pod, string path) => path switch
    {
        "metadata.name" => pod.Metadata.Name,
        "metadata.namespace" => pod.Metadata.Namespace,
        "metadata.uid" => pod.Metadata.Uid,
        "metadata.labels" => Lines(pod.Metadata.Labels),
        "metadata.annotations" => Lines(pod.Metadata.Annotations),
        "spec.nodeName" => pod.Spec.NodeName,
        "spec.serviceAccountName" => pod.Spec.ServiceAccountName,
        "spec.restartPolicy" => pod.Spec.RestartPolicy,
        "status.hostIP" => pod.Status.HostIP,
        "status.hostIPs" => Listed(pod.Status.HostIPs.Select(i => i.Ip), pod.Status.HostIP),
        "status.podIP" => pod.Status.PodIP,
        "status.podIPs" => Listed(pod.Status.PodIPs.Select(i => i.Ip), pod.Status.PodIP),
        "status.phase" => pod.Status.Phase,
        _ => Subscripted(pod, path),
    };

    /// <summary><c>metadata.labels['app']</c>; a key that is not there is the empty text.</summary>
    static string Subscripted(Pod pod, string path)
    {
        int open = path.IndexOf("['", StringComparison.Ordinal);
        if (open <= 0 || !path.EndsWith("']", StringComparison.Ordinal)) throw new ContainerConfigException("unsupported fieldPath: " + path);
        string key = path[(open + 2)..^2], of = path[..open];
        return of switch
        {
            "metadata.labels" => pod.Metadata.Labels[key] ?? "",
            "metadata.annotations" => pod.Metadata.Annotations[key] ?? "",
            _ => throw new ContainerConfigException($"fieldPath {GoQuote.Text(path)} does not support subscript"),
        };
    }

    static string Listed(IEnumerable<string> all, string one) => string.Join(',', all) is { Length: > 0 } listed ? listed : one;

    /// <summary>One <c>key="value"</c> a line, quoted as Go's <c>%q</c>, without an end to the last.</summary>
    static string Lines(Map<string> map) => string.Join('\n', map.Select(p => $"{p.Key}={GoQuote.Text(p.Value)}"));
}
