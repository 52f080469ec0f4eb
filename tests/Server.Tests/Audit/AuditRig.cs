using System.Text.Json.Nodes;
using Hanbae.Server.Audit;

namespace Hanbae.Server.Tests.Audit;

/// <summary>A server whose audit log is a file of the test's own.</summary>
sealed class AuditRig : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-audit-").FullName;
    bool _stopped;

    public TestServer Http { get; private set; } = null!;
    public string File => Path.Combine(_folder, "log", "audit.log");

    public static async Task<AuditRig> StartAsync(string rules, Func<AuditLogOptions, AuditLogOptions>? log = null, AuditWebhookOptions? webhook = null, Func<ServerOptions, ServerOptions>? change = null)
    {
        var rig = new AuditRig();
        var options = new AuditLogOptions { Path = rig.File };
        rig.Http = await TestServer.StartAsync(o =>
        {
            o = o with { Audit = new() { Policy = AuditPolicy.Parse("apiVersion: audit.k8s.io/v1\nkind: Policy\n" + rules), Log = log?.Invoke(options) ?? options, Webhook = webhook } };
            return change?.Invoke(o) ?? o;
        });
        return rig;
    }

    /// <summary>What is in the log now.</summary>
    public JsonObject[] Events() => [.. Lines().Select(l => (JsonObject)JsonNode.Parse(l)!)];

    public string[] Lines()
    {
        if (!System.IO.File.Exists(File)) return [];
        using var stream = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public JsonObject[] Of(string id) => [.. Events().Where(e => (string)e["auditID"]! == id)];

    public async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async Task StopAsync()
    {
        if (_stopped) return;
        _stopped = true;
        await Http.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
