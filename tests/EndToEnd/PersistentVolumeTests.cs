using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

/// <summary>Volumes that outlive Pods, by the real kubectl and on real containers.</summary>
public sealed class PersistentVolumeTests(SharedCluster shared) : NamespaceTest(shared)
{
    string VolumesFolder => Path.Combine(Cluster.DataDir, "volumes");

    Task<string> ExecAsync(string pod, string command) => KubectlAsync("exec", pod, "--", "sh", "-c", command);

    Task<Ran> VolumeAsync(string name, params string[] arguments) => TryAsync(["get", "pv", name, .. arguments]);

    async Task GoneAsync(string what, string name) =>
        await Until.TrueAsync($"{what} {name} gone", async () => (await TryAsync("get", what, name, "--ignore-not-found", "-o", "name")).Out.Length == 0);

    [NodeFact]
    public async Task A_folder_that_is_there_is_claimed_used_and_kept()
    {
        string folder = Path.Combine(Cluster.Scratch, Namespace + "-archive"), volume = "archive-" + Namespace;
        string yaml = (await File.ReadAllTextAsync(Path.Combine(Hanbae.Kit.Repository.Root, "examples/volumes/static.yaml")))
            .Replace("/tmp/hanbae-archive", folder).Replace("  name: archive\n  labels", $"  name: {volume}\n  labels");
        try
        {
            await ApplyAsync(yaml);
            await ReadyAsync("archivist");
            Assert.Equal($"Bound {volume} 5Gi", await ReadAsync("pvc/archive", ".status.phase") + " " + await ReadAsync("pvc/archive", ".spec.volumeName") + " " + await ReadAsync("pvc/archive", ".status.capacity.storage"));
            Assert.Equal("kept by archivist\n", await File.ReadAllTextAsync(Path.Combine(folder, "note")));
            Assert.NotEqual(0, (await TryAsync("exec", "archivist", "--", "touch", "/reading/x")).Code);

            // Neither goes while it is in use.
            await KubectlAsync("delete", "pv", volume, "--wait=false");
            await KubectlAsync("delete", "pvc", "archive", "--wait=false");
            Assert.Equal("[\"kubernetes.io/pvc-protection\"]", await ReadAsync("pvc/archive", ".metadata.finalizers"));
            Assert.NotEqual("", await ReadAsync("pvc/archive", ".metadata.deletionTimestamp"));
            await KubectlAsync("delete", "pod", "archivist");
            await GoneAsync("pvc", "archive");
            await GoneAsync("pv", volume);
            Assert.True(File.Exists(Path.Combine(folder, "note")));
        }
        finally { await TryAsync("delete", "pv", volume, "--ignore-not-found", "--wait=false"); }
    }

    [NodeFact]
    public async Task A_claim_of_the_default_class_gets_a_volume_where_its_Pod_runs_grows_and_goes_with_all_it_holds()
    {
        await ApplyExampleAsync("volumes/claim.yaml");
        await ReadyAsync("notebook");
        string volume = await ReadAsync("pvc/notes", ".spec.volumeName"), folder = Path.Combine(VolumesFolder, volume);
        Assert.Equal("local 30Gi Delete hanbae.dev/local", await KubectlAsync("get", "pv", volume, "-o",
            "jsonpath={.spec.storageClassName} {.spec.capacity.storage} {.spec.persistentVolumeReclaimPolicy} {.metadata.annotations.pv\\.kubernetes\\.io/provisioned-by}"));
        Assert.Equal("first note\n", await File.ReadAllTextAsync(Path.Combine(folder, "all")));
        Assert.Equal("2000", (await ExecAsync("notebook", "stat -c %g /notes")).Trim());
        string events = await KubectlAsync("get", "events", "--field-selector=involvedObject.name=notes", "-o", "jsonpath={.items[*].reason}");
        Assert.Contains("ProvisioningSucceeded", events);
        Assert.Contains("ExternalProvisioning", events);

        await KubectlAsync("patch", "pvc", "notes", "-p", "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"40Gi\"}}}}");
        await UntilAsync("pvc/notes", ".status.capacity.storage", "40Gi");
        Assert.Equal("40Gi", (await VolumeAsync(volume, "-o", "jsonpath={.spec.capacity.storage}")).Ok());
        Assert.Contains("less than", (await TryAsync("patch", "pvc", "notes", "-p", "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}")).Fails());

        await KubectlAsync("delete", "pod", "notebook");
        await KubectlAsync("delete", "pvc", "notes");
        await GoneAsync("pv", volume);
        Assert.False(Directory.Exists(folder));
    }

