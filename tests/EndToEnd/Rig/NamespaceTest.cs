using System.Net;
using System.Text.Json;

namespace Hanbae.EndToEnd.Rig;

/// <summary>A test with a namespace of its own in the shared cluster; what it makes there goes with the namespace.</summary>
[Collection(SharedCluster.Name)]
public abstract class NamespaceTest : IAsyncLifetime
{
    static int _count;

    protected NamespaceTest(SharedCluster shared) : this(shared.Cluster) { }

    /// <summary>In another cluster that is shared: the test says in whose collection it is.</summary>
    private protected NamespaceTest(RealCluster cluster) => Cluster = cluster;

    protected RealCluster Cluster { get; }
    protected string Namespace { get; } = $"e2e-{Interlocked.Increment(ref _count)}";
    protected RawApi Api { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Api = await Cluster.ApiAsync();
        await new Objects(Api, "v1", "namespaces").CreateAsync($"metadata: {{name: {Namespace}}}");
        // A Pod is refused until its account is there.
        await Until.Async("default service account of " + Namespace, () => Of("v1", "serviceaccounts").FindAsync("default"), found => found is not null);
    }

    public async Task DisposeAsync() => await new Objects(Api, "v1", "namespaces").DeleteAsync(Namespace);

    /// <summary>What of a resource is in the test's namespace.</summary>
    protected Objects Of(string version, string resource) => new(Api, version, resource, Namespace);

    /// <summary>kubectl in the test's namespace, which must succeed.</summary>
    protected async Task<string> KubectlAsync(params string[] arguments) => (await TryAsync(arguments)).Ok();

    protected Task<Ran> TryAsync(params string[] arguments) => Cluster.TryKubectlAsync(["-n", Namespace, .. arguments]);

    protected Task<Ran> WithInputAsync(string input, params string[] arguments) => Cluster.TryKubectlAsync(["-n", Namespace, .. arguments], input);

    protected Background InBackground(params string[] arguments) => Cluster.KubectlInBackground(["-n", Namespace, .. arguments]);

    protected async Task ApplyAsync(string yaml) => (await WithInputAsync(yaml, "apply", "-f", "-")).Ok();

    protected Task ApplyExampleAsync(string file) => KubectlAsync("apply", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples", file));

    protected Task<JsonElement> GetAsync(params string[] arguments) => Cluster.GetAsync(["-n", Namespace, .. arguments]);

    /// <summary>One value of an object, by JSON path.</summary>
    protected async Task<string> ReadAsync(string what, string path) => await KubectlAsync("get", what, "-o", $"jsonpath={{{path}}}");

    protected Task<string> UntilAsync(string what, string path, Func<string, bool> enough) =>
        Until.Async($"{path} of {what}", () => ReadAsync(what, path), enough, () => KubectlAsync("get", what, "-o", "yaml"));

    protected Task<string> UntilAsync(string what, string path, string value) => UntilAsync(what, path, seen => seen == value);

    protected async Task ReadyAsync(params string[] pods)
    {
        var waited = await TryAsync(["wait", "--for=condition=Ready", "--timeout=100s", .. pods.Select(p => "pod/" + p)]);
        if (waited.Code != 0) throw new Xunit.Sdk.XunitException($"{waited}\n{(await TryAsync("describe", "pods")).Out}");
    }

    /// <summary>A Pod that sleeps, for commands to be run in.</summary>
    protected async Task<string> ClientAsync()
    {
        await KubectlAsync("run", "client", "--image=busybox:1", "--restart=Never", "--overrides={\"spec\":{\"terminationGracePeriodSeconds\":0}}", "--", "sleep", "100000");
        await ReadyAsync("client");
        return "client";
    }

    /// <summary>What a web server answers to this machine; empty while it does not.</summary>
    protected static async Task<string> FetchAsync(string url)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(5) };
        try { return await client.GetStringAsync(url); }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return "";
        }
    }
}
