using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Admission;
using Hanbae.Server.Audit;
using Hanbae.Server.Admission.PodSecurity;
using Hanbae.Server.Tests.Auth;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What a namespace's labels make of Pods and of what makes Pods.</summary>
public sealed class PodSecurityTests : IAsyncLifetime
{
    const string Prefix = "pod-security.kubernetes.io/";

    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await SecureServer.StartAsync(o => o with { Admission = new()
    {
        Configuration = new() { PodSecurity = new() { Namespaces = ["exempt"], Usernames = ["trusted"], RuntimeClasses = ["boxed"] } },
    } });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task NamespaceAsync(string name, params (string Mode, string Value)[] labels)
    {
        await _server.MakeAsync(new Namespace { Metadata = new() { Name = name, Labels = labels.Select(l => KeyValuePair.Create(Prefix + l.Mode, l.Value)).ToMap() } });
        await _server.MakeAsync(new ServiceAccount { Metadata = new() { Name = "default", Namespace = name } });
    }

    static readonly Pod s_privileged = SecureServer.Pod("p", "x") with { Spec = new() { Containers = [new() { Name = "main", Image = "example/app:1", SecurityContext = new() { Privileged = true } }] } };

    static Pod Privileged(string ns) => s_privileged with { Metadata = s_privileged.Metadata with { Namespace = ns } };

    const string What = "privileged (container \"main\" must not set securityContext.privileged=true)";

