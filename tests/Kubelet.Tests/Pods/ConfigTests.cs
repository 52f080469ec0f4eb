using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class ConfigTests
{
    const string HostResolv = "# made\nnameserver 10.9.9.9\nsearch corp.example\noptions timeout:1\n";

    [Theory]
    [InlineData("ClusterFirst", false, "10.96.0.10", "default.svc.cluster.local svc.cluster.local cluster.local corp.example", "ndots:5")]
    [InlineData("ClusterFirst", true, "10.9.9.9", "corp.example", "timeout:1")]
    [InlineData("ClusterFirstWithHostNet", true, "10.96.0.10", "default.svc.cluster.local svc.cluster.local cluster.local corp.example", "ndots:5")]
    [InlineData("Default", false, "10.9.9.9", "corp.example", "timeout:1")]
    [InlineData("None", false, "", "", "")]
    public void Resolver_settings_follow_the_policy(string policy, bool hostNetwork, string servers, string searches, string options)
    {
        var pod = Make.Pod();
        var dns = PodDns.For(pod with { Spec = pod.Spec with { DnsPolicy = policy, HostNetwork = hostNetwork } }, ["10.96.0.10"], "cluster.local", HostResolv);
        Assert.Equal((servers, searches, options), (string.Join(' ', dns.Servers), string.Join(' ', dns.Searches), string.Join(' ', dns.Options)));
    }

    [Fact]
    public void A_pods_own_resolver_settings_are_added_and_win()
    {
        var pod = Make.Pod();
        var own = new PodDNSConfig { Nameservers = ["1.1.1.1"], Searches = ["my.example"], Options = [new() { Name = "ndots", Value = "2" }, new() { Name = "edns0" }] };
        var dns = PodDns.For(pod with { Spec = pod.Spec with { DnsPolicy = "ClusterFirst", DnsConfig = own } }, ["10.96.0.10"], "cluster.local", "");
        Assert.Equal(["10.96.0.10", "1.1.1.1"], dns.Servers);
        Assert.Equal("my.example", dns.Searches[^1]);
        Assert.Equal(["ndots:2", "edns0"], dns.Options);
    }

    [Fact]
    public void The_hosts_file_has_the_pods_names_and_aliases()
    {
        var pod = Make.Pod();
        pod = pod with { Spec = pod.Spec with { Hostname = "h", Subdomain = "s", HostAliases = [new() { Ip = "9.9.9.9", Hostnames = ["a", "b"] }] } };
        string text = HostsFile.For(pod, ["10.0.0.7"], "cluster.local", "");
        Assert.StartsWith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n", text);
        Assert.EndsWith("10.0.0.7\th.s.default.svc.cluster.local\th\n\n# Entries added by HostAliases.\n9.9.9.9\ta\tb\n", text);
    }

    [Fact]
    public void A_sandbox_carries_what_a_kubelet_finds_it_again_by()
    {
        using var bench = new PodBench();
        var pod = Make.Pod(Make.Container("app", "app") with { Ports = [new() { ContainerPortValue = 80, HostPort = 8080, Protocol = "UDP" }, new() { ContainerPortValue = 81 }] });
        var config = SandboxConfigs.For(pod with { Metadata = pod.Metadata with { Labels = Map.Of(("app", "web")) } }, 2, bench.Options with { CgroupRoot = "/me/kubepods" }, "");
        Assert.Equal("/me/kubepods/besteffort/pod0f6b2a", config.Linux.CgroupParent);
        Assert.Equal(2u, config.Metadata.Attempt);
        Assert.Equal("0f6b2a", config.Labels["io.kubernetes.pod.uid"]);
        Assert.Equal("web", config.Labels["app"]);
        Assert.Equal("web", config.Hostname);
        Assert.EndsWith("/logs/default_web_0f6b2a", config.LogDirectory);
        var port = Assert.Single(config.PortMappings);
        Assert.Equal((8080, 80, Protocol.Udp), (port.HostPort, port.ContainerPort, port.Protocol));
        Assert.Equal(NamespaceMode.Container, config.Linux.SecurityContext.NamespaceOptions.Pid);
    }

    [Fact]
    public void Security_settings_of_the_container_win_over_the_pods()
    {
        using var bench = new PodBench();
        var pod = Make.Pod();
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { RunAsUser = 1000, RunAsGroup = 1001, FsGroup = 2000, SupplementalGroups = [3000], SeccompProfile = new() { Type = "RuntimeDefault" } } } };
        var container = Make.Container("app", "app") with { SecurityContext = new() { RunAsUser = 7, AllowPrivilegeEscalation = false, ReadOnlyRootFilesystem = true, Capabilities = new() { Drop = ["ALL"], Add = ["NET_BIND_SERVICE"] } } };
        var context = SecurityContexts.Of(pod, container, bench.Options, null);
        Assert.Equal((7, 1001), (context.RunAsUser.Value, context.RunAsGroup.Value));
        Assert.Equal([2000, 3000], context.SupplementalGroups);
        Assert.True(context.NoNewPrivs && context.ReadonlyRootfs);
        Assert.Equal(["ALL"], context.Capabilities.DropCapabilities);
        Assert.Equal(SecurityProfile.Types.ProfileType.RuntimeDefault, context.Seccomp.ProfileType);
        Assert.Contains("/proc/kcore", context.MaskedPaths);
        Assert.Empty(SecurityContexts.Of(pod, container with { SecurityContext = new() { ProcMount = "Unmasked" } }, bench.Options, null).MaskedPaths);
    }
}
