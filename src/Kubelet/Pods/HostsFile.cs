using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Pods;

/// <summary>The <c>/etc/hosts</c> that the kubelet gives to each container.</summary>
static class HostsFile
{
    const string Aliases = "\n# Entries added by HostAliases.\n";

    public static string For(Pod pod, Seq<string> podIPs, string clusterDomain, string hostContent)
    {
        var text = new StringBuilder();
        if (pod.Spec.HostNetwork) text.Append("# Kubernetes-managed hosts file (host network).\n").Append(hostContent);
        else
        {
            text.Append("""
                # Kubernetes-managed hosts file.
                127.0.0.1	localhost
                ::1	localhost ip6-localhost ip6-loopback
                fe00::0	ip6-localnet
                fe00::0	ip6-mcastprefix
                fe00::1	ip6-allnodes
                fe00::2	ip6-allrouters

                """.ReplaceLineEndings("\n"));
            var names = PodNames.Of(pod, clusterDomain);
            foreach (string ip in podIPs)
                text.Append(ip).Append('\t').Append(names.Domain.Length > 0 ? names.Fqdn + "\t" + names.Hostname : names.Hostname).Append('\n');
        }
        if (!pod.Spec.HostAliases.IsEmpty)
        {
            text.Append(Aliases);
            foreach (var alias in pod.Spec.HostAliases) text.Append(alias.Ip).Append('\t').AppendJoin('\t', alias.Hostnames).Append('\n');
        }
        return text.ToString();
    }
}
