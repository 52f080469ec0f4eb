using System.Collections.Immutable;
using System.Text;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;

namespace Hanbae.Host.Checks.Cis;

/// <summary>All that is checked, in the benchmark's order, and how it is told.</summary>
static class CisBenchmark
{
    public const string Name = "CIS Kubernetes Benchmark 1.12";

    public static ImmutableArray<(string Title, ImmutableArray<CisItem> Items)> Sections { get; } =
    [
        ("Files of the control plane", [.. CisFiles.ControlPlane]),
        ("API server", [.. CisApiServer.All]),
        ("Controllers and scheduler", [.. CisComponents.Controllers]),
        ("Store", [.. CisComponents.Store]),
        ("Settings of the control plane", [.. CisComponents.Settings]),
        ("Files of the node", [.. CisFiles.Node]),
        ("Kubelet and proxy", [.. CisNode.All]),
        ("Policies", [.. CisPolicies.All]),
    ];

    public static async Task<IReadOnlyList<(string Section, CisItem Item, CisFinding Finding)>> RunAsync(CisSight sight, CancellationToken ct)
    {
        // So that it is known which port is the kubelet's.
        await sight.NodeAsync(ct);
        var all = new List<(string, CisItem, CisFinding)>();
        foreach (var (title, items) in Sections)
            foreach (var item in items)
            {
                CisFinding finding;
                // What cannot be looked at is not known to be so.
                try { finding = await item.Look(sight, ct); }
                catch (Exception e) when (e is ApiException or IOException or UnauthorizedAccessException or HttpRequestException or System.Net.Sockets.SocketException
                    or FormatException or Hanbae.Host.Runtime.RuntimeException or Hanbae.Host.Settings.SettingsException || e is OperationCanceledException && !ct.IsCancellationRequested)
                {
                    finding = CisFinding.Fail("it could not be looked at: " + e.Message, "see the cluster's log, then run this again");
                }
                all.Add((title, item, finding));
            }
        return all;
    }

    public static string Text(IReadOnlyList<(string Section, CisItem Item, CisFinding Finding)> all)
    {
        var text = new StringBuilder();
        string section = "";
        foreach (var (title, item, finding) in all)
        {
            if (title != section) text.Append(section.Length > 0 ? "\n" : "").Append(section = title).Append('\n');
            text.Append($"  {Word(finding.Result),-6}  {item.Id,-14}  {item.Asks}\n");
            text.Append($"{"",26}{finding.Found}\n");
            if (finding.Mend.Length > 0 && finding.Result is CisResult.Fail or CisResult.Manual) text.Append($"{"",26}→ {finding.Mend}\n");
        }
        int Count(CisResult result) => all.Count(a => a.Finding.Result == result);
        return text.Append($"\n{Name}: {Count(CisResult.Pass)} hold, {Count(CisResult.Fail)} fail, {Count(CisResult.Manual)} are for you to judge (manual), {Count(CisResult.None)} do not apply\n").ToString();
    }

    static string Word(CisResult result) => result switch { CisResult.Pass => "ok", CisResult.Fail => "FAIL", CisResult.Manual => "manual", _ => "-" };

    public static string Json(IReadOnlyList<(string Section, CisItem Item, CisFinding Finding)> all) => JsonObject.Of(
        ("benchmark", new JsonString(Name)),
        ("items", new JsonArray([.. all.Select(a => (JsonValue)JsonObject.Of(
            ("section", new JsonString(a.Section)), ("id", new JsonString(a.Item.Id)), ("asks", new JsonString(a.Item.Asks)),
            ("manual", JsonBool.Of(a.Item.IsManual)), ("result", new JsonString(a.Finding.Result.ToString().ToLowerInvariant())),
            ("found", new JsonString(a.Finding.Found)), ("mend", new JsonString(a.Finding.Mend))))]))).ToString()!;
}
