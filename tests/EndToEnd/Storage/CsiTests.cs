using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Storage;

/// <summary>A CSI driver in a Pod, without any of upstream's helpers beside it: what the kubelet and the built-in controller make of it.</summary>
public sealed class CsiTests(SharedCluster shared) : NamespaceTest(shared)
{
    DriverPod Driver => field ??= new(Cluster, Namespace + ".csi");

    async Task StartAsync(string? declared = null, params string[] options)
    {
        await ApplyAsync(declared is null ? Driver.Declared() : Driver.Declared(declared));
        await ApplyAsync(Driver.Pod(options));
        await ReadyAsync("driver");
        await Until.Async("the driver's registration", async () => await KubectlAsync("get", "csinodes", "-o", "jsonpath={.items[*].spec.drivers[*].name}"), names => names.Contains(Driver.Name), () => KubectlAsync("logs", "driver"));
    }

    async Task EndAsync()
    {
        await KubectlAsync("delete", "pod", "driver", "--ignore-not-found");
        await KubectlAsync("delete", "storageclass,csidriver", Driver.Name, "--ignore-not-found");
        await Until.TrueAsync("nobody of that name", async () => !(await KubectlAsync("get", "csinodes", "-o", "jsonpath={.items[*].spec.drivers[*].name}")).Contains(Driver.Name));
        await CleanAsync();
        Directory.Delete(Driver.State, recursive: true);
    }

    Task<string> ExecAsync(string pod, string command) => KubectlAsync("exec", pod, "--", "sh", "-c", command);

    async Task GoneAsync(string what, string name) =>
        await Until.Async($"{what} {name} gone", async () => (await TryAsync("get", what, name, "--ignore-not-found", "-o", "name")).Out, seen => seen.Length == 0, () => KubectlAsync("get", "events"));

    /// <summary>A Pod without grace is gone from the API before it is gone from its node.</summary>
    async Task CleanAsync() => await Until.Async("nothing left of the driver's volumes", () => Task.FromResult(string.Join(' ', Driver.Left())), left => left.Length == 0);

    async Task DeletePodAsync(string pod)
    {
        await KubectlAsync("delete", "pod", pod, "--wait=false");
        await GoneAsync("pod", pod);
    }

