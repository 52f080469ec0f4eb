using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Cri.V1;
using Hanbae.Kit;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Stats;
using Hanbae.Machinery.Figures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Images;

/// <summary>Programs of the node that know logins of registries (KEP-2133), also by the Pod's account (KEP-4412).</summary>
public sealed class CredentialProvidersTests : IDisposable
{
    const string Header = "kind: CredentialProviderConfig\napiVersion: kubelet.config.k8s.io/v1\n";

    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-credentials-").FullName;
    readonly FakeTime _time = new();
    readonly KubeletFigures _figures = new();
    readonly GivenObjects _objects = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string Asked => File.Exists(Path.Combine(_folder, "asked")) ? File.ReadAllText(Path.Combine(_folder, "asked")) : "";

    /// <summary>A program that writes down what it is asked, and says what it is told to.</summary>
    /// <remarks>The shell by another name, since a file that was written a moment ago may still be busy where other tests start processes.</remarks>
    void Program(string name, string answer, int code = 0, string version = "v1")
    {
        string said = answer.StartsWith('{') ? $$"""{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/{{version}}",{{answer[1..]}}""" : answer;
        File.WriteAllText(Path.Combine(_folder, name + ".sh"), $"{{ cat; echo \" $1 $WHO\"; }} >> {_folder}/asked\ncat <<'END'\n{said}\nEND\n{(code > 0 ? "echo broken >&2" : "")}\nexit {code}\n");
        File.CreateSymbolicLink(Path.Combine(_folder, name), "/bin/sh");
    }

    CredentialProviders Providers(string yaml)
    {
        string file = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(file, Header + yaml);
        return new(CredentialProvider.Load(file), _folder, _objects, _time, NullLogger.Instance) { Figures = _figures };
    }

    string One(string name, string more = "", string version = "v1") =>
        $"providers:\n- name: {name}\n  apiVersion: credentialprovider.kubelet.k8s.io/{version}\n  matchImages: ['*.example', 'r.io:5000/team']\n  defaultCacheDuration: 1m\n  args: [{_folder}/{name}.sh, get]\n{more}";

    static Pod Pod(string account = "") => Make.Pod(Make.Container("app", "app")) is var pod ? pod with { Spec = pod.Spec with { ServiceAccountName = account } } : pod;

    static string Text(IEnumerable<PullLogin> logins) => string.Join(' ', logins.Select(l => $"{l.Login.Username}:{l.Login.Password}@{l.Of}{l.Name}"));

    [Fact]
    public async Task A_program_is_asked_for_the_images_that_it_is_for()
    {
        Program("cloud", """{"cacheKeyType":"Registry","auth":{"*.example":{"username":"u","password":"p"},"r.example/deep":{"username":"deep","password":"q"},"other.io":{"username":"x","password":"y"}}}""");
        var providers = Providers(One("cloud", "  env: [{name: WHO, value: me}]\n"));
        Assert.Empty(await providers.ForAsync(Pod(), "elsewhere.io/app:1", default));
        Assert.Equal("", Asked);
        Assert.Equal("deep:q@Node u:p@Node", Text(await providers.ForAsync(Pod(), "r.example/deep/app:1", default)));
        Assert.Equal("""{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"r.example/deep/app"} get me""" + "\n", Asked);
        // One answer for all of the registry, for as long as it holds.
        Assert.Equal("u:p@Node", Text(await providers.ForAsync(Pod(), "r.example/app:2", default)));
        Assert.Single(Asked.TrimEnd('\n').Split('\n'));
        await providers.ForAsync(Pod(), "s.example/app", default);
        _time.Advance(TimeSpan.FromSeconds(61));
        await providers.ForAsync(Pod(), "r.example/app:2", default);
        Assert.Equal(3, Asked.TrimEnd('\n').Split('\n').Length);
        await providers.ForAsync(Pod(), "r.io:5000/team/app", default);
        Assert.EndsWith("\"image\":\"r.io:5000/team/app\"} get me\n", Asked);
    }

    [Theory]
    [InlineData("Image", "1h", 2)]
    [InlineData("Registry", "1h", 1)]
    [InlineData("Global", "1h", 1)]
    [InlineData("Global", "0s", 2)]
    public async Task An_answer_says_for_what_it_holds_and_for_how_long(string kind, string duration, int asked)
    {
        Program("cloud", $$$"""{"cacheKeyType":"{{{kind}}}","cacheDuration":"{{{duration}}}","auth":{}}""", version: "v1beta1");
        var providers = Providers(One("cloud", version: "v1beta1"));
        await providers.ForAsync(Pod(), "r.example/a", default);
        _time.Advance(TimeSpan.FromMinutes(2));
        await providers.ForAsync(Pod(), "r.example/b", default);
        Assert.Equal(asked, Asked.TrimEnd('\n').Split('\n').Length);
    }

    [Theory]
    [InlineData("no json", 0, "v1")]
    [InlineData("{\"cacheKeyType\":\"Never\",\"auth\":{\"*.example\":{\"username\":\"u\"}}}", 0, "v1")]
    [InlineData("{\"cacheKeyType\":\"Image\",\"auth\":{\"*.example\":{\"username\":\"u\"}}}", 0, "v1beta1")]
    [InlineData("{\"cacheKeyType\":\"Image\",\"auth\":{\"*.example\":{\"username\":\"u\"}}}", 3, "v1")]
    public async Task A_program_that_fails_gives_no_login(string answer, int code, string version)
    {
        Program("cloud", answer, code, version);
        Assert.Empty(await Providers(One("cloud")).ForAsync(Pod(), "r.example/a", default));
        Assert.NotEqual("", Asked);
        var text = new PrometheusText();
        _figures.Render(text);
        Assert.Contains("kubelet_credential_provider_plugin_duration_count{plugin_name=\"cloud\"} 1\n", text.ToString());
        Assert.Equal(code > 0, text.ToString().Contains("kubelet_credential_provider_plugin_errors_total{plugin_name=\"cloud\"} 1\n"));
    }

