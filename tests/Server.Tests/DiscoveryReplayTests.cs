using System.Collections.Concurrent;
using System.Text.Json;
using Xunit.Abstractions;

namespace Hanbae.Server.Tests;

/// <summary>What Prometheus' Kubernetes service discovery does on the wire, request by request: client-go's informers, for pods, nodes, services, endpointslices and ingresses, in JSON.</summary>
/// <remarks>
/// A replay, since the Prometheus that distributions package is built without it. A list in pages of 500 from the cache, or a watch that begins with
/// the list; watches with bookmarks that end after some minutes (here: seconds, so that there are many ends) and go on where they were; a new list
/// when that is too long ago.
/// </remarks>
public sealed class DiscoveryReplayTests(ITestOutputHelper output)
{
    static readonly (string Path, string ApiVersion, string Kind, string Body)[] s_watched =
    [
        ("/api/v1/{0}pods", "v1", "Pod", "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":80}]}]}"),
        ("/api/v1/nodes", "v1", "Node", "\"spec\":{\"unschedulable\":true}"),
        ("/api/v1/{0}services", "v1", "Service", "\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"example.com\"}"),
        ("/apis/discovery.k8s.io/v1/{0}endpointslices", "discovery.k8s.io/v1", "EndpointSlice", "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}],\"ports\":[{\"port\":80}]"),
        ("/apis/networking.k8s.io/v1/{0}ingresses", "networking.k8s.io/v1", "Ingress", "\"spec\":{\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}}"),
    ];

    const string InNamespace = "namespaces/default/";
    const int Writes = 1500, Names = 700;

    /// <summary>One informer: what it believes there is, and how it got there.</summary>
    sealed class Informer(TestServer server, string path, Random random, bool streams)
    {
        public ConcurrentDictionary<string, string> Known { get; } = new();
        public int Lists, Watches, Gone, Bookmarks;
        string _version = "0";

        public async Task RunAsync(CancellationToken ct)
        {
            try
            {
                while (true)
                {
                    if (streams) _version = "";
                    else await ListAsync(ct);
                    while (await WatchAsync(ct)) { }
                    Gone++;
                }
            }
            catch (OperationCanceledException) { }
        }

        async Task ListAsync(CancellationToken ct)
        {
            Lists++;
            var all = new Dictionary<string, string>();
            string next = "";
            do
            {
                // From the cache first; what went on is then continued at the revision it began at.
                var page = await server.Http.GetAsync(path + "?limit=500" + (next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "&resourceVersion=" + (Lists == 1 ? "0" : "")), ct);
                using var body = JsonDocument.Parse(await page.Content.ReadAsStringAsync(ct));
                Assert.True((int)page.StatusCode == 200, body.RootElement.ToString());
                var meta = body.RootElement.GetProperty("metadata");
                foreach (var item in body.RootElement.GetProperty("items").EnumerateArray()) Assert.True(all.TryAdd(KeyOf(item), VersionOf(item)), "an object came twice in one list");
                _version = meta.GetProperty("resourceVersion").GetString()!;
                next = meta.TryGetProperty("continue", out var more) ? more.GetString()! : "";
            } while (next.Length > 0);
            Replace(all);
        }

        void Replace(Dictionary<string, string> all)
        {
            foreach (string gone in Known.Keys.Except(all.Keys)) Known.TryRemove(gone, out _);
            foreach (var (key, version) in all) Known[key] = version;
        }

        /// <returns>False when the state is too old to go on from.</returns>
        async Task<bool> WatchAsync(CancellationToken ct)
        {
            Watches++;
            // Now and then a client that has slept long.
            bool slept = random.Next(12) == 0;
            bool initial = streams && _version.Length == 0;
            string query = $"?allowWatchBookmarks=true&timeoutSeconds={random.Next(1, 3)}&watch=true"
                + (initial ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" : $"&resourceVersion={(slept ? "1" : _version)}");
            using var response = await server.Http.SendAsync(new(HttpMethod.Get, path + query), HttpCompletionOption.ResponseHeadersRead, ct);
            if ((int)response.StatusCode == 410) return false;
            Assert.Equal(200, (int)response.StatusCode);
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ct));
            var beginning = initial ? new Dictionary<string, string>() : null;
            while (await lines.ReadLineAsync(ct) is { } line)
            {
                using var read = JsonDocument.Parse(line);
                var obj = read.RootElement.GetProperty("object");
                string type = read.RootElement.GetProperty("type").GetString()!;
                if (type == "ERROR")
                {
                    Assert.Equal(410, obj.GetProperty("code").GetInt32());
                    return false;
                }
                string version = VersionOf(obj);
                if (!slept && _version.Length > 0) Assert.True(long.Parse(version) >= long.Parse(_version), $"{version} after {_version}");
                switch (type)
                {
                    case "BOOKMARK":
                        Bookmarks++;
                        if (beginning is not null && obj.GetProperty("metadata").TryGetProperty("annotations", out var notes) && notes.TryGetProperty("k8s.io/initial-events-end", out var end) && end.GetString() == "true")
                        {
                            Replace(beginning);
                            beginning = null;
                        }
                        break;
                    case "DELETED": Known.TryRemove(KeyOf(obj), out _); break;
                    default:
                        if (beginning is not null) beginning[KeyOf(obj)] = version;
                        else Known[KeyOf(obj)] = version;
                        break;
                }
                if (beginning is null) _version = version;
            }
            return true;
        }
    }

    static string KeyOf(JsonElement obj) => obj.GetProperty("metadata") is var meta && meta.TryGetProperty("namespace", out var ns) ? ns.GetString() + "/" + meta.GetProperty("name").GetString() : meta.GetProperty("name").GetString()!;

    static string VersionOf(JsonElement obj) => obj.GetProperty("metadata").GetProperty("resourceVersion").GetString()!;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_discovered_under_churn_is_what_there_is(bool streams)
    {
        int seed = Environment.GetEnvironmentVariable("HANBAE_FUZZ_SEED") is { Length: > 0 } wanted ? int.Parse(wanted) : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        await using var server = await TestServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"default"}}""");
        using var stop = new CancellationTokenSource();
        // Enough from the start for a list of two pages.
        foreach (var (path, version, kind, body) in s_watched)
            for (int i = 0; i < Names * 4 / 5; i++) Assert.Equal(201, (await server.PostAsync(string.Format(path, InNamespace), Body(version, kind, "n" + i, body))).Code);
        var informers = s_watched.Select((w, i) => new Informer(server, string.Format(w.Path, ""), new(seed + i), streams)).ToArray();
        var running = informers.Select(i => i.RunAsync(stop.Token)).ToArray();

        await Task.WhenAll(s_watched.Select((w, n) => ChurnAsync(server, w, new(seed + 100 + n))));

        for (int n = 0; n < informers.Length; n++)
        {
            var informer = informers[n];
            var truth = await TruthAsync(server, string.Format(s_watched[n].Path, ""));
            var limit = DateTime.UtcNow.AddSeconds(90);
            while (!(informer.Known.Count == truth.Count && truth.All(t => informer.Known.GetValueOrDefault(t.Key) == t.Value)))
            {
                Assert.True(DateTime.UtcNow < limit && !running[n].IsCompleted, $"seed {seed}: {s_watched[n].Kind}: {informer.Known.Count} known of {truth.Count}; {running[n].Exception}");
                await Task.Yield();
            }
            output.WriteLine($"{s_watched[n].Kind}: {truth.Count} objects by {informer.Lists} lists and {informer.Watches} watches, {informer.Bookmarks} bookmarks, too old {informer.Gone} times");
        }
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }

    static string Body(string version, string kind, string name, string body, string label = "0") =>
        $$"""{"apiVersion":"{{version}}","kind":"{{kind}}","metadata":{"name":"{{name}}","labels":{"round":"{{label}}"} },{{body}} }""";

    static async Task ChurnAsync(TestServer server, (string Path, string ApiVersion, string Kind, string Body) of, Random random)
    {
        string path = string.Format(of.Path, InNamespace);
        for (int i = 0; i < Writes; i++)
        {
            string name = "n" + random.Next(Names);
            var answer = random.Next(3) switch
            {
                0 => await server.PostAsync(path, Body(of.ApiVersion, of.Kind, name, of.Body)),
                1 => await server.SendAsync("DELETE", path + "/" + name + "?gracePeriodSeconds=0"),
                _ => await server.SendAsync("PATCH", path + "/" + name, $$"""{"metadata":{"labels":{"round":"{{i}}"} } }""", "application/merge-patch+json"),
            };
            Assert.True(answer.Code is 200 or 201 or 404 or 409, answer.Body);
        }
    }

    static async Task<Dictionary<string, string>> TruthAsync(TestServer server, string path)
    {
        using var all = JsonDocument.Parse((await server.GetAsync(path)).Body);
        return all.RootElement.GetProperty("items").EnumerateArray().ToDictionary(KeyOf, VersionOf);
    }
}