    [NodeFact]
    public async Task A_claim_gets_a_volume_where_its_Pod_runs_which_keeps_its_data_grows_and_goes_with_the_claim()
    {
        await StartAsync();
        // What the scheduler asks before it chooses a node.
        await Until.Async("room told", () => KubectlAsync("get", "csistoragecapacities", "-A", "-o", "jsonpath={.items[*].storageClassName}"), seen => seen.Contains(Driver.Name));
        await ApplyAsync(Driver.Claim("files") + "\n---\n" + DriverPod.User("writer", "files"));
        await ReadyAsync("writer");
        string volume = await ReadAsync("pvc/files", ".spec.volumeName");
        Assert.Equal($"{Driver.Name} ext4 blue node-of-{Driver.Name}", await KubectlAsync("get", "pv", volume, "-o",
            "jsonpath={.spec.csi.driver} {.spec.csi.fsType} {.spec.csi.volumeAttributes.colour} {.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}"));
        string handle = await KubectlAsync("get", "pv", volume, "-o", "jsonpath={.spec.csi.volumeHandle}");
        Assert.Equal("2345", (await ExecAsync("writer", "echo kept > /data/note && stat -c %g /data")).Trim());
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(Driver.DataOf(handle), "note")));
        Assert.Contains("csi.storage.k8s.io/pod.name=writer", await File.ReadAllTextAsync(Path.Combine(Driver.State, "volumes", handle, "told")));

        await KubectlAsync("patch", "pvc", "files", "-p", "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"12Mi\"}}} }");
        await UntilAsync("pvc/files", ".status.capacity.storage", "12Mi");
        Assert.Equal($"{12 << 20}", await File.ReadAllTextAsync(Path.Combine(Driver.State, "volumes", handle, "expanded")));
        Assert.Equal("", await ReadAsync("pvc/files", ".status.conditions"));

        await DeletePodAsync("writer");
        await CleanAsync();
        await ApplyAsync(DriverPod.User("reader", "files"));
        await ReadyAsync("reader");
        Assert.Equal("kept\n", await ExecAsync("reader", "cat /data/note"));
        await DeletePodAsync("reader");
        await KubectlAsync("delete", "pvc", "files");
        await GoneAsync("pv", volume);
        Assert.Empty(Driver.Volumes);
        await EndAsync();
    }

    [NodeFact]
    public async Task A_block_volume_is_a_device_of_the_container()
    {
        await StartAsync();
        await ApplyAsync(Driver.Claim("raw", "volumeMode: Block") + "\n---\n" + DriverPod.User("writer", "raw", ", volumeDevices: [{name: data, devicePath: /dev/raw-data}]"));
        await ReadyAsync("writer");
        await ExecAsync("writer", "test -b /dev/raw-data && printf 'written to a device' | dd of=/dev/raw-data conv=fsync 2>/dev/null");
        await DeletePodAsync("writer");
        await CleanAsync();
        await ApplyAsync(DriverPod.User("reader", "raw", ", volumeDevices: [{name: data, devicePath: /dev/again}]"));
        await ReadyAsync("reader");
        Assert.Equal("written to a device", await ExecAsync("reader", "dd if=/dev/again bs=19 count=1 2>/dev/null"));
        await DeletePodAsync("reader");
        string volume = await ReadAsync("pvc/raw", ".spec.volumeName");
        await KubectlAsync("delete", "pvc", "raw");
        await GoneAsync("pv", volume);
        Assert.Empty(Driver.Volumes);
        await EndAsync();
    }

    [NodeFact]
    public async Task An_inline_volume_lives_and_dies_with_its_Pod()
    {
        await StartAsync();
        await ApplyAsync($$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: inline}
            spec:
              terminationGracePeriodSeconds: 1
              containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], volumeMounts: [{name: data, mountPath: /data}]}]
              volumes: [{name: data, csi: {driver: {{{Driver.Name}}}, volumeAttributes: {greeting: hello} } }]
            """);
        await ReadyAsync("inline");
        Assert.Equal("hello", await ExecAsync("inline", "cat /data/greeting"));
        Assert.Single(Driver.Volumes);
        await DeletePodAsync("inline");
        await Until.Async("no volumes", () => Task.FromResult(Driver.Volumes.Length), left => left == 0);
        await EndAsync();
    }

    [NodeFact]
    public async Task A_driver_that_attaches_is_asked_before_the_mount_and_after_the_unmount()
    {
        await StartAsync("attachRequired: true, fsGroupPolicy: File", "attach");
        await ApplyAsync(Driver.Claim("files") + "\n---\n" + DriverPod.User("user", "files"));
        await ReadyAsync("user");
        string volume = await ReadAsync("pvc/files", ".spec.volumeName"), handle = await KubectlAsync("get", "pv", volume, "-o", "jsonpath={.spec.csi.volumeHandle}");
        Assert.Equal("true yes", await KubectlAsync("get", "volumeattachments", "-o", $"jsonpath={{.items[?(@.spec.attacher=='{Driver.Name}')].status.attached}} {{.items[?(@.spec.attacher=='{Driver.Name}')].status.attachmentMetadata.attached}}"));
        Assert.Contains(handle, await KubectlAsync("get", "nodes", "-o", "jsonpath={.items[*].status.volumesInUse}"));
        Assert.Equal("node-of-" + Driver.Name, await File.ReadAllTextAsync(Path.Combine(Driver.State, "volumes", handle, "attached")));
        await DeletePodAsync("user");
        await Until.TrueAsync("no attachment", async () => await KubectlAsync("get", "volumeattachments", "-o", $"jsonpath={{.items[?(@.spec.attacher=='{Driver.Name}')].metadata.name}}") == "");
        Assert.False(File.Exists(Path.Combine(Driver.State, "volumes", handle, "attached")));
        await KubectlAsync("delete", "pvc", "files");
        await GoneAsync("pv", volume);
        await EndAsync();
    }

    [NodeFact]
    public async Task A_snapshot_keeps_what_was_and_a_clone_has_what_is()
    {
        await ApplyExampleAsync("volumes/snapshot-crds.yaml");
        await KubectlAsync("wait", "--for=condition=Established", "--timeout=100s", "crd/volumesnapshots.snapshot.storage.k8s.io", "crd/volumesnapshotcontents.snapshot.storage.k8s.io", "crd/volumesnapshotclasses.snapshot.storage.k8s.io");
        await StartAsync();
        await ApplyAsync(Driver.Claim("files") + "\n---\n" + DriverPod.User("writer", "files"));
        await ReadyAsync("writer");
        await ExecAsync("writer", "echo before > /data/note");
        await ApplyAsync($$$"""
            apiVersion: snapshot.storage.k8s.io/v1
            kind: VolumeSnapshotClass
            metadata: {name: {{{Driver.Name}}} }
            driver: {{{Driver.Name}}}
            deletionPolicy: Delete
            ---
            apiVersion: snapshot.storage.k8s.io/v1
            kind: VolumeSnapshot
            metadata: {name: friday}
            spec: {volumeSnapshotClassName: {{{Driver.Name}}}, source: {persistentVolumeClaimName: files} }
            """);
        await UntilAsync("volumesnapshot/friday", ".status.readyToUse", "true");
        Assert.Equal("8Mi", await ReadAsync("volumesnapshot/friday", ".status.restoreSize"));
        string content = await ReadAsync("volumesnapshot/friday", ".status.boundVolumeSnapshotContentName");
        await ExecAsync("writer", "echo after > /data/note");

        await ApplyAsync(Driver.Claim("restored", "dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: friday}") + "\n---\n" + DriverPod.User("restorer", "restored") + "\n---\n"
            + Driver.Claim("cloned", "dataSource: {kind: PersistentVolumeClaim, name: files}") + "\n---\n" + DriverPod.User("cloner", "cloned"));
        await ReadyAsync("restorer", "cloner");
        Assert.Equal("before\n", await ExecAsync("restorer", "cat /data/note"));
        Assert.Equal("after\n", await ExecAsync("cloner", "cat /data/note"));

        Assert.Single(Driver.Snapshots);
        await KubectlAsync("delete", "volumesnapshot", "friday");
        await GoneAsync("volumesnapshotcontent", content);
        Assert.Empty(Driver.Snapshots);
        foreach (string pod in (string[])["writer", "restorer", "cloner"]) await DeletePodAsync(pod);
        string[] volumes = (await KubectlAsync("get", "pvc", "-o", "jsonpath={.items[*].spec.volumeName}")).Split(' ');
        await KubectlAsync("delete", "pvc", "--all");
        foreach (string volume in volumes) await GoneAsync("pv", volume);
        Assert.Empty(Driver.Volumes);
        await KubectlAsync("delete", "volumesnapshotclass", Driver.Name);
        await EndAsync();
    }

    [NodeFact]
    public async Task A_Pod_keeps_its_volume_while_the_driver_is_started_anew_and_ends_when_it_is_back()
    {
        await StartAsync();
        await ApplyAsync(Driver.Claim("files") + "\n---\n" + DriverPod.User("user", "files"));
        await ReadyAsync("user");
        await ExecAsync("user", "echo one > /data/note");
        await KubectlAsync("delete", "pod", "driver");
        await ExecAsync("user", "echo two >> /data/note");
        await KubectlAsync("delete", "pod", "user", "--wait=false");
        await Until.Async("waiting for the driver", async () => (await KubectlAsync("get", "events", "--field-selector=involvedObject.name=user", "-o", "jsonpath={.items[*].message}")), seen => seen.Contains("not found in the list of registered CSI drivers"));
        Assert.NotEqual("", (await TryAsync("get", "pod", "user", "-o", "name")).Out);
        await ApplyAsync(Driver.Pod());
        await GoneAsync("pod", "user");
        await CleanAsync();
        Assert.Equal("one\ntwo\n", await File.ReadAllTextAsync(Path.Combine(Driver.DataOf(Assert.Single(Driver.Volumes)), "note")));
        string volume = await ReadAsync("pvc/files", ".spec.volumeName");
        await ReadyAsync("driver");
        await KubectlAsync("delete", "pvc", "files");
        await GoneAsync("pv", volume);
        await EndAsync();
    }
}
