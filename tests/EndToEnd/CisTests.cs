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

        // All at once, each said by its item: what others could read, and of certificates what others could write.
        (string File, string[] Ids)[] opened =
        [
            ("pki/sa.key", ["1.1.21", "1.3.4"]), ("kubeconfig", ["1.1.13, 1.1.14"]), ("cluster.json", ["1.1.1-1.1.8", "4.1.1, 4.1.2"]), ("audit/audit.log", ["1.2.16"]), ("store", ["1.1.11, 1.1.12"]), ("pki", ["1.1.19"]),
            ("pki/ca.crt", ["1.1.20", "4.1.7, 4.1.8"]), ("pki/kubelet.key", ["4.1.5, 4.1.6"]),
        ];
        var modes = opened.ToDictionary(o => o.File, o => File.GetUnixFileMode(Path.Combine(cluster.DataDir, o.File)));
        foreach (var (file, mode) in modes) File.SetUnixFileMode(Path.Combine(cluster.DataDir, file), mode | UnixFileMode.OtherRead | (file.EndsWith(".crt", StringComparison.Ordinal) ? UnixFileMode.OtherWrite : 0));
        (code, items) = await CheckAsync(cluster);
        Assert.Equal(1, code);
        foreach (var (file, ids) in opened)
            foreach (string id in ids)
                Assert.True(items.Single(i => i.Id == id) is { Result: "fail" } failed && failed.Found.Contains(id == "1.1.21" ? "pki/" : file, StringComparison.Ordinal), $"{id} of {file}: {items.Single(i => i.Id == id)}");
        foreach (var (file, mode) in modes) File.SetUnixFileMode(Path.Combine(cluster.DataDir, file), mode);
        await cluster.KubectlAsync("create", "clusterrolebinding", "careless", "--clusterrole=view", "--user=system:anonymous", "--group=system:unauthenticated");
        await cluster.KubectlAsync("create", "clusterrolebinding", "mighty", "--clusterrole=cluster-admin", "--serviceaccount=kube-system:deployment-controller");
        Fails((await CheckAsync(cluster)).Items, ("1.2.1", "system:unauthenticated"), ("1.3.3", "kube-system"));
        await cluster.KubectlAsync("delete", "clusterrolebinding", "careless", "mighty");
        Fails((await CheckAsync(cluster)).Items);

        await cluster.KubectlAsync("create", "secret", "generic", "bootstrap-token-abcdef", "-n", "kube-system", "--type=bootstrap.kubernetes.io/token", "--from-literal=token-id=abcdef", "--from-literal=token-secret=0123456789abcdef");
        Fails((await CheckAsync(cluster)).Items, ("3.1.3", "kubectl -n kube-system delete secret bootstrap-token-abcdef"));
        await cluster.KubectlAsync("delete", "secret", "-n", "kube-system", "bootstrap-token-abcdef");

        // What is for people to judge is shown to them.
        await cluster.KubectlAsync("create", "clusterrole", "wide", "--verb=*", "--resource=secrets,pods,clusterroles,persistentvolumes,nodes/proxy,serviceaccounts/token,certificatesigningrequests.certificates.k8s.io/approval,validatingwebhookconfigurations.admissionregistration.k8s.io");
        await cluster.KubectlAsync("create", "clusterrolebinding", "wide", "--clusterrole=cluster-admin", "--serviceaccount=default:default");
        await cluster.KubectlAsync("create", "namespace", "app");
        await cluster.KubectlAsync("run", "careless", "--image=example/app:1", """--overrides={"spec":{"nodeSelector":{"nobody":"here"},"containers":[{"name":"careless","image":"example/app:1","envFrom":[{"secretRef":{"name":"s"}}]}]}}""");
        items = (await CheckAsync(cluster)).Items;
        foreach (var (id, found) in (IEnumerable<(string, string)>)[("5.1.1, 5.1.7", "ServiceAccount default (by wide)"), ("5.1.2", "wide"), ("5.1.3", "wide"), ("5.1.4", "wide"), ("5.1.5", "default (by wide)"), ("5.1.6", "1 Pod"), ("5.1.8", "wide"),
            ("5.1.9", "wide"), ("5.1.10", "wide"), ("5.1.11", "wide"), ("5.1.12", "wide"), ("5.1.13", "wide"), ("5.2.1-5.2.12", "app"), ("5.3.2", "app"), ("5.4.1", "default/careless"), ("5.6.1, 5.6.4", "1 Pod"), ("5.6.2, 5.6.3", "default/careless")])
            Assert.True(items.Single(i => i.Id == id) is { Result: "manual", Mend.Length: > 0 } shown && shown.Found.Contains(found, StringComparison.Ordinal), $"{id}: {items.Single(i => i.Id == id)}");
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
