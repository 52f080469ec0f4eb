using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>Kills the program while it is asked things, and looks in the audit log for everything that it had answered.</summary>
[Collection(OwnClusters.Name)]
public sealed class AuditCrashTests
{
    const int Writers = 8, Kills = 3;

    [PlainUserFact]
    public async Task Whoever_has_an_answer_is_in_the_audit_log_however_the_program_ends()
    {
        await using var cluster = RealCluster.Plan();
        string policy = Path.Combine(cluster.Scratch, "policy.yaml"), log = Path.Combine(cluster.Scratch, "audit.log");
        await File.WriteAllTextAsync(policy, """
            apiVersion: audit.k8s.io/v1
            kind: Policy
            rules:
            - level: Metadata
              resources: [{group: "", resources: [configmaps]}]
            """);
        var answered = new ConcurrentBag<string>();
        for (int kill = 0; kill < Kills; kill++)
        {
            await cluster.UpAsync("--control-plane-only", "--audit-policy-file", policy, "--audit-log-path", log, "--audit-log-mode", "blocking-strict", "--audit-log-maxsize", "1");
            int before = answered.Count;
            using var api = await RawApi.OfAsync(cluster);
            int round = kill;
            var writing = Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(api, $"k{round}-w{w}", answered))).ToArray();
            await Until.TrueAsync("some hundred answers", () => Task.FromResult(answered.Count >= before + 300));
            using (var process = Process.GetProcessById(cluster.Pid()!.Value))
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
            await Task.WhenAll(writing);
        }

        var answers = new List<(string Id, string Name)>();
        var received = new HashSet<string>();
        foreach (string file in Directory.GetFiles(cluster.Scratch, "audit*.log"))
            foreach (string line in await File.ReadAllLinesAsync(file))
            {
                JsonElement e;
                // The line that the kill cut short: its request had no answer.
                try { e = JsonDocument.Parse(line).RootElement; }
                catch (JsonException) { continue; }
                // The cluster makes some of its own.
                if (e.GetProperty("verb").GetString() != "create" || e.GetProperty("user").GetProperty("username").GetString() != "kubernetes-admin") continue;
                string stage = e.GetProperty("stage").GetString()!, id = e.GetProperty("auditID").GetString()!;
                if (stage == "RequestReceived") received.Add(id);
                else if (stage == "ResponseComplete" && e.GetProperty("responseStatus").GetProperty("code").GetInt32() == 201)
                    answers.Add((id, e.GetProperty("objectRef").GetProperty("name").GetString()!));
            }
        // The files come in no order, and a request may begin in one and end in the next.
        Assert.All(answers, a => Assert.Contains(a.Id, received));
        var written = answers.Select(a => a.Name).ToHashSet();
        Assert.True(answered.Count >= Kills * 300);
        Assert.DoesNotContain(answered, name => !written.Contains(name));
    }

    static async Task WriteAsync(RawApi api, string prefix, ConcurrentBag<string> answered)
    {
        for (int i = 0; ; i++)
            try
            {
                string name = $"{prefix}-{i}";
                var (code, _) = await api.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps", $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"}}""");
                if (code == 201) answered.Add(name);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException) { return; }
    }
}
