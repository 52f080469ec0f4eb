using System.Text;

namespace Hanbae.Client.Tests.Config;

public sealed class KubeconfigTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    const string Sample = """
        apiVersion: v1
        kind: Config
        current-context: dev
        clusters:
        - name: here
          cluster:
            server: https://10.0.0.1:6443/prefix/
            certificate-authority-data: Q0E=
            tls-server-name: kubernetes
        - cluster: { server: "https://there:443", insecure-skip-tls-verify: true }
          name: there
        users:
        - name: alice
          user:
            client-certificate: certs/alice.crt
            client-key: /abs/alice.key
        - name: robot
          user: { token: "abc", tokenFile: token, as: bob, as-groups: [a, b] }
        - name: cloud
          user:
            exec: { apiVersion: client.authentication.k8s.io/v1, command: aws-iam-authenticator }
        contexts:
        - name: dev
          context: { cluster: here, user: alice, namespace: team }
        - name: other
          context: { cluster: there, user: robot }
        - name: cloudy
          context: { cluster: there, user: cloud }
        - name: broken
          context: { cluster: nowhere, user: alice }
        """;

    [Fact]
    public void The_current_context_counts()
    {
        var config = Kubeconfig.Parse(Sample, "/etc/kube").Resolve();
        Assert.Equal("https://10.0.0.1:6443/prefix/", config.Server.ToString());
        Assert.Equal("CA", config.CertificateAuthority.ReadText());
        Assert.Equal(("/etc/kube/certs/alice.crt", "/abs/alice.key"), (config.ClientCertificate.File, config.ClientKey.File));
        Assert.Equal(("kubernetes", "team", false), (config.TlsServerName, config.Namespace, config.Insecure));
    }

    [Fact]
    public void Another_context_may_be_named()
    {
        var config = Kubeconfig.Parse(Sample, "/etc/kube").Resolve("other");
        Assert.Equal(("abc", "/etc/kube/token", true, "default"), (config.Token, config.TokenFile, config.Insecure, config.Namespace));
        Assert.Equal(["Impersonate-User=bob", "Impersonate-Group=a", "Impersonate-Group=b"], config.Headers.Select(h => h.Key + "=" + h.Value));
    }

    [Theory]
    [InlineData("cloudy", "user \"cloud\": exec has no interactiveMode, which v1 asks for")]
    [InlineData("broken", "cluster \"nowhere\" of context \"broken\" does not exist")]
    [InlineData("none", "context \"none\" does not exist")]
    public void What_cannot_be_is_said(string context, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Kubeconfig.Parse(Sample, "/").Resolve(context)).Message);

    [Fact]
    public void Of_several_files_the_first_word_counts()
    {
        string first = Path.Combine(_folder, "first"), second = Path.Combine(_folder, "second");
        File.WriteAllText(first, "current-context: other\ncontexts:\n- name: other\n  context: {cluster: there, user: robot, namespace: mine}\n");
        File.WriteAllText(second, Sample);
        var config = Kubeconfig.LoadDefault(n => n == "KUBECONFIG" ? $"{first}:{_folder}/absent:{second}" : null);
        Assert.Equal(("mine", $"{_folder}/token"), (config.Resolve().Namespace, config.Resolve().TokenFile));
        Assert.Contains("dev", config.Contexts);
    }

    [Fact]
    public void A_file_that_is_no_yaml_is_named()
    {
        string file = Path.Combine(_folder, "bad");
        File.WriteAllText(file, "a: [");
        Assert.StartsWith(file + ": ", Assert.Throws<FormatException>(() => Kubeconfig.Load(file)).Message);
    }

    [Fact]
    public async Task What_is_written_is_read_again_and_only_its_owner_reads_it()
    {
        string path = Path.Combine(_folder, "made", "admin.conf");
        var config = new ClusterConfig
        {
            Server = new("https://[::1]:6443"), CertificateAuthority = new(null, "CA"u8.ToArray()), ClientCertificate = new(null, "cert"u8.ToArray()),
            ClientKey = new(null, "key"u8.ToArray()), Token = "a\"b\\c: #d", Namespace = "yes",
        };
        await new KubeconfigFile("hanbae", "admin", config).WriteAsync(path, CancellationToken.None);
        await new KubeconfigFile("hanbae", "admin", config).WriteAsync(path, CancellationToken.None);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
        var read = Kubeconfig.Load(path).Resolve();
        Assert.Equal((config.Server, config.Token, "CA", "cert", "key", "yes"),
            (read.Server, read.Token, read.CertificateAuthority.ReadText(), read.ClientCertificate.ReadText(), read.ClientKey.ReadText(), read.Namespace));
    }

    [Fact]
    public void A_pod_finds_its_cluster_by_its_service_account()
    {
        foreach (var (name, text) in new[] { ("token", "t"), ("ca.crt", "CA"), ("namespace", "team\n") }) File.WriteAllText(Path.Combine(_folder, name), text, Encoding.ASCII);
        string? Environment(string name) => name switch { "KUBERNETES_SERVICE_HOST" => "fd00::1", "KUBERNETES_SERVICE_PORT" => "443", _ => null };
        var config = ClusterConfig.InCluster(Environment, _folder);
        Assert.Equal(("https://[fd00::1]/", "team", $"{_folder}/token"), (config?.Server.ToString(), config?.Namespace, config?.TokenFile));
        Assert.Null(ClusterConfig.InCluster(_ => null, _folder));
    }
}
