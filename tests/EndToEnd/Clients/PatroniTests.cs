using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>Patroni keeps the leader of a PostgreSQL cluster in an Endpoints object: compare-and-swap, watches and patches at their most exacting.</summary>
[Collection(ClientCluster.Name)]
public sealed class PatroniTests(ClientCluster shared)
{
    const string Postgres = "/usr/lib/postgresql/*/bin/postgres", User = "65534";

    [ClientFact("patroni", "setpriv", Postgres)]
    public async Task A_leader_is_elected_and_another_takes_over_when_it_dies()
    {
        await shared.Cluster.KubectlAsync("create", "namespace", "patroni");
        await Until.TrueAsync("default service account", async () => (await shared.Cluster.TryKubectlAsync(["-n", "patroni", "get", "serviceaccount", "default"])).Code == 0);
        string folder = Path.Combine(shared.Cluster.Scratch, "patroni");
        Directory.CreateDirectory(folder);
        File.Copy(shared.Cluster.Kubeconfig, Path.Combine(folder, "kubeconfig"));
        for (int i = 0; i < 2; i++)
        {
            // Patroni writes the role of each server into its Pod's labels.
            await shared.Cluster.KubectlAsync("-n", "patroni", "run", $"pg-{i}", "--image=postgres", "--labels=application=patroni,cluster-name=demo", "--", "sleep", "100000");
            await File.WriteAllTextAsync(Path.Combine(folder, $"{i}.yml"), Settings(folder, i, Loopback.Free(), Loopback.Free()));
        }
        if (Environment.IsPrivilegedProcess) (await Program.RunAsync("chown", ["-R", $"{User}:{User}", folder])).Ok();

        var servers = new Background[2];
        try
        {
            for (int i = 0; i < 2; i++) servers[i] = Start(folder, i);
            string first = await Until.Async("a leader", LeaderAsync, l => l.Length > 0, () => Task.FromResult(string.Join('\n', servers.Select(s => s.Text))));
            await Until.Async("the leader's label", () => RoleAsync(first), r => r is "master" or "primary");
            string other = first == "pg-0" ? "pg-1" : "pg-0";
            await Until.Async("the other's label", () => RoleAsync(other), r => r == "replica", () => Task.FromResult(string.Join('\n', servers.Select(s => s.Text))));

            servers[first[^1] - '0'].Dispose();

            await Until.Async("the other as leader", LeaderAsync, l => l == other, () => Task.FromResult(servers[other[^1] - '0'].Text));
            await Until.Async("the new leader's label", () => RoleAsync(other), r => r is "master" or "primary");
        }
        finally
        {
            foreach (var server in servers) server?.Dispose();
            await StopPostgresAsync(folder);
        }
    }

    Task<string> LeaderAsync() => OptionalAsync("endpoints/demo", "{.metadata.annotations.leader}");
    Task<string> RoleAsync(string pod) => OptionalAsync("pod/" + pod, "{.metadata.labels.role}");

    async Task<string> OptionalAsync(string what, string path)
    {
        var ran = await shared.Cluster.TryKubectlAsync(["-n", "patroni", "get", what, "-o", "jsonpath=" + path]);
        return ran.Code == 0 ? ran.Out : "";
    }

    static Background Start(string folder, int i)
    {
        // PostgreSQL refuses to be root.
        string[] line = Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups", "patroni"] : ["patroni"];
        return Program.InBackground(line[0], [.. line[1..], Path.Combine(folder, $"{i}.yml")],
            new Dictionary<string, string> { ["KUBECONFIG"] = Path.Combine(folder, "kubeconfig"), ["HOME"] = folder, ["NO_PROXY"] = "*" });
    }

    /// <summary>A killed Patroni leaves its server running: it is ended by the number in its own data folder.</summary>
    static async Task StopPostgresAsync(string folder)
    {
        for (int i = 0; i < 2; i++)
        {
            string file = Path.Combine(folder, $"{i}/data/postmaster.pid");
            if (File.Exists(file)) await Program.RunAsync("kill", ["-QUIT", File.ReadLines(file).First()]);
            await Until.TrueAsync("an ended PostgreSQL", () => Task.FromResult(!File.Exists(file) || !Directory.Exists("/proc/" + File.ReadLines(file).First()) || IsDead(File.ReadLines(file).First())));
        }
    }

    static bool IsDead(string pid)
    {
        try { return File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal); }
        catch (IOException) { return true; }
    }

    static string Settings(string folder, int i, string api, string database) => $$"""
        scope: demo
        name: pg-{{i}}
        kubernetes:
          context: hanbae
          namespace: patroni
          labels: {application: patroni}
          scope_label: cluster-name
          role_label: role
          use_endpoints: true
          pod_ip: 192.0.2.{{10 + i}}
          ports: [{port: 5432}]
        restapi: {listen: "{{api}}", connect_address: "{{api}}"}
        bootstrap:
          dcs: {ttl: 20, loop_wait: 1, retry_timeout: 3}
          initdb: [{encoding: UTF8}]
          pg_hba: ["host all all 127.0.0.1/32 md5", "host replication all 127.0.0.1/32 md5"]
        postgresql:
          listen: {{database}}
          connect_address: {{database}}
          data_dir: {{folder}}/{{i}}/data
          bin_dir: {{Path.GetDirectoryName(Installed.Find(Postgres))}}
          pgpass: {{folder}}/{{i}}.pgpass
          authentication: {superuser: {username: postgres, password: x}, replication: {username: rep, password: x} }
          parameters: {unix_socket_directories: {{folder}}}
        """;
}
