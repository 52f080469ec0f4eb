using System.Globalization;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>Tells containers of Services by variables: <c>WEB_SERVICE_HOST</c>, and the form that Docker's links had.</summary>
static class ServiceVariables
{
    /// <summary>Of the Pod's namespace if it wants links, and always of the API server.</summary>
    public static IEnumerable<Service> Shown(IEnumerable<Service> ofNamespace, IEnumerable<Service> ofDefault, bool links)
    {
        var api = ofDefault.FirstOrDefault(s => s.Metadata is { Name: "kubernetes", Namespace: "default" } && HasAddress(s));
        var own = links ? ofNamespace.Where(s => HasAddress(s) && s.Metadata is not { Name: "kubernetes", Namespace: "default" }) : [];
        // A Service of the name "kubernetes" in the Pod's own namespace hides the API server's, as upstream.
        return own.Concat(api is null ? [] : [api]).DistinctBy(s => s.Metadata.Name).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal);
    }

    static bool HasAddress(Service service) => service.Spec.ClusterIP is not ("" or "None");

    public static IEnumerable<KeyValuePair<string, string>> Of(Service service)
    {
        string name = Variable(service.Metadata.Name), host = service.Spec.ClusterIP;
        string Port(ServicePort port) => port.Port.ToString(CultureInfo.InvariantCulture);
        yield return new(name + "_SERVICE_HOST", host);
        if (service.Spec.Ports.IsEmpty) yield break;
        yield return new(name + "_SERVICE_PORT", Port(service.Spec.Ports[0]));
        foreach (var port in service.Spec.Ports)
            if (port.Name.Length > 0) yield return new($"{name}_SERVICE_PORT_{Variable(port.Name)}", Port(port));

        string joined = host.Contains(':') ? $"[{host}]" : host;
        bool first = true;
        foreach (var port in service.Spec.Ports)
        {
            string protocol = port.Protocol.Length > 0 ? port.Protocol : "TCP", small = protocol.ToLowerInvariant();
            string url = $"{small}://{joined}:{Port(port)}", link = $"{name}_PORT_{Port(port)}_{protocol.ToUpperInvariant()}";
            if (first) yield return new(name + "_PORT", url);
            first = false;
            yield return new(link, url);
            yield return new(link + "_PROTO", small);
            yield return new(link + "_PORT", Port(port));
            yield return new(link + "_ADDR", host);
        }
    }

    static string Variable(string name) => name.Replace('-', '_').ToUpperInvariant();
}
