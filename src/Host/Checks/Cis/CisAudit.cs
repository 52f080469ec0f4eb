using System.Text;
using Hanbae.Api.Rest;
using Hanbae.Host.Commands;
using Hanbae.Server.Audit;

namespace Hanbae.Host.Checks.Cis;

/// <summary>Auditing: things are asked for that are not there, and the asking is looked for in the log.</summary>
static class CisAudit
{
    /// <summary>What is logged is written a moment later.</summary>
    static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(250);
    const int Looks = 20;

    const string Everything = "hanbae up --audit-policy-file \"\" takes the cluster's own policy again, or log at least metadata of it by yours";

    public static IEnumerable<CisItem> Log { get; } =
    [
        new("1.2.16", "Who did what is written to a log", async (s, ct) => await SeenAsync(s, [("a deletion", "DELETE", "/api/v1/namespaces/kube-system/secrets/{0}")], ct) is { } missing
            ? CisFinding.Fail(missing, "hanbae up --audit-log-path \"\" writes audit/audit.log in the data folder again") : CisFinding.Pass($"a request just made is in {Options(s)!.Path}, its owner's alone")),
        new("1.2.17", "Logs are kept for thirty days or longer", (s, _) => Kept(s, o => o.MaxAge.TotalDays >= 30, o => $"{o.MaxAge.TotalDays} days", "--audit-log-maxage 30")),
        new("1.2.18", "Ten closed logs or more are kept", (s, _) => Kept(s, o => o.MaxBackups >= 10, o => $"{o.MaxBackups} of them", "--audit-log-maxbackup 10")),
        new("1.2.19", "A log is not closed before it has a hundred megabytes", (s, _) => Kept(s, o => o.MaxSize >= 100 << 20, o => $"{o.MaxSize >> 20} MB", "--audit-log-maxsize 100")),
    ];

    public static IEnumerable<CisItem> Policy { get; } =
    [
        new("3.2.1", "A policy decides what is logged of requests", async (s, ct) => await SeenAsync(s, [("a deletion", "DELETE", "/api/v1/namespaces/kube-system/pods/{0}")], ct) is { } missing
            ? CisFinding.Fail(missing, Everything) : CisFinding.Pass("changes are logged")),
        new("3.2.2", "It covers Secrets, ConfigMaps, changes of Pods and Deployments, and ways into Pods and Services", async (s, ct) => await SeenAsync(s,
            [
                ("reading a Secret", "GET", "/api/v1/namespaces/kube-system/secrets/{0}"), ("reading a ConfigMap", "GET", "/api/v1/namespaces/kube-system/configmaps/{0}"),
                ("changing a Pod", "DELETE", "/api/v1/namespaces/kube-system/pods/{0}"), ("changing a Deployment", "DELETE", "/apis/apps/v1/namespaces/kube-system/deployments/{0}"),
                ("pods/exec", "POST", "/api/v1/namespaces/kube-system/pods/{0}/exec"), ("pods/portforward", "POST", "/api/v1/namespaces/kube-system/pods/{0}/portforward"),
                ("pods/proxy", "GET", "/api/v1/namespaces/kube-system/pods/{0}/proxy/"), ("services/proxy", "GET", "/api/v1/namespaces/kube-system/services/{0}/proxy/"),
            ], ct) is { } missing ? CisFinding.Fail(missing, Everything) : CisFinding.Pass("each of them was done just now, and is in the log")),
    ];

    static AuditLogOptions? Options(CisSight s) => s.Settings.Flags.Audit(s.Paths.Data, TimeProvider.System).Log;

    static Task<CisFinding> Kept(CisSight s, Func<AuditLogOptions, bool> holds, Func<AuditLogOptions, string> says, string flag) =>
        Task.FromResult(Options(s) is not { } log ? CisFinding.Fail("there is no audit log", "give `hanbae up` an --audit-log-path") : CisFinding.Of(holds(log), says(log), "hanbae up " + flag));

    /// <summary>Asks for names that nobody has, and looks for these.</summary>
    /// <returns>What is missing; null when nothing is.</returns>
    static async Task<string?> SeenAsync(CisSight s, IReadOnlyList<(string What, string Method, string Path)> deeds, CancellationToken ct)
    {
        if (Options(s) is not { } options) return "there is no audit log";
        string log = options.Path == "-" ? Path.Combine(s.Paths.Data, Up.LogFile) : options.Path;
        string mark = "hanbae-check-" + Guid.NewGuid().ToString("N");
        byte[][] wanted = [.. deeds.Select((_, i) => Encoding.ASCII.GetBytes($"{mark}-{i}"))];
        for (int i = 0; i < deeds.Count; i++)
            try { await s.Client.Transport.SendAsync(new() { Method = deeds[i].Method, Path = string.Format(null, deeds[i].Path, $"{mark}-{i}") }, ct); }
            // That it is not there, or cannot be entered in this way: asked for it was.
            catch (ApiException) { }
        for (int look = 0; ; look++)
        {
            List<string> missing = [];
            for (int i = 0; i < deeds.Count; i++)
                if (!File.Exists(log) || !await Scan.ContainsAsync(log, wanted[i], ct)) missing.Add(deeds[i].What);
            if (missing.Count == 0) return CisSight.Wide([log], UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (look == Looks) return $"{string.Join(", ", missing)}: done just now, not in {log}";
            await Task.Delay(s_moment, ct);
        }
    }
}
