using Hanbae.Api.Core.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Pki;

namespace Hanbae.Host.Checks.Cis;

/// <summary>Controllers, scheduler, store, and what the control plane as a whole is set to.</summary>
static class CisComponents
{
    public static IEnumerable<CisItem> Controllers { get; } =
    [
        new("1.3.1", "Pods that have ended are swept before they fill the store", (_, _) =>
        {
            int most = Hanbae.Controllers.ControllerOptions.Default.TerminatedPodThreshold;
            return Task.FromResult(CisFinding.Of(most > 0, $"beyond {most:N0} the oldest go", "set a threshold"));
        }),
        new("1.3.2, 1.4.1", "Controllers and scheduler are not open to profilers", PortsAsync),
        new("1.3.3", "Each controller works under an account of its own, with no more rights than it needs", async (s, ct) =>
        {
            var bound = (await s.Client.ListAsync<ClusterRoleBinding>(ListQuery.All, ct)).Items.Where(b => b.RoleRef.Name.StartsWith("system:controller:", StringComparison.Ordinal))
                .SelectMany(b => b.Subjects).Where(x => x is { Kind: "ServiceAccount", Namespace: "kube-system" }).Select(x => x.Name).ToHashSet();
            List<string> mighty = [];
            foreach (string component in Hanbae.Controllers.Catalog.All.Select(e => e.Component).Distinct())
            {
                string[] groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"];
                var may = await s.MayAsync("system:serviceaccount:kube-system:" + component, groups, "impersonate", "users", "system:admin", "", ct);
                if (may.Allowed) mighty.Add(component);
            }
            return mighty.Count > 0 ? CisFinding.Fail("as anybody they like may act " + string.Join(", ", mighty), "take the roles away that are bound to these accounts of kube-system")
                : CisFinding.Of(bound.Count > 0, $"{bound.Count} accounts are bound to roles of their own, none of them may be anybody else", "restore the bindings system:controller:…: restarting the cluster does");
        }),
        new("1.3.4", "The key that signs tokens is a file of its own", (s, _) => Task.FromResult(CisSight.Wide([Path.Combine(s.PkiFolder, "sa.key")], UnixFileMode.UserRead | UnixFileMode.UserWrite) is { } wide
            ? CisFinding.Fail(wide, "chmod 600 it") : CisFinding.Pass("pki/sa.key, its owner's alone"))),
        new("1.3.5", "Pods are told by which authority they know the API server", async (s, ct) =>
        {
            var map = await s.Client.GetAsync<ConfigMap>(new("default", "kube-root-ca.crt"), ct);
            bool holds = map.Data["ca.crt"] == await File.ReadAllTextAsync(Path.Combine(s.PkiFolder, "ca.crt"), ct);
            return CisFinding.Of(holds, holds ? "ConfigMap kube-root-ca.crt is pki/ca.crt" : "ConfigMap kube-root-ca.crt is not pki/ca.crt", "restart the cluster");
        }),
        new("1.3.6", "Certificates by which nodes serve are renewed by themselves", (s, _) =>
        {
            var soonest = CertificateList.Read(s.PkiFolder).Where(r => r.Ends is not null).MinBy(r => r.Ends)!;
            return Task.FromResult(CisFinding.Of(Renews(s) && soonest.Ends > TimeProvider.System.GetUtcNow().AddDays(30), $"the first to end is {soonest.Name}, {soonest.Ends:yyyy-MM-dd}", "hanbae certs rotate"));
        }),
        new("1.3.7, 1.4.2", "Controllers and scheduler listen to nobody outside", PortsAsync),
    ];

    public static IEnumerable<CisItem> Store { get; } =
    [
        new("2.1-2.6", "The store is reached only by TLS, with certificates on both sides", StorePortsAsync),
        new("2.7", "The store has an authority of its own", (_, _) => Task.FromResult(CisFinding.None("nobody comes to the store with a certificate"))),
    ];

    public static IEnumerable<CisItem> Settings { get; } =
    [
        new("3.1.1, 3.1.2", "People do not come with client certificates or tokens of service accounts, which cannot be taken back one by one", (_, _) =>
            Task.FromResult(CisFinding.Manual("the administrator's kubeconfig holds a client certificate, good for a year", "give people tokens of an OpenID provider, and keep the kubeconfig for emergencies"))),
        new("3.1.3", "Tokens by which machines join end soon", async (s, ct) =>
        {
            var tokens = (await s.Client.ListAsync<Secret>(ListQuery.All with { Namespace = "kube-system", FieldSelector = "type=bootstrap.kubernetes.io/token" }, ct)).Items;
            var forever = tokens.Where(t => t.Data["expiration"].Length == 0).Select(t => t.Metadata.Name).ToList();
            return forever.Count == 0 ? CisFinding.Pass($"{tokens.Count} tokens, each with an end")
                : CisFinding.Fail($"no end: {string.Join(", ", forever)}", "kubectl -n kube-system delete secret " + string.Join(' ', forever));
        }),
        .. CisAudit.Policy,
    ];

    /// <summary>The running cluster has taken over the certificates on the disk: who does that makes them anew, too.</summary>
    internal static bool Renews(CisSight s) => File.Exists(Path.Combine(s.PkiFolder, LivePki.TakenOver));

    /// <summary>The store's files are held by the API server's own process, and nobody listens for it.</summary>
    internal static async Task<CisFinding> StorePortsAsync(CisSight s, CancellationToken ct)
    {
        var ports = await PortsAsync(s, ct);
        if (ports.Result != CisResult.Pass) return ports;
        string[] held = [.. new DirectoryInfo($"/proc/{s.Pid}/fd").EnumerateFileSystemInfos().Select(f => f.LinkTarget ?? "").Where(t => t.StartsWith(s.StoreFolder + "/", StringComparison.Ordinal)).Distinct()];
        return CisFinding.Of(held.Length > 0, held.Length > 0 ? "the API server's process holds the store's files itself; no port leads to it" : $"nobody holds files in {s.StoreFolder}", "look for where the store is");
    }

    /// <summary>Only the API server's, the kubelet's and the proxy's ports (and that of DNS, on the Pods' bridge) are open to others.</summary>
    internal static async Task<CisFinding> PortsAsync(CisSight s, CancellationToken ct)
    {
        if (!Directory.Exists($"/proc/{s.Pid}/fd")) return CisFinding.Fail("the process is another user's", "run this as who runs hanbae");
        var listening = s.Listening();
        // The proxy tells load balancers of the node's health, and of Services' where these say.
        var known = new HashSet<int> { s.ApiServer.Port, s.Settings.ApiPort, s.Settings.ProxyHealthzAt?.Port ?? 0 };
        known.UnionWith((await s.Client.ListAsync<Service>(ListQuery.All, ct)).Items.Select(service => service.Spec.HealthCheckNodePort));
        var strange = listening.Where(l => !known.Contains(l.Port) && !System.Net.IPAddress.IsLoopback(l.Address) && !(l.Port == 53 && l.Address.Equals(s.Settings.BridgeAddress)) && l.Port != s.KubeletPort).ToList();
        return CisFinding.Of(strange.Count == 0, strange.Count == 0
            ? $"open to others are only ports {string.Join(", ", listening.Where(l => !System.Net.IPAddress.IsLoopback(l.Address)).Select(l => l.Port).Distinct().Order())}"
            : "open to others is also " + string.Join(", ", strange.Select(l => $"{l.Address}:{l.Port}")), "find out what listens there");
    }
}
