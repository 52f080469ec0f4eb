using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>A Pod's resolver settings, from its policy, the cluster's DNS and the host's own settings.</summary>
static class PodDns
{
    // What resolvers honour, and so what upstream keeps.
    const int MaxServers = 3, MaxSearches = 32, MaxSearchLength = 2048;

    /// <param name="hostResolvConf">The text of the host's resolv.conf.</param>
    public static DNSConfig For(Pod pod, Seq<string> clusterDns, string clusterDomain, string hostResolvConf)
    {
        var (servers, searches, options) = Parse(hostResolvConf);
        bool cluster = pod.Spec.DnsPolicy switch
        {
            "ClusterFirstWithHostNet" => true,
            "ClusterFirst" or "" => !pod.Spec.HostNetwork,
            _ => false,
        };
        if (pod.Spec.DnsPolicy == "None") (servers, searches, options) = ([], [], []);
        else if (cluster && !clusterDns.IsEmpty)
        {
            servers = [.. clusterDns];
            if (clusterDomain.Length > 0) searches = [$"{pod.Metadata.Namespace}.svc.{clusterDomain}", $"svc.{clusterDomain}", clusterDomain, .. searches];
            options = ["ndots:5"];
        }
        if (pod.Spec.DnsConfig is { } own)
        {
            servers = [.. servers.Concat(own.Nameservers).Distinct()];
            searches = [.. searches.Concat(own.Searches).Distinct()];
            foreach (var option in own.Options)
            {
                options.RemoveAll(o => o.Split(':')[0] == option.Name);
                options.Add(option.Value is { Length: > 0 } value ? $"{option.Name}:{value}" : option.Name);
            }
        }
        var config = new DNSConfig { Servers = { servers.Distinct().Take(MaxServers) }, Options = { options } };
        int length = 0;
        foreach (string search in searches.Distinct().Take(MaxSearches))
        {
            if ((length += search.Length + 1) > MaxSearchLength + 1) break;
            config.Searches.Add(search);
        }
        return config;
    }

    static (List<string> Servers, List<string> Searches, List<string> Options) Parse(string text)
    {
        var (servers, searches, options) = (new List<string>(), new List<string>(), new List<string>());
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0][0] is '#' or ';') continue;
            switch (words[0])
            {
                case "nameserver" when words.Length > 1: servers.Add(words[1]); break;
                case "search": searches = [.. words.Skip(1).Select(w => w.Length > 1 ? w.TrimEnd('.') : w)]; break;
                case "options": options.AddRange(words.Skip(1).Except(options)); break;
            }
        }
        return (servers, searches, options);
    }
}
