using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Node.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Scheduling.V1;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

public sealed class PodAdmissionTests : IAsyncLifetime
{
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync();
    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task<string> RefusalAsync(Pod pod)
    {
        var result = await _server.CreateAsync(Admin, pod);
        Assert.Equal(403, result.Code);
        return Message(result);
    }

    [Fact]
    public async Task A_Pod_gets_the_token_of_its_service_account()
    {
        var pod = Pod("web");
        pod = await _server.MakeAsync(pod with { Spec = pod.Spec with { InitContainers = [new() { Name = "init", Image = "x" }] } });

        Assert.Equal("default", pod.Spec.ServiceAccountName);
        Assert.Equal("default", pod.Spec.ServiceAccount);
        var volume = Assert.Single(pod.Spec.Volumes);
        Assert.Matches("^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$", volume.Name);
        var expected = new VolumeMount { Name = volume.Name, ReadOnly = true, MountPath = "/var/run/secrets/kubernetes.io/serviceaccount" };
        Assert.Equal(expected, Assert.Single(pod.Spec.Containers[0].VolumeMounts));
        Assert.Equal(expected, Assert.Single(pod.Spec.InitContainers[0].VolumeMounts));
        Assert.Equal(420, volume.Projected!.DefaultMode);
        Assert.Equal(3607, volume.Projected.Sources[0].ServiceAccountToken!.ExpirationSeconds);
        Assert.Equal("kube-root-ca.crt", volume.Projected.Sources[1].ConfigMap!.Name);
        Assert.Equal("metadata.namespace", volume.Projected.Sources[2].DownwardAPI!.Items[0].FieldRef!.FieldPath);
    }

    [Fact]
    public async Task A_token_is_not_mounted_where_it_is_not_wanted()
    {
        await _server.MakeAsync(new ServiceAccount { Metadata = new() { Name = "quiet", Namespace = "default" }, AutomountServiceAccountToken = false, ImagePullSecrets = [new() { Name = "pull" }] });
        var pod = Pod("web");

        var byAccount = await _server.MakeAsync(pod with { Spec = pod.Spec with { ServiceAccountName = "quiet" } });
        var byPod = await _server.MakeAsync(pod with { Metadata = pod.Metadata with { Name = "two" }, Spec = pod.Spec with { AutomountServiceAccountToken = false } });

        Assert.Empty(byAccount.Spec.Volumes);
        Assert.Equal("pull", Assert.Single(byAccount.Spec.ImagePullSecrets).Name);
        Assert.Empty(byPod.Spec.Volumes);
    }

    [Fact]
    public async Task A_service_account_must_exist()
    {
        var pod = Pod("web");

        Assert.Equal("pods \"web\" is forbidden: error looking up service account default/robot: serviceaccount \"robot\" not found",
            await RefusalAsync(pod with { Spec = pod.Spec with { ServiceAccountName = "robot" } }));
    }

    [Fact]
    public async Task An_account_may_hold_its_Pods_to_the_secrets_that_it_names()
    {
        await _server.MakeAsync(new ServiceAccount
        {
            Metadata = new() { Name = "strict", Namespace = "default", Annotations = Map.Of(("kubernetes.io/enforce-mountable-secrets", "true")) },
            AutomountServiceAccountToken = false,
            Secrets = [new() { Name = "mine" }],
            ImagePullSecrets = [new() { Name = "pull" }],
        });
        var plain = Pod("web");
        plain = plain with { Spec = plain.Spec with { ServiceAccountName = "strict" } };
        Container With(string name, string env, string all) => plain.Spec.Containers[0] with
        {
            Name = name,
            Env = env.Length > 0 ? [new() { Name = "E", ValueFrom = new() { SecretKeyRef = new() { Name = env, Key = "k" } } }] : [],
            EnvFrom = all.Length > 0 ? [new() { SecretRef = new() { Name = all } }] : [],
        };
        async Task RefusedAsync(PodSpec spec, string why, string what = "secret") =>
            Assert.Equal($"pods \"web\" is forbidden: {why} is not allowed because service account strict does not reference that {what}",
                await RefusalAsync(plain with { Spec = spec }));

        await RefusedAsync(plain.Spec with { Volumes = [new() { Name = "v", Secret = new() { SecretName = "other" } }] }, "volume with secret.secretName=\"other\"");
        await RefusedAsync(plain.Spec with { InitContainers = [With("i", "other", "")] }, "init container i with envVar E referencing secret.secretName=\"other\"");
        await RefusedAsync(plain.Spec with { InitContainers = [With("i", "", "other")] }, "init container i with envFrom referencing secret.secretName=\"other\"");
        await RefusedAsync(plain.Spec with { Containers = [With("c", "other", "")] }, "container c with envVar E referencing secret.secretName=\"other\"");
        await RefusedAsync(plain.Spec with { Containers = [With("c", "mine", "other")] }, "container c with envFrom referencing secret.secretName=\"other\"");
        await RefusedAsync(plain.Spec with { ImagePullSecrets = [new() { Name = "pull" }, new() { Name = "mine" }] }, "imagePullSecrets[1].name=\"mine\"", "imagePullSecret");

        var made = await _server.MakeAsync(plain with { Spec = plain.Spec with { Containers = [With("c", "mine", "mine")], Volumes = [new() { Name = "v", Secret = new() { SecretName = "mine" } }] } });
        Task<ApiResult> DebugAsync(string secret) => _server.CallAsync(Admin, "PUT", Resources.Of<Pod>().Path("default", "web") + "/ephemeralcontainers", made with
        {
            Spec = made.Spec with { EphemeralContainers = [new() { Name = "e", Image = "x", EnvFrom = [new() { SecretRef = new() { Name = secret } }] }] },
        });
        var refused = await DebugAsync("other");
        Assert.Equal((403, "pods \"web\" is forbidden: ephemeral container e with envFrom referencing secret.secretName=\"other\" is not allowed because service account strict does not reference that secret"),
            (refused.Code, Message(refused)));
        Assert.Equal(200, (await DebugAsync("mine")).Code);
    }