    [Fact]
    public async Task Pods_below_the_level_are_refused_and_others_are_not()
    {
        await NamespaceAsync("x", ("enforce", "baseline"), ("warn", "restricted"), ("warn-version", "v1.20"));
        var refused = await _server.CreateAsync(SecureServer.Admin, s_privileged);
        Assert.Equal((403, $"pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": {What}"), (refused.Code, SecureServer.Message(refused)));
        Assert.Empty(refused.Warnings);

        var made = await _server.CreateAsync(SecureServer.Admin, SecureServer.Pod("q", "x"));
        Assert.Equal(201, made.Code);
        Assert.StartsWith("would violate PodSecurity \"restricted:v1.20\": allowPrivilegeEscalation != false (container \"main\" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot", Assert.Single(made.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_makes_Pods_is_warned_about_only()
    {
        await NamespaceAsync("x", ("enforce", "restricted"), ("warn", "baseline"), ("audit", "baseline"));
        var template = new PodTemplateSpec { Metadata = new() { Labels = Map.Of(("a", "b")) }, Spec = s_privileged.Spec };
        var made = await _server.CreateAsync(SecureServer.Admin, new Deployment { Metadata = new() { Name = "d", Namespace = "x" }, Spec = new() { Selector = new() { MatchLabels = Map.Of(("a", "b")) }, Template = template } });
        Assert.Equal((201, $"would violate PodSecurity \"baseline:latest\": {What}"), (made.Code, Assert.Single(made.Warnings)));
    }

    [Fact]
    public async Task Updates_count_when_they_bring_an_image_or_a_container()
    {
        await NamespaceAsync("x");
        await _server.MakeAsync(Privileged("x"));
        await _server.MakeAsync((await _server.GetAsync<Pod>("x", "p")) with { Metadata = new() { Name = "second", Namespace = "x" } });
        var ns = await _server.GetAsync<Namespace>("", "x");
        var warned = await _server.CallAsync(SecureServer.Admin, "PUT", Resources.Of<Namespace>().Path("", "x"), ns with { Metadata = ns.Metadata with { Labels = ns.Metadata.Labels.Set(Prefix + "enforce", "baseline") } });
        Assert.Equal(["existing pods in namespace \"x\" violate the new PodSecurity enforce level \"baseline:latest\"", "p (and 1 other pod): privileged"], warned.Warnings);

        var pod = await _server.GetAsync<Pod>("x", "p");
        string path = Resources.Of<Pod>().Path("x", "p");
        Assert.Equal(200, (await _server.CallAsync(SecureServer.Admin, "PUT", path, pod with { Metadata = pod.Metadata with { Labels = Map.Of(("a", "b")) } })).Code);
        pod = await _server.GetAsync<Pod>("x", "p");
        var newImage = await _server.CallAsync(SecureServer.Admin, "PUT", path, pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Image = "example/app:2" }] } });
        Assert.Equal((403, $"pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": {What}"), (newImage.Code, SecureServer.Message(newImage)));
        var debug = await _server.CallAsync(SecureServer.Admin, "PUT", path + "/ephemeralcontainers", pod with { Spec = pod.Spec with { EphemeralContainers = [new() { Name = "debug", Image = "example/app:1", TerminationMessagePolicy = "File", ImagePullPolicy = "Always" }] } });
        Assert.Equal(403, debug.Code);
    }

    [Fact]
    public async Task Wrong_labels_are_refused_unless_they_were_there()
    {
        var refused = await _server.CreateAsync(SecureServer.Admin, new Namespace { Metadata = new() { Name = "y", Labels = Map.Of((Prefix + "enforce", "loose"), (Prefix + "warn-version", "v2")) } });
        Assert.Equal(422, refused.Code);
        Assert.Contains("metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"loose\": must be one of privileged, baseline, restricted", SecureServer.Message(refused), StringComparison.Ordinal);
        Assert.Contains("metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"v2\": must be \"latest\" or \"v1.x\"", SecureServer.Message(refused), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_exempt_by_configuration_is_not_looked_at()
    {
        await NamespaceAsync("exempt", ("enforce", "restricted"));
        await _server.MakeAsync(Privileged("exempt"));

        await NamespaceAsync("x", ("enforce", "restricted"));
        var trusted = new Identity("trusted", [Server.Auth.Groups.Masters]);
        Assert.Equal(201, (await _server.CreateAsync(trusted, Privileged("x"))).Code);
        Assert.Equal(403, (await _server.CreateAsync(SecureServer.Admin, Privileged("x") with { Metadata = new() { Name = "r", Namespace = "x" } })).Code);

        await _server.MakeAsync(new Hanbae.Api.Node.V1.RuntimeClass { Metadata = new() { Name = "boxed" }, Handler = "boxed" });
        var boxed = Privileged("x") with { Metadata = new() { Name = "b", Namespace = "x" } };
        Assert.Equal(201, (await _server.CreateAsync(SecureServer.Admin, boxed with { Spec = boxed.Spec with { RuntimeClassName = "boxed" } })).Code);
    }

    [Fact]
    public async Task The_audit_log_is_told()
    {
        await NamespaceAsync("x", ("audit", "baseline"), ("audit-version", "v1.30"));
        var notes = new AuditAnnotations();
        var plugin = _server.Security.Admission.OfType<PodSecurityAdmission>().Single();
        await plugin.ValidateAsync(new() { Operation = Operation.Create, Resource = Pod.Info.Gvk.GroupVersion.Resource("pods"), Kind = Pod.Info.Gvk, Namespace = "x", Name = "p", Object = s_privileged, User = SecureServer.Admin, Warnings = [], Audit = notes }, CancellationToken.None);
        Assert.Equal(new Dictionary<string, string> { [Prefix + "enforce-policy"] = "privileged:latest", [Prefix + "audit-violations"] = $"would violate PodSecurity \"baseline:v1.30\": {What}" }, notes.ToDictionary());
        await plugin.ValidateAsync(new() { Operation = Operation.Create, Resource = Pod.Info.Gvk.GroupVersion.Resource("pods"), Kind = Pod.Info.Gvk, Namespace = "exempt", Name = "p", Object = s_privileged, User = SecureServer.Admin, Warnings = [], Audit = notes = new() }, CancellationToken.None);
        Assert.Equal("namespace", Assert.Single(notes).Value);
    }

    [Fact]
    public void A_configuration_file_says_defaults_and_exemptions()
    {
        var options = AdmissionOptions.Of("AlwaysPullImages", null, null);
        Assert.Contains("AlwaysPullImages", options.Enable);
        var config = Hanbae.Server.Admission.Configuration.AdmissionConfiguration.Parse("""
            apiVersion: apiserver.config.k8s.io/v1
            kind: AdmissionConfiguration
            plugins:
            - name: PodSecurity
              configuration:
                apiVersion: pod-security.admission.config.k8s.io/v1
                kind: PodSecurityConfiguration
                defaults: {enforce: baseline, enforce-version: v1.33, warn: restricted}
                exemptions: {usernames: [a], runtimeClasses: [b], namespaces: [kube-system]}
            - name: EventRateLimit
              path: events.yaml
            """, path => path == "events.yaml" ? "kind: Configuration\napiVersion: eventratelimit.admission.k8s.io/v1alpha1\nlimits: [{type: Namespace, qps: 1, burst: 2}]" : throw new IOException(path));
        Assert.Equal(("baseline:v1.33", "privileged:latest", "restricted:latest"), (config.PodSecurity.Defaults.Enforce.ToString(), config.PodSecurity.Defaults.Audit.ToString(), config.PodSecurity.Defaults.Warn.ToString()));
        Assert.Equal(("a", "b", "kube-system"), (config.PodSecurity.Usernames[0], config.PodSecurity.RuntimeClasses[0], config.PodSecurity.Namespaces[0]));
        Assert.Equal([new("Namespace", 1, 2)], config.EventLimits);
    }

    [Theory]
    [InlineData("Nothing", null, "enable-admission-plugins plugin \"Nothing\" is unknown")]
    [InlineData(null, "Nothing", "disable-admission-plugins plugin \"Nothing\" is unknown")]
    [InlineData("PodNodeSelector,EventRateLimit", "EventRateLimit", "[EventRateLimit] in enable-admission-plugins and disable-admission-plugins overlapped")]
    public void Names_that_are_wrong_are_said(string? enable, string? disable, string why) => Assert.Equal(why, Assert.Throws<FormatException>(() => AdmissionOptions.Of(enable, disable, null)).Message);
}
