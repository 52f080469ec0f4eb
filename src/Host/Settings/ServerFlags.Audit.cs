using Hanbae.Client;
using Hanbae.Server.Audit;

namespace Hanbae.Host.Settings;

public sealed partial class ServerFlags
{
    static IReadOnlyList<(string Name, string Meaning)> AuditFlags =>
    [
        ("audit-policy-file", "Which requests are written down: an audit.k8s.io/v1 Policy (changes, and reads of what is secret: who, what and when)."),
        ("audit-log-path", "The file that they are written into; - for standard output (audit/audit.log in the data folder)."),
        ("audit-log-format", "json or legacy (json)."),
        ("audit-log-mode", "blocking, blocking-strict or batch (blocking; batch for the log in the data folder)."),
        ("audit-log-maxage", "Days that closed files are kept (30; 0: for ever)."),
        ("audit-log-maxbackup", "Closed files that are kept (10; 0: all)."),
        ("audit-log-maxsize", "Megabytes after which a file is closed (100)."),
        ("audit-log-compress", "Pack closed files (false)."),
        ("audit-log-truncate-enabled", "Leave bodies out of events that are too large (false)."),
        ("audit-log-truncate-max-event-size", "Bytes that an event may have (102400)."),
        ("audit-log-truncate-max-batch-size", "Bytes that a batch may have (10485760)."),
        ("audit-webhook-config-file", "A kubeconfig of the server that events are sent to."),
        ("audit-webhook-mode", "batch, blocking or blocking-strict (batch)."),
        ("audit-webhook-batch-buffer-size", "Events that wait (10000)."),
        ("audit-webhook-batch-max-size", "Events in a batch (400)."),
        ("audit-webhook-batch-max-wait", "How long a batch waits to be full (30s)."),
        ("audit-webhook-batch-throttle-enable", "Send not too many batches a second (true)."),
        ("audit-webhook-batch-throttle-qps", "So many (10)."),
        ("audit-webhook-batch-throttle-burst", "And so many at once after a quiet time (15)."),
        ("audit-webhook-initial-backoff", "How long before the first try again (10s)."),
        ("audit-webhook-truncate-enabled", "Leave bodies out of events that are too large (false)."),
        ("audit-webhook-truncate-max-event-size", "Bytes that an event may have (102400)."),
        ("audit-webhook-truncate-max-batch-size", "Bytes that a batch may have (10485760)."),
    ];

    /// <param name="data">The data folder: the log is there when nothing says where events go.</param>
    /// <exception cref="SettingsException">A flag or a file that it names cannot be.</exception>
    public AuditOptions Audit(string data, TimeProvider time)
    {
        string policy = Text("audit-policy-file"), log = Text("audit-log-path"), webhook = Text("audit-webhook-config-file");
        // Nobody asked for this one: so no request waits for it, and a crash may take its last lines.
        string mode = log.Length > 0 ? "blocking" : "batch";
        if (log.Length == 0 && webhook.Length == 0) log = Path.Combine(data, "audit", "audit.log");
        return new()
        {
            Policy = policy.Length == 0 ? AuditPolicy.Parse(DefaultAudit.Policy) : Policy(policy),
            Log = log.Length == 0 ? null : Log(log, mode), Webhook = webhook.Length == 0 ? null : Webhook(webhook, time),
        };
    }

    static AuditPolicy Policy(string file)
    {
        try { return AuditPolicy.Parse(File.ReadAllText(file)); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException) { throw new SettingsException($"--audit-policy-file {file}: {e.Message}", e); }
    }

    AuditMode Mode(string name, string otherwise) => Text(name, otherwise) switch
    {
        "batch" => AuditMode.Batch, "blocking" => AuditMode.Blocking, "blocking-strict" => AuditMode.BlockingStrict,
        var other => throw new SettingsException($"--{name} {other} is none; use batch, blocking or blocking-strict"),
    };

    TruncateOptions? Truncate(string prefix) => !Flag(prefix + "-truncate-enabled", false) ? null
        : new(Number(prefix + "-truncate-max-event-size", 102_400), Number(prefix + "-truncate-max-batch-size", 10_485_760));

    AuditLogOptions Log(string path, string mode) => new()
    {
        Path = path, Mode = Mode("audit-log-mode", mode), MaxAge = TimeSpan.FromDays(Number("audit-log-maxage", 30)), MaxBackups = Number("audit-log-maxbackup", 10),
        MaxSize = (long)(Number("audit-log-maxsize", 0) is > 0 and int size ? size : 100) << 20, Compress = Flag("audit-log-compress", false), Truncate = Truncate("audit-log"),
        Legacy = Text("audit-log-format", "json") switch { "json" => false, "legacy" => true, var other => throw new SettingsException($"--audit-log-format {other} is none; use json or legacy") },
    };

    AuditWebhookOptions Webhook(string file, TimeProvider time)
    {
        ClusterConfig config;
        try { config = Kubeconfig.Load(file).Resolve(); }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException) { throw new SettingsException($"--audit-webhook-config-file {file}: {e.Message}", e); }
        return new()
        {
            Post = new AuditPost(config, time).SendAsync, Mode = Mode("audit-webhook-mode", "batch"), Buffer = Math.Max(1, Number("audit-webhook-batch-buffer-size", 10_000)),
            BatchSize = Math.Max(1, Number("audit-webhook-batch-max-size", 400)), BatchWait = Time("audit-webhook-batch-max-wait", TimeSpan.FromSeconds(30)),
            Throttle = Flag("audit-webhook-batch-throttle-enable", true), BatchesPerSecond = Rate("audit-webhook-batch-throttle-qps", 10), Burst = Math.Max(1, Number("audit-webhook-batch-throttle-burst", 15)),
            InitialBackoff = Time("audit-webhook-initial-backoff", TimeSpan.FromSeconds(10)), Truncate = Truncate("audit-webhook"),
        };
    }
}