    [Fact]
    public async Task Nothing_comes_into_a_namespace_that_is_not_there_or_is_ending()
    {
        var missing = await _server.CreateAsync(Admin, new ConfigMap { Metadata = new() { Name = "c", Namespace = "nowhere" } });
        Assert.Equal(404, missing.Code);
        Assert.Equal("namespaces \"nowhere\" not found", Message(missing));

        await _server.MakeAsync(new Namespace { Metadata = new() { Name = "ending" } });
        Good(await _server.DeleteAsync<Namespace>(Admin, "", "ending"));
        var late = await _server.CreateAsync(Admin, new ConfigMap { Metadata = new() { Name = "c", Namespace = "ending" } });
        Assert.Equal(403, late.Code);
        Assert.Equal("configmaps \"c\" is forbidden: unable to create new content in namespace ending because it is being terminated", Message(late));
        Assert.Equal("NamespaceTerminating", ((Api.Meta.V1.Status)late.Object!).Details!.Causes[0].Reason);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("kube-system")]
    [InlineData("kube-public")]
    public async Task The_systems_namespaces_stay(string name) =>
        Assert.Equal($"namespaces \"{name}\" is forbidden: this namespace may not be deleted", Message(await _server.DeleteAsync<Namespace>(Admin, "", name)));

    [Fact]
    public async Task A_priority_class_becomes_a_number()
    {
        await _server.MakeAsync(new PriorityClass { Metadata = new() { Name = "high" }, Value = 1000, PreemptionPolicy = "Never" });
        var pod = Pod("web");

        var plain = await _server.MakeAsync(pod);
        var high = await _server.MakeAsync(pod with { Metadata = pod.Metadata with { Name = "high" }, Spec = pod.Spec with { PriorityClassName = "high" } });

        Assert.Equal((0, "PreemptLowerPriority"), (plain.Spec.Priority, plain.Spec.PreemptionPolicy));
        Assert.Equal((1000, "Never"), (high.Spec.Priority, high.Spec.PreemptionPolicy));
        var other = pod with { Metadata = pod.Metadata with { Name = "other" } };
        Assert.Equal("pods \"other\" is forbidden: no PriorityClass with name none was found", await RefusalAsync(other with { Spec = pod.Spec with { PriorityClassName = "none" } }));
        Assert.Equal("pods \"other\" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name",
            await RefusalAsync(other with { Spec = pod.Spec with { PriorityClassName = "high", Priority = 7 } }));
    }

    [Fact]
    public async Task Only_one_priority_class_is_the_default()
    {
        await _server.MakeAsync(new PriorityClass { Metadata = new() { Name = "one" }, Value = 5, GlobalDefault = true });

        var two = await _server.CreateAsync(Admin, new PriorityClass { Metadata = new() { Name = "two" }, Value = 6, GlobalDefault = true });

        Assert.Equal("priorityclasses.scheduling.k8s.io \"two\" is forbidden: PriorityClass one is already marked as default. Only one default can exist", Message(two));
        var pod = await _server.MakeAsync(Pod("web"));
        Assert.Equal(("one", 5), (pod.Spec.PriorityClassName, pod.Spec.Priority));
    }