    [NodeFact]
    public async Task A_claim_without_a_Pod_waits_and_says_so()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: idle}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: block}
            spec: {accessModes: [ReadWriteOnce], volumeMode: Block, resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: raw}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: main, image: "busybox:1", command: [sleep, "1000"], volumeDevices: [{name: b, devicePath: /dev/x}]}]
              volumes: [{name: b, persistentVolumeClaim: {claimName: block}}]
            """);
        await Until.Async("its event", () => KubectlAsync("describe", "pvc", "idle"), t => t.Contains("waiting for first consumer to be created before binding"));
        Assert.Equal("Pending", await ReadAsync("pvc/idle", ".status.phase"));
        await Until.Async("its refusal", () => KubectlAsync("describe", "pvc", "block"), t => t.Contains("volumeMode Block is not supported"));
        await KubectlAsync("delete", "pod", "raw");
        await KubectlAsync("delete", "pvc", "idle", "block");
    }

    [NodeFact]
    public async Task Members_of_a_StatefulSet_find_their_data_again()
    {
        await ApplyExampleAsync("volumes/statefulset.yaml");
        await Until.TrueAsync("both members", async () => await ReadAsync("statefulset/ledger", ".status.readyReplicas") == "2");
        string uid = await ReadAsync("pod/ledger-1", ".metadata.uid");
        await KubectlAsync("delete", "pod", "ledger-1");
        await Until.TrueAsync("another member", async () =>
            (await TryAsync("get", "pod", "ledger-1", "-o", "jsonpath={.metadata.uid} {.status.conditions[?(@.type=='Ready')].status}")).Out is var seen && seen.EndsWith(" True") && !seen.StartsWith(uid));
        Assert.Equal("ledger-1 began\nledger-1 began\n", await ExecAsync("ledger-1", "cat /data/ledger"));
        Assert.Equal("ledger-0 began\n", await ExecAsync("ledger-0", "cat /data/ledger"));

        string[] volumes = [await ReadAsync("pvc/data-ledger-0", ".spec.volumeName"), await ReadAsync("pvc/data-ledger-1", ".spec.volumeName")];
        await KubectlAsync("delete", "statefulset", "ledger");
        await Until.TrueAsync("no members", async () => await KubectlAsync("get", "pods", "-o", "name") == "");
        Assert.All(volumes, v => Assert.True(Directory.Exists(Path.Combine(VolumesFolder, v))));
        await KubectlAsync("delete", "pvc", "data-ledger-0", "data-ledger-1");
        foreach (string volume in volumes)
        {
            await GoneAsync("pv", volume);
            Assert.False(Directory.Exists(Path.Combine(VolumesFolder, volume)));
        }
    }

    [NodeFact]
    public async Task An_ephemeral_volume_goes_with_its_Pod()
    {
        await ApplyExampleAsync("volumes/ephemeral.yaml");
        await ReadyAsync("worker");
        Assert.Equal("Pod worker scratch", await KubectlAsync("get", "pvc", "worker-scratch", "-o", "jsonpath={.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].name} {.metadata.labels.purpose}"));
        string volume = await ReadAsync("pvc/worker-scratch", ".spec.volumeName"), folder = Path.Combine(VolumesFolder, volume);
        Assert.Equal("scratch\n", await File.ReadAllTextAsync(Path.Combine(folder, "file")));
        await KubectlAsync("delete", "pod", "worker");
        await GoneAsync("pvc", "worker-scratch");
        await GoneAsync("pv", volume);
        Assert.False(Directory.Exists(folder));
    }

    [NodeFact]
    public async Task A_recycled_volume_is_emptied_for_the_next_claim()
    {
        string folder = Path.Combine(Cluster.Scratch, Namespace + "-recycled"), volume = "recycled-" + Namespace;
        Directory.CreateDirectory(Path.Combine(folder, ".hidden"));
        await File.WriteAllTextAsync(Path.Combine(folder, ".hidden/old"), "old");
        try
        {
            await ApplyAsync($$$"""
                apiVersion: v1
                kind: PersistentVolume
                metadata: {name: {{{volume}}}}
                spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Recycle, storageClassName: "{{{Namespace}}}", hostPath: {path: {{{folder}}} } }
                ---
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: first}
                spec: {storageClassName: "{{{Namespace}}}", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi} } }
                """);
            await UntilAsync("pvc/first", ".status.phase", "Bound");
            await KubectlAsync("delete", "pvc", "first");
            await Until.Async("an empty volume", async () => (await VolumeAsync(volume, "-o", "jsonpath={.status.phase}")).Ok(), "Available".Equals);
            Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        }
        finally { await TryAsync("delete", "pv", volume, "--ignore-not-found"); }
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC [Conformance]")]
    [Trait("Conformance", "[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status [Conformance]")]
    public async Task Volumes_and_claims_of_a_driver_are_made_bound_listed_changed_told_of_and_deleted_one_by_one_and_together()
    {
        using var api = await RawApi.OfAsync(Cluster);
        string pv = "csi-" + Namespace, selector = "?labelSelector=e2e%3D" + Namespace;
        string volumes = "/api/v1/persistentvolumes", claims = $"/api/v1/namespaces/{Namespace}/persistentvolumeclaims";
        string Volume() => $$$"""
            {"metadata":{"name":"{{{pv}}}","labels":{"e2e":"{{{Namespace}}}"} },"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain",
            "storageClassName":"{{{Namespace}}}","csi":{"driver":"e2e.example","volumeHandle":"e2e"} } }
            """;
        string Claim() => $$$"""
            {"metadata":{"name":"csi","labels":{"e2e":"{{{Namespace}}}"} },"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"{{{Namespace}}}","resources":{"requests":{"storage":"1Gi"} } } }
            """;
        async Task<JsonElement> OkAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
        {
            var (code, answer) = await api.SendAsync(method, path, body, type);
            Assert.True(code is 200 or 201, $"{method} {path}: {code} {answer}");
            return answer;
        }
        async Task<int> CountAsync(string path) => (await OkAsync(HttpMethod.Get, path + selector)).GetProperty("items").GetArrayLength();
        async Task MakeAsync()
        {
            await OkAsync(HttpMethod.Post, volumes, Volume());
            await OkAsync(HttpMethod.Post, claims, Claim());
            await UntilAsync("pvc/csi", ".status.phase", "Bound");
        }

        await MakeAsync();
        Assert.Equal((1, 1), (await CountAsync(volumes), await CountAsync(claims)));
        const string Label = """{"metadata":{"labels":{"patched":"yes"}}}""";
        foreach (string path in (string[])[$"{volumes}/{pv}", $"{claims}/csi"])
        {
            Assert.Equal("yes", (await OkAsync(HttpMethod.Patch, path, Label, "application/strategic-merge-patch+json")).GetProperty("metadata").GetProperty("labels").GetProperty("patched").GetString());
            Assert.True((await OkAsync(HttpMethod.Get, path)).GetProperty("metadata").GetProperty("labels").TryGetProperty("patched", out _));
        }

        // Status: read, patched and updated; nobody takes back what is told there.
        await OkAsync(HttpMethod.Patch, $"{volumes}/{pv}/status", """{"status":{"message":"StatusPatched","reason":"E2E"}}""", "application/merge-patch+json");
        await OkAsync(HttpMethod.Patch, $"{claims}/csi/status", """{"status":{"conditions":[{"type":"StatusPatched","status":"True","reason":"E2E"}]}}""", "application/merge-patch+json");
        var seen = await OkAsync(HttpMethod.Get, $"{volumes}/{pv}/status");
        Assert.Equal("StatusPatched Bound", seen.GetProperty("status").GetProperty("message").GetString() + " " + seen.GetProperty("status").GetProperty("phase").GetString());
        string updated = (await OkAsync(HttpMethod.Get, $"{claims}/csi/status")).GetRawText().Replace("StatusPatched", "StatusUpdated");
        await OkAsync(HttpMethod.Put, $"{claims}/csi/status", updated);
        await OkAsync(HttpMethod.Put, $"{volumes}/{pv}/status", (await OkAsync(HttpMethod.Get, $"{volumes}/{pv}/status")).GetRawText().Replace("StatusPatched", "StatusUpdated"));
        Assert.Equal("StatusUpdated", await ReadAsync("pvc/csi", ".status.conditions[0].type"));
        Assert.Equal("StatusUpdated", (await VolumeAsync(pv, "-o", "jsonpath={.status.message}")).Ok());

        await OkAsync(HttpMethod.Delete, $"{claims}/csi");
        await GoneAsync("pvc", "csi");
        await Until.Async("released", async () => (await VolumeAsync(pv, "-o", "jsonpath={.status.phase}")).Ok(), "Released".Equals);
        await OkAsync(HttpMethod.Delete, $"{volumes}/{pv}");
        await GoneAsync("pv", pv);

        await MakeAsync();
        await OkAsync(HttpMethod.Delete, claims + selector);
        await Until.TrueAsync("no claims", async () => await CountAsync(claims) == 0);
        await OkAsync(HttpMethod.Delete, volumes + selector);
        await Until.TrueAsync("no volumes", async () => await CountAsync(volumes) == 0);
    }
}
