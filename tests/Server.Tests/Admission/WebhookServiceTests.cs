using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hanbae.Api.Json;
using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Webhooks that are Services, found at their endpoints.</summary>
public sealed class WebhookServiceTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await HookRig.StartAsync();
        _rig.Hook.On("/mark", _ => HookServer.Patch("""[{"op":"add","path":"/data/marked","value":"yes"}]"""));
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    string Hook(string failure = "Fail") => _rig.Webhook("one", "/mark", Rule("CREATE", "", "v1", "configmaps"), $"\"failurePolicy\":\"{failure}\"").Replace(_rig.Hook.Client("/mark"),
        $$"""{"service":{"namespace":"default","name":"hook","port":8443,"path":"/mark"},"caBundle":"{{_rig.Hook.Bundle}}"}""", StringComparison.Ordinal);

    Task ServeAsync() => _rig.GoodAsync("POST", "/api/v1/namespaces/default/services", """{"metadata":{"name":"hook"},"spec":{"clusterIP":"10.96.7.7","selector":{"a":"b"},"ports":[{"name":"https","port":8443,"targetPort":9}]}}""");

    /// <summary>Nothing behind a Service is at the loopback.</summary>
    static readonly string s_own = NetworkInterface.GetAllNetworkInterfaces().Where(i => i.OperationalStatus == OperationalStatus.Up).SelectMany(i => i.GetIPProperties().UnicastAddresses)
        .First(a => a.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a.Address)).Address.ToString();

    Task SliceAsync(string name, int port, bool ready, string portName = "https") => _rig.GoodAsync("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", $$$"""
        {"metadata":{"name":"{{{name}}}","labels":{"kubernetes.io/service-name":"hook"} },"addressType":"IPv4","ports":[{"name":"{{{portName}}}","port":{{{port}}} }],"endpoints":[{"addresses":["{{{s_own}}}"],"conditions":{"ready":{{{(ready ? "true" : "false")}}}} }] }
        """);

    [Fact]
    public async Task The_ready_endpoints_of_the_named_port_are_called()
    {
        await ServeAsync();
        await SliceAsync("unready", 9, ready: false);
        await SliceAsync("another-port", 9, ready: true, portName: "metrics");
        await SliceAsync("ready", _rig.Hook.Port, ready: true);
        await _rig.MutateAsync("hooks", Hook());
        for (int i = 0; i < 5; i++) Assert.Equal("yes", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a" + i))).Text("data", "marked"));
        // Not over one connection, so that all endpoints have their share.
        Assert.Equal(Enumerable.Repeat("HTTP/1.1", 5), _rig.Hook.Protocols);
    }

    [Fact]
    public async Task Without_a_service_or_endpoints_the_failure_policy_decides()
    {
        await _rig.MutateAsync("hooks", Hook());
        async Task<string> WhyAsync()
        {
            var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
            Assert.Equal(500, answer.Code);
            return answer.Message;
        }
        const string failed = "Internal error occurred: failed calling webhook \"one.example.com\": failed to call webhook: Post \"https://hook.default.svc:8443/mark?timeout=30s\": ";
        Assert.Equal(failed + "service \"hook\" not found", await WhyAsync());
        await ServeAsync();
        Assert.Equal(failed + "no endpoints available for service \"hook\"", await WhyAsync());
        await _rig.GoodAsync("PUT", "/api/v1/namespaces/default/services/hook", (await _rig.Test.GetAsync("/api/v1/namespaces/default/services/hook")).Body.Replace("\"port\":8443", "\"port\":8444", StringComparison.Ordinal));
        Assert.Equal(failed + "no service port 8443 found for service \"hook\"", await WhyAsync());

        await _rig.GoodAsync("PUT", Mutating + "/hooks", (await _rig.Test.GetAsync(Mutating + "/hooks")).Body.Replace("\"Fail\"", "\"Ignore\"", StringComparison.Ordinal));
        Assert.Equal("", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"))).Text("data", "marked"));
    }
}
