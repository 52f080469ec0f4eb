using System.Net;
using System.Net.Sockets;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Settings;

/// <summary>What `up` is asked for, over what it was asked for before.</summary>
public sealed class AskedTests
{
    static readonly ClusterSettings s_plain = new() { NodeName = "n", PodCidr = "10.201.0.0/16", ServiceCidr = "10.202.0.0/16" };
    static readonly ClusterSettings s_before = s_plain with
    {
        ControlPlaneOnly = true, ApiPort = 7443, SimulatedNodes = 2, ProxyMetrics = "", LegacyApis = false, RuntimeEndpoint = "/run/x.sock",
        ServerFlags = new Dictionary<string, string> { ["event-ttl"] = "2h" },
    };

    static NodePaths Paths => NodePaths.Of(Path.GetTempPath());

    static string Refusal(Asked asked, ClusterSettings? before = null) => Assert.Throws<SettingsException>(() => asked.Settle(before ?? s_plain, Paths)).Message;

    [Fact]
    public void What_holds_on_from_before_is_told_as_it_is_typed()
    {
        Assert.Empty(new Asked().Kept(s_plain));
        Assert.Equal(
            ["--control-plane-only", "--legacy-apis=false", "--port 7443", "--runtime-endpoint /run/x.sock", "--simulated-nodes 2", "--metrics-bind-address \"\"", "--event-ttl 2h"],
            new Asked().Kept(s_before));
    }

    [Fact]
    public void What_is_asked_for_now_is_not_from_before()
    {
        var asked = new Asked
        {
            ControlPlaneOnly = false, LegacyApis = true, Port = 1, Runtime = "", SimulatedNodes = 0, ProxyMetrics = "127.0.0.1", Flags = new Dictionary<string, string> { ["event-ttl"] = "" },
        };
        Assert.Empty(asked.Kept(s_before));
    }

    [Fact]
    public void A_port_that_was_asked_for_and_is_taken_is_not_replaced_by_another()
    {
        using var other = new TcpListener(IPAddress.Any, 0);
        other.Start();
        int taken = ((IPEndPoint)other.LocalEndpoint).Port;

        Assert.StartsWith($"--kubelet-port {taken} cannot be had: another program has it; ", Refusal(new() { KubeletPort = taken }));
        Assert.StartsWith($"--kubelet-port {taken} cannot be had", Refusal(new(), s_plain with { KubeletPort = taken }));
        Assert.StartsWith($"--healthz-bind-address 0.0.0.0:{taken} cannot be had: another program has it; ", Refusal(new() { ProxyHealthz = $"0.0.0.0:{taken}" }));
        Assert.StartsWith($"--metrics-bind-address 127.0.0.1:{taken} cannot be had", Refusal(new(), s_plain with { ProxyMetrics = $"127.0.0.1:{taken}" }));
        // Nobody listens there without a node.
        Assert.Equal(taken, new Asked { KubeletPort = taken, ControlPlaneOnly = true }.Settle(s_plain, Paths).KubeletPort);
    }

    [Fact]
    public void Programs_that_know_logins_are_kept_and_looked_at_first()
    {
        Assert.Contains("go together", Refusal(new() { CredentialConfig = "/c" }));
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        try
        {
            File.WriteAllText(file, "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders: []");
            Assert.StartsWith($"--image-credential-provider-config {file}: failed to validate credential provider config", Refusal(new() { CredentialConfig = file, CredentialPrograms = "/bin" }));
            File.WriteAllText(file, "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n"
                + "providers: [{name: p, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [a.io], defaultCacheDuration: 1m}]");
            var settled = new Asked { CredentialConfig = file, CredentialPrograms = "/bin", ControlPlaneOnly = true }.Settle(s_plain, Paths);
            Assert.Equal([$"--image-credential-provider-config {file}", "--image-credential-provider-bin-dir /bin"], new Asked { ControlPlaneOnly = true }.Kept(settled));
            Assert.Null(new Asked { CredentialConfig = "", CredentialPrograms = "" }.Settle(settled, Paths).CredentialConfig);
        }
        finally { File.Delete(file); }
    }

    [Theory]
    [InlineData("tcp://1.2.3.4:5")]
    [InlineData("run/containerd.sock")]
    [InlineData("unix://run/containerd.sock")]
    public void What_is_no_socket_of_a_runtime_is_refused_with_the_form_that_one_has(string endpoint) => Assert.Equal(
        $"--runtime-endpoint {endpoint} is no socket; write it like unix:///run/containerd/containerd.sock, or leave it out and Hanbae starts its own",
        Refusal(new() { Runtime = endpoint }));
}
