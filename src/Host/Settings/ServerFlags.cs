using System.Collections.Frozen;
using System.Globalization;
using Hanbae.Server.FlowControl;

namespace Hanbae.Host.Settings;

/// <summary>Flags of upstream's kube-apiserver and kube-controller-manager under the same names; what is not given is as there.</summary>
/// <remarks>Who is let in, what may be written, how requests are limited and written down, which controllers run.</remarks>
/// <param name="given">By name, without dashes.</param>
public sealed partial class ServerFlags(IReadOnlyDictionary<string, string> given)
{
    /// <summary>Name and meaning of all there are.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> All { get; } =
    [
        ("max-requests-inflight", "Reads that are worked on at a time (400)."),
        ("max-mutating-requests-inflight", "Writes that are worked on at a time (200)."),
        ("enable-priority-and-fairness", "Share both among users by FlowSchemas (true)."),
        ("request-timeout", "How long a request may take (1m0s)."),
        ("event-ttl", "How long Events are kept after their last write (1h0m0s)."),
        ("controllers", "Controllers that run: * for all, a name for that one, -name for all but it, separated by commas (*). -service-lb-controller leaves Services of type LoadBalancer to another."),
        .. VersionFlags, .. AccessFlags, .. AdmissionFlags, .. AuditFlags,
        ("encryption-provider-config", "An EncryptionConfiguration file: what is encrypted in the store, and how; changes of it are taken over as it runs. Empty for Secrets under a key of the cluster's own again."),
    ];

    /// <summary>Those whose value is the path of a file.</summary>
    static readonly FrozenSet<string> s_files =
    [
        .. All.Select(f => f.Name).Where(n => n.EndsWith("-file", StringComparison.Ordinal) || n.EndsWith("-config", StringComparison.Ordinal) && n != "runtime-config"),
        "audit-log-path",
    ];

    /// <summary>Those that name a file are kept with its whole path: the next start may be made elsewhere.</summary>
    public static string Kept(string name, string value) =>
        value.Length == 0 || value == "-" || !s_files.Contains(name) ? value : Path.GetFullPath(value);

    /// <summary>What was asked before with what is asked now; an empty value takes a flag back.</summary>
    public static IReadOnlyDictionary<string, string>? Merge(IReadOnlyDictionary<string, string>? before, IReadOnlyDictionary<string, string>? asked)
    {
        var merged = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in (before ?? EmptyFlags).Concat(asked ?? EmptyFlags)) merged[name] = value;
        foreach (string name in merged.Where(f => f.Value.Length == 0).Select(f => f.Key).ToArray()) merged.Remove(name);
        return merged.Count == 0 ? null : merged;
    }

    static readonly IReadOnlyDictionary<string, string> EmptyFlags = new Dictionary<string, string>();

    string? Find(string name) => given.GetValueOrDefault(name);
    string Text(string name, string otherwise = "") => given.GetValueOrDefault(name, otherwise);

    T Read<T>(string name, T otherwise, Func<string, T?> parse, string shape) where T : struct =>
        given.TryGetValue(name, out string? text) ? parse(text) ?? throw new SettingsException($"--{name} {text} is no {shape}") : otherwise;

    int Number(string name, int otherwise) => Read(name, otherwise, t => int.TryParse(t, CultureInfo.InvariantCulture, out int n) && n >= 0 ? n : default(int?), "number; write one that is not negative");
    double Rate(string name, double otherwise) => Read(name, otherwise, t => double.TryParse(t, CultureInfo.InvariantCulture, out double n) && n > 0 ? n : default(double?), "rate; write a number such as 10");
    bool Flag(string name, bool otherwise) => Read(name, otherwise, t => bool.TryParse(t, out bool b) ? b : default(bool?), "yes or no; write true or false");

    TimeSpan Time(string name, TimeSpan otherwise) =>
        Read(name, otherwise, t => Api.Duration.TryParse(t, out var d) && d.ToTimeSpan() > TimeSpan.Zero ? d.ToTimeSpan() : default(TimeSpan?), "time; write it like 30s or 1m");

    public TimeSpan RequestTimeout => Time("request-timeout", TimeSpan.FromMinutes(1));

    public TimeSpan EventTtl => Time("event-ttl", TimeSpan.FromHours(1));

    /// <exception cref="SettingsException">There is no controller of a name.</exception>
    public Controllers.ControllerChoice Controllers()
    {
        try { return Hanbae.Controllers.ControllerChoice.Of(Text("controllers", "*").Split(',')); }
        catch (FormatException e) { throw new SettingsException("--controllers: " + e.Message, e); }
    }

    /// <summary>Null for Secrets under a key of the cluster's own.</summary>
    public string? EncryptionConfig => Find("encryption-provider-config");

    public FlowControlOptions FlowControl()
    {
        var options = new FlowControlOptions
        {
            MaxReads = Number("max-requests-inflight", 400), MaxWrites = Number("max-mutating-requests-inflight", 200), IsFair = Flag("enable-priority-and-fairness", true),
            Wait = RequestTimeout / 4,
        };
        return !options.IsFair || options.Seats > 0 ? options : throw new SettingsException(
            "--max-requests-inflight and --max-mutating-requests-inflight are both 0: with priority and fairness that leaves nothing for anybody");
    }
}
