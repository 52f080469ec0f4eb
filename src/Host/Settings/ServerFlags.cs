using System.Globalization;
using Hanbae.Client;
using Hanbae.Server.Audit;
using Hanbae.Server.FlowControl;

namespace Hanbae.Host.Settings;

/// <summary>Flags of upstream's kube-apiserver about how requests are limited and written down, under the same names; what is not given is as there.</summary>
/// <param name="given">By name, without dashes.</param>
public sealed class ServerFlags(IReadOnlyDictionary<string, string> given)
{
    /// <summary>Name and meaning of all there are.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> All { get; } =
    [
        ("max-requests-inflight", "Reads that are worked on at a time (400)."),
        ("max-mutating-requests-inflight", "Writes that are worked on at a time (200)."),
        ("enable-priority-and-fairness", "Share both among users by FlowSchemas (true)."),
        ("request-timeout", "How long a request may take (1m0s)."),
        ("audit-policy-file", "Which requests are written down: an audit.k8s.io/v1 Policy."),
        ("audit-log-path", "The file that they are written into; - for standard output."),
        ("audit-log-format", "json or legacy (json)."),
        ("audit-log-mode", "blocking, blocking-strict or batch (blocking)."),
        ("audit-log-maxage", "Days that closed files are kept (0: for ever)."),
        ("audit-log-maxbackup", "Closed files that are kept (0: all)."),
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

    /// <summary>Those that name a file are kept with its whole path: the next start may be made elsewhere.</summary>
    public static string Kept(string name, string value) =>
        value.Length == 0 || value == "-" || name is not ("audit-policy-file" or "audit-log-path" or "audit-webhook-config-file") ? value : Path.GetFullPath(value);

    /// <summary>What was asked before with what is asked now; an empty value takes a flag back.</summary>
    public static IReadOnlyDictionary<string, string>? Merge(IReadOnlyDictionary<string, string>? before, IReadOnlyDictionary<string, string>? asked)
    {
        var merged = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in (before ?? EmptyFlags).Concat(asked ?? EmptyFlags)) merged[name] = value;
        foreach (string name in merged.Where(f => f.Value.Length == 0).Select(f => f.Key).ToArray()) merged.Remove(name);
        return merged.Count == 0 ? null : merged;
    }

    static readonly IReadOnlyDictionary<string, string> EmptyFlags = new Dictionary<string, string>();

    string Text(string name, string otherwise = "") => given.GetValueOrDefault(name, otherwise);

    T Read<T>(string name, T otherwise, Func<string, T?> parse, string shape) where T : struct =>
        given.TryGetValue(name, out string? text) ? parse(text) ?? throw new SettingsException($"--{name} {text} is no {shape}") : otherwise;

    int Number(string name, int otherwise) => Read(name, otherwise, t => int.TryParse(t, CultureInfo.InvariantCulture, out int n) && n >= 0 ? n : default(int?), "number; write one that is not negative");
    double Rate(string name, double otherwise) => Read(name, otherwise, t => double.TryParse(t, CultureInfo.InvariantCulture, out double n) && n > 0 ? n : default(double?), "rate; write a number such as 10");
    bool Flag(string name, bool otherwise) => Read(name, otherwise, t => bool.TryParse(t, out bool b) ? b : default(bool?), "yes or no; write true or false");

    TimeSpan Time(string name, TimeSpan otherwise) =>
        Read(name, otherwise, t => Api.Duration.TryParse(t, out var d) && d.ToTimeSpan() > TimeSpan.Zero ? d.ToTimeSpan() : default(TimeSpan?), "time; write it like 30s or 1m");

    public TimeSpan RequestTimeout => Time("request-timeout", TimeSpan.FromMinutes(1));

    public FlowControlOptions FlowControl()
    {
        var options = new FlowControlOptions
        {
            MaxReads = Number("max-requests-inflight", 400), MaxWrites = Number("max-mutating-requests-inflight", 200), IsFair = Flag("enable-priority-and-fairness", true),
            Wait = RequestTimeout / 4, HeldAtMost = RequestTimeout * 1.5,
        };
        return options.IsFair && options.Seats == 0 ? throw new SettingsException("--max-requests-inflight and --max-mutating-requests-inflight are both 0: with priority and fairness that leaves nothing for anybody") : options;
    }

    /// <returns>Null when nothing is written down.</returns>
    /// <exception cref="SettingsException">A flag or a file that it names cannot be.</exception>
    public AuditOptions? Audit(TimeProvider time)
    {
        string policy = Text("audit-policy-file"), log = Text("audit-log-path"), webhook = Text("audit-webhook-config-file");
        if (log.Length == 0 && webhook.Length == 0) return null;
        // As upstream: without a policy nothing is written, whatever else is said.
        if (policy.Length == 0) return null;
        return new() { Policy = Policy(policy), Log = log.Length == 0 ? null : Log(log), Webhook = webhook.Length == 0 ? null : Webhook(webhook, time) };
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

    AuditLogOptions Log(string path) => new()
    {
        Path = path, Mode = Mode("audit-log-mode", "blocking"), MaxAge = TimeSpan.FromDays(Number("audit-log-maxage", 0)), MaxBackups = Number("audit-log-maxbackup", 0),
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
