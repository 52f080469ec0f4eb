using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>A plain <c>hanbae up</c> is as the CIS benchmark wants it, and the check sees what is not.</summary>
[Collection(OwnClusters.Name)]
public sealed class CisTests
{
    sealed record Item(string Id, bool Manual, string Result, string Found, string Mend);

    static async Task<(int Code, List<Item> Items)> CheckAsync(RealCluster cluster)
    {
        var ran = await cluster.HanbaeAsync("check", "cis", "-o", "json");
        return (ran.Code, [.. JsonDocument.Parse(ran.Out).RootElement.GetProperty("items").EnumerateArray().Select(i => new Item(
            i.GetProperty("id").GetString()!, i.GetProperty("manual").GetBoolean(), i.GetProperty("result").GetString()!, i.GetProperty("found").GetString()!, i.GetProperty("mend").GetString()!))]);
    }

    static void Fails(List<Item> items, params (string Id, string Mend)[] expected)
    {
        var failed = items.Where(i => i.Result == "fail").ToList();
        Assert.Equal(expected.Select(e => e.Id).Order(StringComparer.Ordinal), failed.Select(f => f.Id).Order(StringComparer.Ordinal));
        foreach (var (id, mend) in expected) Assert.Contains(mend, failed.Single(f => f.Id == id).Mend);
    }

    [Fact]
    public async Task Every_item_holds_in_a_plain_cluster_with_a_node_and_what_is_broken_is_seen()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync();
        var (code, items) = await CheckAsync(cluster);
        Assert.All(items, i => Assert.True(i.Result is "pass" || i.Result is "none" or "manual" && (i.Manual || i.Result == "none"), $"{i.Id} is {i.Result}: {i.Found}"));
        Assert.Equal(0, code);
        // What does not apply is only what the store would have if others reached it.
        Assert.Equal(["2.7"], items.Where(i => i.Result == "none").Select(i => i.Id));

        string pki = Path.Combine(cluster.DataDir, "pki");
        var (mine, open) = (UnixFileMode.UserRead | UnixFileMode.UserWrite, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        foreach (var (file, id) in (IEnumerable<(string, string)>)[("pki/sa.key", "1.1.21"), ("kubeconfig", "1.1.13, 1.1.14"), ("cluster.json", "1.1.1-1.1.8"), ("audit/audit.log", "1.2.16")])
        {
            File.SetUnixFileMode(Path.Combine(cluster.DataDir, file), open);
            (code, items) = await CheckAsync(cluster);
            Assert.Equal(1, code);
            Assert.Contains(items, i => i.Id == id && i.Result == "fail" && i.Found.Contains(file, StringComparison.Ordinal));
            File.SetUnixFileMode(Path.Combine(cluster.DataDir, file), mine);
        }
        await cluster.KubectlAsync("create", "clusterrolebinding", "careless", "--clusterrole=view", "--user=system:anonymous", "--group=system:unauthenticated");
        await cluster.KubectlAsync("create", "clusterrolebinding", "mighty", "--clusterrole=cluster-admin", "--serviceaccount=kube-system:deployment-controller");
        Fails((await CheckAsync(cluster)).Items, ("1.2.1", "system:unauthenticated"), ("1.3.3", "kube-system"));
        await cluster.KubectlAsync("delete", "clusterrolebinding", "careless", "mighty");
        Fails((await CheckAsync(cluster)).Items);
        Assert.True(Directory.Exists(pki));
    }

    [Fact]
    public async Task A_control_plane_that_was_told_to_be_open_is_told_how_to_be_closed()
    {
        await using var cluster = RealCluster.Plan();
        string tokens = Path.Combine(cluster.Scratch, "tokens.csv"), policy = Path.Combine(cluster.Scratch, "policy.yaml");
        await File.WriteAllTextAsync(tokens, "hush,somebody,1\n");
        await File.WriteAllTextAsync(policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  verbs: [create, update, patch, delete]\n");
        await cluster.UpAsync("--control-plane-only", "--token-auth-file", tokens, "--authorization-mode", "AlwaysAllow", "--disable-admission-plugins", "NamespaceLifecycle,NodeRestriction,ServiceAccount,Priority",
            "--audit-policy-file", policy, "--audit-log-maxage", "1", "--audit-log-maxbackup", "1", "--audit-log-maxsize", "1", "--request-timeout", "1h");
        var (code, items) = await CheckAsync(cluster);
        Assert.Equal(1, code);
        var failed = items.Where(i => i.Result == "fail").Select(i => i.Id).ToHashSet();
        // With everything allowed whoever writes is let in, and the others that depend on it fall, too.
        Assert.Superset(new HashSet<string>(["1.2.1", "1.2.2", "1.2.6", "1.2.7", "1.2.8", "1.2.10", "1.2.12", "1.2.13", "1.2.14", "1.2.17", "1.2.18", "1.2.19", "1.2.20", "1.3.3", "3.2.2"]), failed);
        Assert.Contains("reading a Secret, reading a ConfigMap, pods/proxy, services/proxy", items.Single(i => i.Id == "3.2.2").Found);
        Assert.Contains("--audit-log-maxage 30", items.Single(i => i.Id == "1.2.17").Mend);

        // As it is told: empty takes a flag back.
        (await cluster.HanbaeAsync("down")).Ok();
        await cluster.UpAsync("--token-auth-file", "", "--authorization-mode", "", "--disable-admission-plugins", "", "--audit-policy-file", "", "--audit-log-maxage", "", "--audit-log-maxbackup", "", "--audit-log-maxsize", "", "--request-timeout", "");
        (code, items) = await CheckAsync(cluster);
        Fails(items);
        Assert.Equal(0, code);
    }
}
