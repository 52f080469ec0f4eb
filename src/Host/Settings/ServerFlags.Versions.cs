using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;

namespace Hanbae.Host.Settings;

public sealed partial class ServerFlags
{
    static IReadOnlyList<(string Name, string Meaning)> VersionFlags =>
    [
        ("runtime-config", "Beta and alpha APIs to be served, as api/beta=true, certificates.k8s.io/v1beta1=true or certificates.k8s.io/v1beta1/clustertrustbundles=true."),
    ];

    /// <summary>What is served beyond the default: resources that no version of by default has.</summary>
    /// <exception cref="SettingsException">A version is unknown, or cannot be turned off.</exception>
    public MoreServed MoreServed()
    {
        var found = ImmutableArray.CreateBuilder<ResourceInfo>();
        foreach (string asked in Text("runtime-config").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = asked.Split('=', 2);
            if (parts.Length > 1 && !bool.TryParse(parts[1], out _)) throw new SettingsException($"--runtime-config {asked}: write it like certificates.k8s.io/v1beta1=true");
            bool on = parts.Length == 1 || bool.Parse(parts[1]);
            var meant = s_offByDefault.Where(r => Means(parts[0], r.Gvr)).ToList();
            if (meant.Count == 0 && parts[0] is not ("api/all" or "api/beta" or "api/alpha" or "api/ga"))
                throw new SettingsException($"--runtime-config {asked}: there is no such API that is off by default; there are {string.Join(", ", s_offByDefault.Select(r => r.Gvr.GroupVersion.ToString()).Distinct())}");
            if (!on) foreach (var r in meant) found.Remove(r);
            else found.AddRange(meant.Where(r => !found.Contains(r)));
        }
        return new(found.ToImmutable());
    }

    static bool Means(string asked, GroupVersionResource gvr) => asked switch
    {
        "api/all" => true,
        "api/beta" => gvr.Version.Contains("beta", StringComparison.Ordinal),
        "api/alpha" => gvr.Version.Contains("alpha", StringComparison.Ordinal),
        _ => asked == gvr.GroupVersion.ToString() || asked == $"{gvr.GroupVersion}/{gvr.Resource}",
    };

    static readonly ImmutableArray<ResourceInfo> s_offByDefault =
    [
        .. ApiData.Groups.SelectMany(g =>
        {
            var known = g.Default.SelectMany(v => Resources.Of(new GroupVersion(g.Name, v))).Select(r => r.Gvr.Resource).ToHashSet();
            return g.Versions.Where(v => !g.Default.Contains(v)).SelectMany(v => Resources.Of(new GroupVersion(g.Name, v))).Where(r => !known.Contains(r.Gvr.Resource));
        }),
    ];
}