    [Fact]
    public async Task A_provider_that_goes_by_accounts_is_told_whose_it_is()
    {
        Program("cloud", """{"cacheKeyType":"Global","auth":{"*.example":{"username":"u","password":"p"}}}""");
        var providers = Providers(One("cloud", """
              tokenAttributes:
                serviceAccountTokenAudience: registry
                cacheType: ServiceAccount
                requireServiceAccount: true
                requiredServiceAccountAnnotationKeys: [cloud/role]
                optionalServiceAccountAnnotationKeys: [cloud/zone, cloud/none]
            """));
        Assert.Empty(await providers.ForAsync(Pod(), "r.example/a", default)); // nobody's
        _objects.Accounts["plain"] = new() { Metadata = new() { Name = "plain", Uid = "u0" } };
        Assert.Empty(await providers.ForAsync(Pod("plain"), "r.example/a", default)); // it did not opt in
        Assert.Equal("", Asked);
        _objects.Accounts["app"] = new() { Metadata = new() { Name = "app", Uid = "u1", Annotations = Map.Of(("cloud/role", "r"), ("cloud/zone", "z"), ("other", "x")) } };
        Assert.Equal("u:p@Accountapp", Text(await providers.ForAsync(Pod("app"), "r.example/a", default)));
        Assert.Equal("""{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"r.example/a","serviceAccountToken":"token for registry","serviceAccountAnnotations":{"cloud/role":"r","cloud/zone":"z"}}""" + " get \n", Asked);
        _objects.Accounts["two"] = _objects.Accounts["app"] with { Metadata = _objects.Accounts["app"].Metadata with { Name = "two", Uid = "u2" } };
        await providers.ForAsync(Pod("app"), "r.example/b", default);
        Assert.Single(Asked.TrimEnd('\n').Split('\n'));
        await providers.ForAsync(Pod("two"), "r.example/b", default);
        Assert.Equal(2, Asked.TrimEnd('\n').Split('\n').Length);
        Assert.Equal("u1", (await providers.AccountAsync(Pod("app"), default))!.Uid);
    }

    [Fact]
    public async Task Images_are_pulled_with_it_and_are_the_nodes_or_the_accounts()
    {
        Program("cloud", """{"cacheKeyType":"Global","auth":{"*.example":{"username":"u","password":"p"}}}""");
        using var bench = new PodBench(("r.example/app:1", FakeProgram.Forever));
        var records = new PullRecords(bench.Options, bench.Time);
        var images = new ImagePuller(bench.Cri, bench.Objects, bench.Events, bench.Time, 1, records) { Providers = Providers(One("cloud")) };
        var container = Make.Container("app", "r.example/app:1") with { ImagePullPolicy = "Always" };
        var present = await images.EnsureAsync(Make.Pod(container), container, new PodSandboxConfig(), new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5)), default);
        Assert.Contains("\"image\":\"r.example/app\"", Asked);
        Assert.False(records.MustPull("r.example/app:1", present.Id, [])); // whoever is on the node may have it

        static PullLogin Account(string uid) => new(new AuthConfig(), uid, "default", "app", LoginOf.Account);
        records.Succeeded("s.example/app:1", "sha256:2", Account("u1") with { Login = new() { Username = "u" } });
        Assert.False(records.MustPull("s.example/app:1", "sha256:2", [Account("u1")]));
        Assert.True(records.MustPull("s.example/app:1", "sha256:2", [Account("u2")]));
        Assert.True(records.MustPull("s.example/app:1", "sha256:2", []));
    }

    [Theory]
    [InlineData("providers: []", "failed to validate credential provider config: providers: Required value: at least 1 item in plugins is required")]
    [InlineData("providers: [{name: a/b, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [x], defaultCacheDuration: 1m}]", "failed to validate credential provider config: providers.name: Invalid value: \"a/b\": provider name cannot contain '/'")]
    [InlineData("providers: [{name: a, apiVersion: v9, matchImages: [x], defaultCacheDuration: 1m}]", "failed to validate credential provider config: providers.apiVersion: Unsupported value: \"v9\": supported values: \"credentialprovider.kubelet.k8s.io/v1\", \"credentialprovider.kubelet.k8s.io/v1alpha1\", \"credentialprovider.kubelet.k8s.io/v1beta1\"")]
    [InlineData("providers: [{name: a, apiVersion: credentialprovider.kubelet.k8s.io/v1}]", "failed to validate credential provider config: [providers.matchImages: Required value: at least 1 item in matchImages is required, providers.defaultCacheDuration: Required value]")]
    [InlineData("providers: [{name: a, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [x], defaultCacheDuration: 1m, tokenAttributes: {serviceAccountTokenAudience: a, requireServiceAccount: true}}]", "failed to validate credential provider config: providers.tokenAttributes.cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ServiceAccount, Token")]
    [InlineData("providers: [{name: none, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [x], defaultCacheDuration: 1m}]", "plugin binary executable */none did not exist")]
    [InlineData("provider: []", "error decoding config \"*/config.yaml\": strict decoding error: unknown field \"provider\"")]
    public void What_is_wrong_with_the_configuration_is_said(string yaml, string why) =>
        Assert.Equal(why.Replace("*", _folder, StringComparison.Ordinal), Assert.Throws<FormatException>(() => Providers(yaml)).Message);
}
