using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Probes;

/// <summary>One HTTP request of a probe or hook.</summary>
sealed record HttpProbeRequest(Uri Url, Seq<HTTPHeader> Headers, string UserAgent);

/// <summary>Works out where a probe has to go.</summary>
static class ProbeTarget
{
    /// <exception cref="FormatException">The port's name is unknown, or the port impossible.</exception>
    public static int Port(IntOrString port, Container container)
    {
        int number = port.Int;
        if (port.String is { } name)
        {
            int index = container.Ports.IndexOf(p => p.Name == name);
            if (index >= 0) number = container.Ports[index].ContainerPortValue;
            else if (!int.TryParse(name, out number)) throw new FormatException($"couldn't find port: strconv.Atoi: parsing \"{name}\": invalid syntax");
        }
        return number is > 0 and < 65536 ? number : throw new FormatException($"invalid port number: {number}");
    }

    /// <param name="podIP">Where, when the probe itself does not say.</param>
    public static HttpProbeRequest Http(HTTPGetAction action, Container container, string podIP, string userAgent)
    {
        string scheme = action.Scheme.Length > 0 ? action.Scheme.ToLowerInvariant() : "http";
        string host = action.Host.Length > 0 ? action.Host : podIP;
        string path = action.Path.StartsWith('/') ? action.Path : "/" + action.Path;
        return new(new($"{scheme}://{Host(host)}:{Port(action.Port, container)}{path}"), action.HttpHeaders, userAgent);
    }

    /// <summary>IPv6 addresses stand in brackets.</summary>
    public static string Host(string host) => IPAddress.TryParse(host, out var ip) && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{host}]" : host;
}