    [Fact]
    public async Task A_Pod_stays_five_minutes_on_a_node_that_is_lost()
    {
        var pod = Pod("web");
        var plain = await _server.MakeAsync(pod);
        var own = await _server.MakeAsync(pod with { Metadata = pod.Metadata with { Name = "own" }, Spec = pod.Spec with { Tolerations = [new() { Key = "node.kubernetes.io/not-ready", Operator = "Exists", Effect = "NoExecute", TolerationSeconds = 7 }] } });
        var all = await _server.MakeAsync(pod with { Metadata = pod.Metadata with { Name = "all" }, Spec = pod.Spec with { Tolerations = [new() { Operator = "Exists" }] } });

        Assert.Equal([("node.kubernetes.io/not-ready", 300L), ("node.kubernetes.io/unreachable", 300L)], plain.Spec.Tolerations.Select(t => (t.Key, t.TolerationSeconds!.Value)));
        Assert.Equal([7, 300], own.Spec.Tolerations.Select(t => t.TolerationSeconds!.Value));
        Assert.Single(all.Spec.Tolerations);
    }

    [Fact]
    public async Task A_limit_range_gives_defaults_and_says_what_it_gave()
    {
        await _server.MakeAsync(new LimitRange
        {
            Metadata = new() { Name = "limits", Namespace = "default" },
            Spec = new() { Limits = [new() { Type = "Container", Default = Of("cpu", "500m"), DefaultRequest = Of("cpu", "100m"), Max = Of("memory", "1Gi") }] },
        });

        var pod = await _server.MakeAsync(Pod("web"));

        var resources = pod.Spec.Containers[0].Resources;
        Assert.Equal(["500m", "1Gi"], resources.Limits.Select(l => l.Value.ToString()));
        Assert.Equal(["100m", "1Gi"], resources.Requests.Select(l => l.Value.ToString()));
        Assert.Equal("LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main", pod.Metadata.Annotations["kubernetes.io/limit-ranger"]);
    }

    [Fact]
    public async Task A_Pod_outside_the_limits_is_refused()
    {
        await _server.MakeAsync(new LimitRange
        {
            Metadata = new() { Name = "limits", Namespace = "default" },
            Spec = new() { Limits = [new() { Type = "Container", Min = Of("cpu", "100m"), Max = Of("cpu", "1") }, new() { Type = "Pod", Max = Of("cpu", "1500m") }] },
        });
        Pod With(params (string Request, string Limit)[] cpus) => Pod("web") is var pod
            ? pod with { Spec = pod.Spec with { Containers = cpus.Select((c, i) => new Container { Name = "c" + i, Image = "x", Resources = new() { Requests = Of("cpu", c.Request), Limits = Of("cpu", c.Limit) } }).ToSeq() } } : pod;

        Assert.Equal("pods \"web\" is forbidden: maximum cpu usage per Container is 1, but limit is 1200m", await RefusalAsync(With(("1", "1200m"))));
        Assert.Equal("pods \"web\" is forbidden: minimum cpu usage per Container is 100m, but request is 50m", await RefusalAsync(With(("50m", "1"))));
        Assert.Equal("pods \"web\" is forbidden: maximum cpu usage per Pod is 1500m, but limit is 2", await RefusalAsync(With(("100m", "1"), ("100m", "1"))));
    }

    [Fact]
    public async Task A_runtime_class_brings_its_overhead_and_its_nodes()
    {
        await _server.MakeAsync(new RuntimeClass { Metadata = new() { Name = "vm" }, Handler = "kata", Overhead = new() { PodFixed = Of("cpu", "250m") }, Scheduling = new() { NodeSelector = Map.Of(("vm", "yes")) } });
        var pod = Pod("web");
        pod = pod with { Spec = pod.Spec with { RuntimeClassName = "vm" } };

        var made = await _server.MakeAsync(pod);

        Assert.Equal("250m", made.Spec.Overhead["cpu"].ToString());
        Assert.Equal("yes", made.Spec.NodeSelector["vm"]);
        var other = pod with { Metadata = pod.Metadata with { Name = "other" } };
        Assert.Equal("pods \"other\" is forbidden: pod rejected: RuntimeClass \"none\" not found", await RefusalAsync(other with { Spec = other.Spec with { RuntimeClassName = "none" } }));
        Assert.Equal("pods \"other\" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
            await RefusalAsync(other with { Spec = other.Spec with { NodeSelector = Map.Of(("vm", "no")) } }));
        Assert.Equal("pods \"other\" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            await RefusalAsync(other with { Spec = other.Spec with { RuntimeClassName = null, Overhead = Of("cpu", "1") } }));
    }

    static Map<Quantity> Of(string name, string quantity) => Map.Of((name, Quantity.Parse(quantity)));
}
