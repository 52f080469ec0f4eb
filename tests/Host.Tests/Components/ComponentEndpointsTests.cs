using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Host.Components;
using Hanbae.Host.Settings;
using Hanbae.Host.Tests.Conformance.Rig;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Connection = Hanbae.Client.Cluster;

namespace Hanbae.Host.Tests.Components;

/// <summary>What a scheduler or a controller manager by itself shows of itself, and to whom: the cluster decides.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class ComponentEndpointsTests(ControlPlaneRig rig)
{
    static readonly JsonObject s_configuration = JsonObject.Of(("componentconfig", JsonObject.Of(("PercentageOfNodesToScore", 0))));

    string Kubeconfig => Path.Combine(rig.Folder, "kubeconfig");

    /// <summary>One that knows whom to believe, where there is a cluster that says it.</summary>
    async Task<ComponentEndpoints> StartAsync(Func<string?>? trouble = null, LeaderElector? elector = null)
    {
        var endpoints = await StartAsync(Kubeconfig, trouble, elector: elector);
        await endpoints.Trust.WhenKnownAsync(CancellationToken.None).WaitAsync(Wire.Bound);
        return endpoints;
    }

    static Task<ComponentEndpoints> StartAsync(string kubeconfig, Func<string?>? trouble = null, int port = 0, LeaderElector? elector = null, ILoggerFactory? loggers = null) => ComponentEndpoints.StartAsync(
        new(IPAddress.Loopback, port, null, ["/healthz", "/readyz", "/livez"]),
        new("kube-scheduler", s_configuration, [new("sched-handler-sync", false, _ => new(trouble?.Invoke()))]), elector,
        _ => Connection.Connect(Client.Kubeconfig.Load(kubeconfig).Resolve(), new() { Qps = 0 }), TimeProvider.System, loggers ?? NullLoggerFactory.Instance, CancellationToken.None);

    /// <summary>A client of the component, which nobody vouches for.</summary>
    static Wire Ask(ComponentEndpoints endpoints, string? token = null, X509Certificate2? certificate = null, params (string Name, string Value)[] headers)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true } };
        if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
        var http = new HttpClient(handler) { BaseAddress = endpoints.Address };
        if (token is not null) http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        foreach (var (name, value) in headers) http.DefaultRequestHeaders.Add(name, value);
        return new(http);
    }

    async Task<string> TokenAsync(string ns, string account)
    {
        await rig.Admin.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts", $$"""{"metadata":{"name":"{{account}}"} }""");
        return (await rig.Admin.CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts/{account}/token", """{"spec":{}}""")).Text("status", "token");
    }

    [Fact]
    public async Task Health_is_for_everybody_and_all_else_for_whom_the_cluster_lets()
    {
        string ns = await rig.NamespaceAsync(), name = "looks-" + ns;
        string stranger = await TokenAsync(ns, "stranger"), watcher = await TokenAsync(ns, "watcher");
        await rig.Admin.CreateAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", $$"""
            {"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:monitoring"},
             "subjects":[{"kind":"ServiceAccount","name":"watcher","namespace":"{{ns}}"}]}
            """);
        await using var endpoints = await StartAsync();
        using Wire nobody = Ask(endpoints), other = Ask(endpoints, stranger), monitoring = Ask(endpoints, watcher), forger = Ask(endpoints, "made.up.token"), master = Ask(endpoints, certificate: rig.Pki.Admin);
        foreach (string path in (string[])["/healthz", "/livez", "/readyz"]) Assert.Equal((200, "ok"), Said(await nobody.SendAsync("GET", path)));
        foreach (string path in (string[])["/metrics", "/metrics/slis", "/configz", "/livez/ping", "/api/v1/pods"])
        {
            var refused = await nobody.RefusedAsync(403, "Forbidden", "GET", path);
            Assert.Equal($"forbidden: User \"system:anonymous\" cannot get path \"{path}\"", refused.Text("message"));
        }
        Assert.Equal($"forbidden: User \"system:serviceaccount:{ns}:stranger\" cannot get path \"/metrics\"", (await other.RefusedAsync(403, "Forbidden", "GET", "/metrics")).Text("message"));
        await forger.RefusedAsync(401, "Unauthorized", "GET", "/metrics");
        await forger.RefusedAsync(401, "Unauthorized", "GET", "/healthz");
        Assert.Contains("process_cpu_seconds_total ", (await monitoring.SendAsync("GET", "/metrics")).Body);
        Assert.Equal((200, "ok"), Said(await monitoring.SendAsync("GET", "/livez/ping")));
        await monitoring.RefusedAsync(403, "Forbidden", "GET", "/configz");
        await other.RefusedAsync(403, "Forbidden", "GET", "/statusz");
        Assert.StartsWith("\nkube-scheduler statusz\nWarning: ", (await monitoring.SendAsync("GET", "/statusz", accept: "text/plain")).Body);
        Assert.Contains("\"paths\":[\"/configz\",\"/flagz\",\"/healthz\",\"/livez\",\"/metrics\",\"/readyz\",\"/statusz\"]", (await monitoring.SendAsync("GET", "/statusz", accept: "application/json;v=v1beta1;g=config.k8s.io;as=Statusz")).Body);
        Assert.StartsWith("\nkube-scheduler flagz\nWarning: ", (await monitoring.SendAsync("GET", "/flagz", accept: "text/plain")).Body);
        Assert.Equal((200, """{"componentconfig":{"PercentageOfNodesToScore":0}}"""), Said(await master.SendAsync("GET", "/configz")));
        Assert.Equal(405, (await master.SendAsync("POST", "/configz")).Code);
        Assert.Equal((404, "404 page not found\n"), Said(await master.SendAsync("GET", "/debug/pprof")));
    }

    [Fact]
    public async Task Only_the_clusters_front_proxy_says_who_somebody_is()
    {
        await using var endpoints = await StartAsync();
        (string, string)[] says = [("X-Remote-User", "jane"), ("X-Remote-Group", "system:masters")];
        using Wire proxy = Ask(endpoints, certificate: rig.Pki.FrontProxyClient, headers: says), forger = Ask(endpoints, headers: says), kubelet = Ask(endpoints, certificate: rig.Pki.Kubelet, headers: says);
        Assert.Equal(200, (await proxy.SendAsync("GET", "/configz")).Code);
        Assert.Equal("forbidden: User \"system:anonymous\" cannot get path \"/configz\"", (await forger.RefusedAsync(403, "Forbidden", "GET", "/configz")).Text("message"));
        Assert.DoesNotContain("jane", (await kubelet.SendAsync("GET", "/configz")).Body);
    }

    [Fact]
    public async Task What_is_not_well_is_told_by_name_and_why_to_whom_may_know()
    {
        string? trouble = "handlers are not fully synchronized";
        await using var endpoints = await StartAsync(() => trouble);
        using Wire nobody = Ask(endpoints), master = Ask(endpoints, certificate: rig.Pki.Admin);
        Assert.Equal((200, "ok"), Said(await nobody.SendAsync("GET", "/livez")));
        Assert.Equal((500, "[+]ping ok\n[-]sched-handler-sync failed: reason withheld\nreadyz check failed\n"), Said(await nobody.SendAsync("GET", "/readyz")));
        Assert.Equal((500, "internal server error: handlers are not fully synchronized\n"), Said(await master.SendAsync("GET", "/readyz/sched-handler-sync")));
        trouble = null;
        Assert.Equal((200, "[+]ping ok\n[+]sched-handler-sync ok\nreadyz check passed\n"), Said(await nobody.SendAsync("GET", "/readyz?verbose")));
        Assert.Contains("kubernetes_healthcheck{name=\"sched-handler-sync\",type=\"readyz\"} 1", (await master.SendAsync("GET", "/metrics/slis")).Body);
    }

    [Fact]
    public async Task Who_leads_is_a_figure()
    {
        using var cluster = Connection.Connect(Client.Kubeconfig.Load(Kubeconfig).Resolve(), new() { Qps = 0 });
        var elector = new LeaderElector(cluster.Client, new("kube-system", "who-leads"), "me", TimeProvider.System);
        await using var endpoints = await StartAsync(elector: elector);
        using var master = Ask(endpoints, certificate: rig.Pki.Admin);
        Assert.Contains("leader_election_master_status{name=\"kube-scheduler\"} 0", (await master.SendAsync("GET", "/metrics")).Body);
        using var stop = new CancellationTokenSource();
        var leads = new TaskCompletionSource();
        var elected = elector.RunAsync(async ct =>
        {
            leads.SetResult();
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }, stop.Token);
        await leads.Task.WaitAsync(Wire.Bound);
        Assert.Contains("leader_election_master_status{name=\"kube-scheduler\"} 1", (await master.SendAsync("GET", "/metrics")).Body);
        Assert.Equal((200, "[+]ping ok\n[+]leaderElection ok\nlivez check passed\n"), Said(await master.SendAsync("GET", "/livez?verbose")));
        await stop.CancelAsync();
        await elected;
    }

    [Fact]
    public async Task Without_a_cluster_health_is_told_and_nothing_else()
    {
        string nowhere = Path.Combine(rig.Folder, "nowhere");
        await File.WriteAllTextAsync(nowhere, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: \"https://127.0.0.1:1\"}}]\nusers: [{name: u, user: {}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n");
        var said = new Lines();
        await using var endpoints = await StartAsync(nowhere, loggers: said);
        using Wire nobody = Ask(endpoints), token = Ask(endpoints, "any-token");
        Assert.Equal((200, "ok"), Said(await nobody.SendAsync("GET", "/livez")));
        Assert.Equal(500, (await nobody.SendAsync("GET", "/metrics")).Code);
        await token.RefusedAsync(401, "Unauthorized", "GET", "/metrics");
        // Whoever runs it reads why; tokens are nobody's to read.
        Assert.Contains(said.All, l => l.StartsWith("1041 The cluster does not say whether system:anonymous may get /metrics, and so they may not: ", StringComparison.Ordinal));
        Assert.Contains(said.All, l => l.StartsWith("1040 The cluster does not say whose a token is, and so nobody's it is: ", StringComparison.Ordinal));
        Assert.DoesNotContain(said.All, l => l.Contains("any-token", StringComparison.Ordinal));
    }

    /// <summary>What is logged, by whomever: the event's number and its words.</summary>
    sealed class Lines : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> All { get; } = [];
        public ILogger CreateLogger(string categoryName) => this;
        public void AddProvider(ILoggerProvider provider) { }
        public void Dispose() { }
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Enqueue($"{eventId.Id} {formatter(state, exception)}");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said()
    {
        await using var first = await StartAsync();
        var e = await Assert.ThrowsAsync<SettingsException>(() => StartAsync(Kubeconfig, port: first.Address.Port));
        Assert.Equal($"port {first.Address.Port} is in use by another program; choose one with --secure-port, or --secure-port 0 for none", e.Message);
    }

    [Fact]
    public async Task A_certificate_that_is_renewed_in_its_files_is_shown_from_then_on()
    {
        var folder = Directory.CreateTempSubdirectory("hanbae-serving-");
        try
        {
            string certificate = Path.Combine(folder.FullName, "tls.crt"), key = Path.Combine(folder.FullName, "tls.key");
            void Write(X509Certificate2 pair, int minutes)
            {
                using var secret = pair.GetECDsaPrivateKey()!;
                File.WriteAllText(certificate, pair.ExportCertificatePem());
                File.WriteAllText(key, secret.ExportPkcs8PrivateKeyPem());
                foreach (string file in (string[])[certificate, key]) File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddMinutes(minutes));
            }
            using X509Certificate2 first = Host.Pki.SelfSigned.Of("first", TimeProvider.System), second = Host.Pki.SelfSigned.Of("second", TimeProvider.System);
            Write(first, 1);
            var files = new ServingFiles(certificate, key);
            Assert.Equal(first.Thumbprint, files.Current().TargetCertificate.Thumbprint);
            File.WriteAllText(certificate, "half of a cert");
            Assert.Equal(first.Thumbprint, files.Current().TargetCertificate.Thumbprint);
            Write(second, 2);
            Assert.Equal(second.Thumbprint, files.Current().TargetCertificate.Thumbprint);
            Assert.Throws<SettingsException>(() => new ServingFiles(key, certificate));
        }
        finally { folder.Delete(recursive: true); }
    }

    /// <summary>A kubelet shows a Secret by links through <c>..data</c>, and swaps only that one.</summary>
    [Fact]
    public void A_certificate_that_is_renewed_in_a_mounted_Secret_is_shown_from_then_on()
    {
        var folder = Directory.CreateTempSubdirectory("hanbae-serving-");
        try
        {
            string data = Path.Combine(folder.FullName, "..data"), certificate = Path.Combine(folder.FullName, "tls.crt"), key = Path.Combine(folder.FullName, "tls.key");
            void Show(X509Certificate2 pair, int version)
            {
                var files = folder.CreateSubdirectory(".." + version);
                using var secret = pair.GetECDsaPrivateKey()!;
                File.WriteAllText(Path.Combine(files.FullName, "tls.crt"), pair.ExportCertificatePem());
                File.WriteAllText(Path.Combine(files.FullName, "tls.key"), secret.ExportPkcs8PrivateKeyPem());
                // Nobody renews a certificate twice in a tick of the file system's clock, as a fast test does.
                foreach (var file in files.EnumerateFiles()) file.LastWriteTimeUtc = DateTime.UnixEpoch.AddMinutes(version);
                File.Delete(data);
                File.CreateSymbolicLink(data, ".." + version);
            }
            using X509Certificate2 first = Host.Pki.SelfSigned.Of("first", TimeProvider.System), second = Host.Pki.SelfSigned.Of("second", TimeProvider.System);
            Show(first, 1);
            foreach (string file in (string[])[certificate, key]) File.CreateSymbolicLink(file, Path.Combine("..data", Path.GetFileName(file)));
            var serving = new ServingFiles(certificate, key);
            Assert.Equal(first.Thumbprint, serving.Current().TargetCertificate.Thumbprint);
            Show(second, 2);
            Assert.Equal(second.Thumbprint, serving.Current().TargetCertificate.Thumbprint);
        }
        finally { folder.Delete(recursive: true); }
    }

    static (int, string) Said(Wire.Answer answer) => (answer.Code, answer.Body);
}
