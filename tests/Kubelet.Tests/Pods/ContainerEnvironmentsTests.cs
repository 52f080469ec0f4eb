using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Tests.Volumes;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class ContainerEnvironmentsTests : VolumeTest
{
    static readonly Pod Web = new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "u-1", Labels = Map.Of(("app", "shop")), Annotations = Map.Of(("note", "a\nb")) },
        Spec = new() { NodeName = "n1", ServiceAccountName = "sa", EnableServiceLinks = false },
        Status = new() { PodIP = "10.0.0.1", PodIPs = [new() { Ip = "10.0.0.1" }, new() { Ip = "fd00::1" }], HostIP = "192.0.2.1" },
    };

    async Task<Dictionary<string, string>> EnvironmentAsync(Container container, Pod? pod = null)
    {
        var made = await new ContainerEnvironments(Objects, Objects, Folders).ForAsync(pod ?? Web, container, default);
        Assert.Equal(made.Variables.Count, made.Variables.Select(v => v.Key).Distinct().Count());
        return made.Variables.ToDictionary();
    }

    async Task<string> FailureAsync(params EnvVar[] env) =>
        (await Assert.ThrowsAsync<ContainerConfigException>(() => EnvironmentAsync(new() { Env = env }))).Message;

    void Add(string name, params (string, string)[] data) => Objects.ConfigMaps.Add(new() { Metadata = new() { Name = name, Namespace = "default" }, Data = Map.Of(data) });

    [Fact]
    public async Task References_expand_in_order()
    {
        var env = await EnvironmentAsync(new()
        {
            Env = [new() { Name = "A", Value = "1" }, new() { Name = "B", Value = "$(A)-$(LATER)-$$(A)-$(A" }, new() { Name = "LATER", Value = "2" },
                new() { Name = "A", Value = "$(A)$(A)" }, new() { Name = "EMPTY" }],
        });
        Assert.Equal("1-$(LATER)-$(A)-$(A", env["B"]);
        Assert.Equal("11", env["A"]);
        Assert.Equal("", env["EMPTY"]);
    }

    [Fact]
    public async Task Objects_give_variables_and_env_goes_before_envFrom()
    {
        Add("m", ("A", "map"), ("b.c-d", "2"));
        Objects.Secrets.Add(new() { Metadata = new() { Name = "s", Namespace = "default" }, Data = Map.Of(("A", Bytes.FromText("secret"))) });
        var env = await EnvironmentAsync(new()
        {
            EnvFrom = [new() { Prefix = "P_", ConfigMapRef = new() { Name = "m" } }, new() { SecretRef = new() { Name = "s" } }, new() { ConfigMapRef = new() { Name = "absent", Optional = true } }],
            Env = [new() { Name = "A", Value = "own" }, new() { Name = "K", ValueFrom = new() { ConfigMapKeyRef = new() { Name = "m", Key = "A" } } },
                new() { Name = "S", ValueFrom = new() { SecretKeyRef = new() { Name = "s", Key = "A" } } },
                new() { Name = "NONE", ValueFrom = new() { ConfigMapKeyRef = new() { Name = "m", Key = "Z", Optional = true } } },
                new() { Name = "NONE2", ValueFrom = new() { SecretKeyRef = new() { Name = "absent", Key = "Z", Optional = true } } }],
        });
        Assert.Equal(new Dictionary<string, string> { ["P_A"] = "map", ["P_b.c-d"] = "2", ["A"] = "own", ["K"] = "map", ["S"] = "secret" }, env);
        Assert.Empty(Objects.Events);
    }

    [Fact]
    public async Task Names_that_no_environment_can_hold_are_skipped_and_told()
    {
        Add("m", ("ok", "1"), ("bad", "2"));
        var env = await EnvironmentAsync(new() { EnvFrom = [new() { Prefix = "a=", ConfigMapRef = new() { Name = "m" } }] });
        Assert.Empty(env);
        Assert.Equal(["Warning InvalidEnvironmentVariableNames: Keys [a=bad, a=ok] from the EnvFrom configMap default/m were skipped since they are considered invalid environment variable names."], Objects.Events);
    }

    [Fact]
    public async Task What_is_missing_is_told_as_upstream_tells_it()
    {
        Add("m", ("A", "1"));
        Objects.Secrets.Add(new() { Metadata = new() { Name = "s", Namespace = "default" } });
        Assert.Equal("configmap \"x\" not found", await FailureAsync(new EnvVar { Name = "V", ValueFrom = new() { ConfigMapKeyRef = new() { Name = "x", Key = "k" } } }));
        Assert.Equal("secret \"x\" not found", await FailureAsync(new EnvVar { Name = "V", ValueFrom = new() { SecretKeyRef = new() { Name = "x", Key = "k" } } }));
        Assert.Equal("couldn't find key k in ConfigMap default/m", await FailureAsync(new EnvVar { Name = "V", ValueFrom = new() { ConfigMapKeyRef = new() { Name = "m", Key = "k" } } }));
        Assert.Equal("couldn't find key k in Secret default/s", await FailureAsync(new EnvVar { Name = "V", ValueFrom = new() { SecretKeyRef = new() { Name = "s", Key = "k" } } }));
        Assert.Equal("unsupported fieldPath: spec.what", await FailureAsync(new EnvVar { Name = "V", ValueFrom = new() { FieldRef = new() { FieldPath = "spec.what" } } }));
    }

    [Theory]
    [InlineData("metadata.name", "web"), InlineData("metadata.namespace", "default"), InlineData("metadata.uid", "u-1"), InlineData("metadata.labels['app']", "shop"),
     InlineData("metadata.annotations['note']", "a\nb"), InlineData("metadata.annotations['none']", ""), InlineData("metadata.annotations", "note=\"a\\nb\""),
     InlineData("spec.nodeName", "n1"), InlineData("spec.serviceAccountName", "sa"), InlineData("status.podIP", "10.0.0.1"), InlineData("status.podIPs", "10.0.0.1,fd00::1"),
     InlineData("status.hostIP", "192.0.2.1"), InlineData("status.hostIPs", "192.0.2.1")]
    public void Fields_of_the_pod(string path, string value) => Assert.Equal(value, PodFields.Value(Web, path));

    [Theory]
    [InlineData("limits.cpu", "", "1"), InlineData("limits.cpu", "1m", "250"), InlineData("requests.cpu", "1m", "0"), InlineData("limits.memory", "", "67108864"),
     InlineData("limits.memory", "1Mi", "64"), InlineData("limits.memory", "60Mi", "2"), InlineData("limits.ephemeral-storage", "1Gi", "10"), InlineData("requests.hugepages-2Mi", "1Mi", "4")]
    public void Resources_are_rounded_up(string resource, string divisor, string value)
    {
        var container = new Container
        {
            Name = "c", Resources = new() { Limits = Map.Of(("cpu", Quantity.Parse("250m")), ("memory", Quantity.Parse("64Mi"))), Requests = Map.Of(("hugepages-2Mi", Quantity.Parse("4Mi"))) },
        };
        var node = new Node { Status = new() { Allocatable = Map.Of(("ephemeral-storage", Quantity.Parse("10Gi"))) } };
        Assert.Equal(value, ContainerResources.Value(Web, new() { Resource = resource, Divisor = divisor.Length > 0 ? Quantity.Parse(divisor) : default }, container, node));
    }

    [Fact]
    public void Without_a_limit_the_pods_counts_and_then_the_nodes()
    {
        var container = new Container { Name = "c" };
        var reference = new ResourceFieldSelector { Resource = "limits.cpu" };
        Assert.Equal("4", ContainerResources.Value(Web, reference, container, Objects.Node));
        Assert.Equal("2", ContainerResources.Value(Web with { Spec = Web.Spec with { Resources = new() { Limits = Map.Of(("cpu", Quantity.Parse("2"))) } } }, reference, container, Objects.Node));
        Assert.Throws<ContainerConfigException>(() => ContainerResources.Value(Web, new() { ContainerName = "no", Resource = "limits.cpu" }, container, Objects.Node));
        Assert.Throws<ContainerConfigException>(() => ContainerResources.Value(Web, new() { Resource = "limits.pods" }, container, Objects.Node));
    }

    [Fact]
    public async Task Services_are_told_in_both_forms()
    {
        Objects.AllServices.Add(Service("default", "kubernetes", "10.96.0.1", new ServicePort { Name = "https", Port = 443, Protocol = "TCP" }));
        Objects.AllServices.Add(Service("default", "my-db", "fd00::9", new ServicePort { Port = 53, Protocol = "UDP" }));
        Objects.AllServices.Add(Service("default", "headless", "None", new ServicePort { Port = 80 }));
        Objects.AllServices.Add(Service("other", "far", "10.96.0.7", new ServicePort { Port = 80 }));

        var api = new Dictionary<string, string>
        {
            ["KUBERNETES_SERVICE_HOST"] = "10.96.0.1", ["KUBERNETES_SERVICE_PORT"] = "443", ["KUBERNETES_SERVICE_PORT_HTTPS"] = "443", ["KUBERNETES_PORT"] = "tcp://10.96.0.1:443",
            ["KUBERNETES_PORT_443_TCP"] = "tcp://10.96.0.1:443", ["KUBERNETES_PORT_443_TCP_PROTO"] = "tcp", ["KUBERNETES_PORT_443_TCP_PORT"] = "443", ["KUBERNETES_PORT_443_TCP_ADDR"] = "10.96.0.1",
        };
        Assert.Equal(api, await EnvironmentAsync(new()));

        var linked = await EnvironmentAsync(new() { Env = [new() { Name = "URL", Value = "$(MY_DB_PORT)" }, new() { Name = "KUBERNETES_PORT", Value = "mine" }] }, Web with { Spec = Web.Spec with { EnableServiceLinks = true } });
        Assert.Equal("udp://[fd00::9]:53", linked["URL"]);
        Assert.Equal("mine", linked["KUBERNETES_PORT"]);
        Assert.Equal("fd00::9", linked["MY_DB_SERVICE_HOST"]);
        Assert.Equal("fd00::9", linked["MY_DB_PORT_53_UDP_ADDR"]);
        Assert.DoesNotContain("HEADLESS_SERVICE_HOST", linked.Keys);
        Assert.DoesNotContain("FAR_SERVICE_HOST", linked.Keys);
    }

    static Service Service(string ns, string name, string address, ServicePort port) =>
        new() { Metadata = new() { Name = name, Namespace = ns }, Spec = new() { ClusterIP = address, Ports = [port] } };

    [Theory]
    [InlineData("K='v'", "v"), InlineData("  K='a b' # note\n", "a b"), InlineData("# c\n\nX='1'\nK='two\nlines = $HOME'\n", "two\nlines = $HOME"), InlineData("K=\nX='1'", ""),
     InlineData("X='K=1'\n", null), InlineData("K= 'v'", ""), InlineData("K='v'\nbroken", "v"), InlineData("X='multi\nK='\nK='r'", "r")]
    public void A_file_of_variables_is_read(string text, string? value) => Assert.Equal(value, EnvironmentFiles.Find(text, "K"));

    [Theory]
    [InlineData("K=v"), InlineData("K =  'v'"), InlineData("='v'"), InlineData("nothing"), InlineData("K='v"), InlineData("K='v'x"), InlineData("K='v' x"), InlineData("K=\"v\"")]
    public void A_file_of_another_form_is_refused(string text) => Assert.Throws<FormatException>(() => EnvironmentFiles.Find(text, "K"));

    [Fact]
    public async Task Variables_come_from_a_file_of_the_pods_own()
    {
        var pod = PodWith(new Volume { Name = "v", EmptyDir = new() });
        string folder = await PrepareAsync(pod);
        File.WriteAllText(Path.Combine(folder, "env"), "K='v'\n");
        File.CreateSymbolicLink(Path.Combine(folder, "out"), "/proc/self/environ");
        static Container Reading(string path, string key, bool optional = false) =>
            new() { Env = [new() { Name = "V", ValueFrom = new() { FileKeyRef = new() { VolumeName = "v", Path = path, Key = key, Optional = optional } } }] };

        Assert.Equal("v", (await EnvironmentAsync(Reading("env", "K"), pod))["V"]);
        Assert.DoesNotContain("V", await EnvironmentAsync(Reading("env", "Z", optional: true), pod));
        Assert.StartsWith("environment variable key \"Z\" not found in file", (await Assert.ThrowsAsync<ContainerConfigException>(() => EnvironmentAsync(Reading("env", "Z"), pod))).Message, StringComparison.Ordinal);
        Assert.Equal("couldn't parse env file", (await Assert.ThrowsAsync<ContainerConfigException>(() => EnvironmentAsync(Reading("out", "PATH"), pod))).Message);
    }
}
