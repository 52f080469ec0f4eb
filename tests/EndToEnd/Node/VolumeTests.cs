using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>Volumes that show what the API says, and rooms of the Pod's own.</summary>
public sealed class VolumeTests(SharedCluster shared) : PodRun(shared)
{
    async Task MakeAsync()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {data-1: value-1, data-2: value-2}
            binaryData: {dump.bin: 3sr+ug==}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: hidden}
            stringData: {data-1: secret-1, data-2: secret-2}
            """);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] ConfigMap binary data should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume as non-root [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume with mappings [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable from pods in volume with mappings as non-root [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap should be consumable in multiple volumes in the same pod [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable from pods in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable from pods in volume with mappings [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable in multiple volumes in a pod [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume as non-root [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume with mappings [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable from pods in volume with mappings as non-root [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap should be consumable in multiple volumes in the same pod [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable from pods in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable from pods in volume with defaultMode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable from pods in volume with mappings [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable in multiple volumes in a pod [NodeConformance] [Conformance]")]
    public async Task ConfigMaps_and_Secrets_are_files_with_the_names_and_modes_asked_for()
    {
        await MakeAsync();
        (string Name, string Whole, string Moded, string Mapped, string Value)[] kinds =
        [
            ("configmap", "configMap: {name: settings}", "configMap: {name: settings, defaultMode: 0400}", "configMap: {name: settings, items: [{key: data-2, path: path/to/data-2, mode: 0440}, {key: data-1, path: plain}]}", "value"),
            ("secret", "secret: {secretName: hidden}", "secret: {secretName: hidden, defaultMode: 0400}", "secret: {secretName: hidden, items: [{key: data-2, path: path/to/data-2, mode: 0440}, {key: data-1, path: plain}]}", "secret"),
            ("projected-configmap", "projected: {sources: [{configMap: {name: settings}}]}", "projected: {defaultMode: 0400, sources: [{configMap: {name: settings}}]}", "projected: {sources: [{configMap: {name: settings, items: [{key: data-2, path: path/to/data-2, mode: 0440}, {key: data-1, path: plain}]}}]}", "value"),
            ("projected-secret", "projected: {sources: [{secret: {name: hidden}}]}", "projected: {defaultMode: 0400, sources: [{secret: {name: hidden}}]}", "projected: {sources: [{secret: {name: hidden, items: [{key: data-2, path: path/to/data-2, mode: 0440}, {key: data-1, path: plain}]}}]}", "secret"),
        ];
        foreach (var (name, whole, moded, mapped, value) in kinds)
        {
            string log = await ScriptAsync(name, "cat /a/data-1; echo; cat /b/data-1; echo; stat -L -c %a /a/data-1 /m/data-1 /p/path/to/data-2 /p/plain; cat /p/path/to/data-2; echo; ls /p; ls /a | wc -l; touch /a/new 2>/dev/null || echo read-only",
                "volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}, {name: m, mountPath: /m}, {name: p, mountPath: /p}]",
                $"volumes: [{{name: a, {whole}}}, {{name: b, {whole}}}, {{name: m, {moded}}}, {{name: p, {mapped}}}]");
            Assert.Equal($"{value}-1\n{value}-1\n644\n400\n440\n644\n{value}-2\npath\nplain\n{(value == "value" ? 3 : 2)}\nread-only\n", log);
            string plain = await ScriptAsync(name + "-user", "id -u; cat /a/data-1; echo; cat /p/plain", "volumeMounts: [{name: a, mountPath: /a}, {name: p, mountPath: /p}]",
                $"securityContext: {{runAsUser: 1000}}\nvolumes: [{{name: a, {whole}}}, {{name: p, {mapped}}}]");
            Assert.Equal($"1000\n{value}-1\n{value}-1", plain);
        }
        Assert.Equal("decafeba\n", await ScriptAsync("binary", "od -An -tx1 /a/dump.bin | tr -d ' '", "volumeMounts: [{name: a, mountPath: /a}]", "volumes: [{name: a, configMap: {name: settings}}]"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] Secrets should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret should be consumable from pods in volume as non-root with defaultMode and fsGroup set [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected combined should project all components that make up the projection API [Projection] [NodeConformance] [Conformance]")]
    public async Task A_group_may_read_what_it_was_given_and_sources_share_a_folder()
    {
        await MakeAsync();
        string other = Namespace + "-other";
        await Cluster.KubectlAsync("create", "namespace", other);
        try
        {
            await Cluster.KubectlAsync("-n", other, "create", "secret", "generic", "hidden", "--from-literal=data-1=theirs");
            foreach (string source in (string[])["secret: {secretName: hidden, defaultMode: 0440}", "projected: {defaultMode: 0440, sources: [{secret: {name: hidden}}]}"])
            {
                string log = await ScriptAsync("group", "id -u; id -G; stat -L -c '%a %g' /a/data-1; cat /a/data-1", "volumeMounts: [{name: a, mountPath: /a}]",
                    $"securityContext: {{runAsUser: 1000, runAsGroup: 2000, fsGroup: 1001}}\nvolumes: [{{name: a, {source}}}]");
                Assert.Equal("1000\n2000 1001\n440 1001\nsecret-1", log);
                await KubectlAsync("delete", "pod", "group");
            }
        }
        finally { await Cluster.KubectlAsync("delete", "namespace", other, "--wait=false"); }

        string all = await ScriptAsync("all", "cat /all/podname; echo; cat /all/secret-data; echo; cat /all/configmap-data; echo; test -s /all/token && echo token", "volumeMounts: [{name: all, mountPath: /all}]", """
            volumes:
            - name: all
              projected:
                sources:
                - {downwardAPI: {items: [{path: podname, fieldRef: {fieldPath: metadata.name}}]}}
                - {secret: {name: hidden, items: [{key: data-1, path: secret-data}]}}
                - {configMap: {name: settings, items: [{key: data-1, path: configmap-data}]}}
                - {serviceAccountToken: {path: token, expirationSeconds: 7200}}
            """);
        Assert.Equal("all\nsecret-1\nvalue-1\ntoken\n", all);
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] ConfigMap updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] ConfigMap optional updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Secrets optional updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected configMap optional updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected secret optional updates should be reflected in volume [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should update annotations on modification [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should update labels on modification [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should update annotations on modification [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should update labels on modification [NodeConformance] [Conformance]")]
    public async Task Changes_reach_Pods_that_run()
    {
        await MakeAsync();
        await KubectlAsync("create", "configmap", "goes", "--from-literal=data-1=gone-soon");
        await KubectlAsync("create", "secret", "generic", "goes", "--from-literal=data-1=gone-soon");
        await ApplyAsync(Script("reader", "sleep 100000", """
            volumeMounts:
            - {name: map, mountPath: /map}
            - {name: pmap, mountPath: /pmap}
            - {name: goes, mountPath: /goes}
            - {name: sgoes, mountPath: /sgoes}
            - {name: pgoes, mountPath: /pgoes}
            - {name: comes, mountPath: /comes}
            - {name: scomes, mountPath: /scomes}
            - {name: self, mountPath: /self}
            - {name: pself, mountPath: /pself}
            """, """
            volumes:
            - {name: map, configMap: {name: settings}}
            - {name: pmap, projected: {sources: [{configMap: {name: settings}}]}}
            - {name: goes, configMap: {name: goes, optional: true}}
            - {name: sgoes, secret: {secretName: goes, optional: true}}
            - {name: pgoes, projected: {sources: [{configMap: {name: goes, optional: true}}, {secret: {name: goes, optional: true, items: [{key: data-1, path: s}]}}]}}
            - {name: comes, configMap: {name: comes, optional: true}}
            - {name: scomes, secret: {secretName: comes, optional: true}}
            - {name: self, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: annotations, fieldRef: {fieldPath: metadata.annotations}}]}}
            - {name: pself, projected: {sources: [{downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}
            """, "labels: {key1: value1}\nannotations: {builder: bar}"));
        await ReadyAsync("reader");
        Assert.Equal("value-1", await KubectlAsync("exec", "reader", "--", "cat", "/map/data-1"));
        Assert.Contains("key1=\"value1\"", await KubectlAsync("exec", "reader", "--", "cat", "/self/labels"));

        await KubectlAsync("patch", "configmap", "settings", "-p", "{\"data\":{\"data-1\":\"value-2\",\"new\":\"key\"}}");
        await KubectlAsync("delete", "configmap,secret", "goes");
        await KubectlAsync("create", "configmap", "comes", "--from-literal=data-1=here");
        await KubectlAsync("create", "secret", "generic", "comes", "--from-literal=data-1=here");
        await KubectlAsync("label", "pod", "reader", "key3=value3");
        await KubectlAsync("annotate", "pod", "reader", "--overwrite", "builder=foo");
        const string Look = "cat /map/data-1 /map/new /pmap/data-1 /comes/data-1 /scomes/data-1; ls /goes /sgoes /pgoes | grep -c data; cat /pself/labels; grep builder /self/annotations";
        await Until.Async("all changes in the volumes", () => KubectlAsync("exec", "reader", "--", "sh", "-c", Look),
            seen => seen.StartsWith("value-2keyvalue-2herehere0\n") && seen.Contains("key3=\"value3\"") && seen.Contains("builder=\"foo\""));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide container's cpu limit [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide container's cpu request [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide container's memory limit [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide container's memory request [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should provide podname only [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should set DefaultMode on files [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Downward API volume should set mode on item file [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide container's cpu limit [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide container's cpu request [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide container's memory limit [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide container's memory request [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide node allocatable (cpu) as default cpu limit if the limit is not set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide node allocatable (memory) as default memory limit if the limit is not set [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should provide podname only [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should set DefaultMode on files [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] Projected downwardAPI should set mode on item file [LinuxOnly] [NodeConformance] [Conformance]")]
    public async Task A_Pod_learns_about_itself_from_files()
    {
        string[] node = (await Cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.allocatable.cpu} {.items[0].status.allocatable.memory}")).Split(' ');
        long bytes = node[1].EndsWith("Ki") ? long.Parse(node[1][..^2]) * 1024 : long.Parse(node[1]);
        const string Items = """
            [{path: podname, fieldRef: {fieldPath: metadata.name}}, {path: moded, mode: 0400, fieldRef: {fieldPath: metadata.name}},
             {path: cl, resourceFieldRef: {containerName: main, resource: limits.cpu}}, {path: cr, resourceFieldRef: {containerName: main, resource: requests.cpu, divisor: 1m}},
             {path: ml, resourceFieldRef: {containerName: main, resource: limits.memory}}, {path: mr, resourceFieldRef: {containerName: main, resource: requests.memory, divisor: 1Mi}}]
            """;
        foreach (var (name, volume) in (IEnumerable<(string, string)>)[("plain", $"downwardAPI: {{defaultMode: 0440, items: {Items}}}"), ("projected", $"projected: {{defaultMode: 0440, sources: [{{downwardAPI: {{items: {Items}}}}}]}}")])
        {
            const string Look = "cd /self; echo $(cat podname) $(cat cl) $(cat cr) $(cat ml) $(cat mr); stat -L -c %a podname moded";
            Assert.Equal($"{name} 2 250 67108864 32\n440\n400\n", await ScriptAsync(name, Look,
                "resources: {requests: {cpu: 250m, memory: 32Mi}, limits: {cpu: 1250m, memory: 64Mi}}\nvolumeMounts: [{name: self, mountPath: /self}]", $"volumes: [{{name: self, {volume.ReplaceLineEndings(" ")}}}]"));
            Assert.StartsWith($"{name}-free {node[0]} 0 {bytes} 0\n", await ScriptAsync(name + "-free", Look, "volumeMounts: [{name: self, mountPath: /self}]", $"volumes: [{{name: self, {volume.ReplaceLineEndings(" ")}}}]"));
        }
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes pod should support shared volumes between containers [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0644,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0644,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0666,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0666,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0777,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (non-root,0777,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0644,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0644,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0666,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0666,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0777,default) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes should support (root,0777,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes volume on default medium should have the correct mode [LinuxOnly] [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir volumes volume on tmpfs should have the correct mode [LinuxOnly] [NodeConformance] [Conformance]")]
    public async Task Empty_folders_are_everyones_on_disk_or_in_memory()
    {
        const string Work = """
            id -u
            for v in /disk /memory; do
              stat -c %a $v | tail -c 4
              grep -c " $v tmpfs" /proc/mounts
              for m in 644 666 777; do echo words > $v/$m; chmod $m $v/$m; stat -c '%a %u' $v/$m; cat $v/$m; done
            done
            cat /disk/from-init
            """;
        foreach (int user in (int[])[0, 1001])
        {
            string log = await ScriptAsync("user-" + user, Work, "volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}]", $$$"""
                securityContext: {runAsUser: {{{user}}}}
                volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}]
                initContainers: [{name: first, image: 'busybox:1', command: [sh, -c, 'echo shared > /x/from-init'], volumeMounts: [{name: disk, mountPath: /x}]}]
                """);
            string files = string.Concat(((int[])[644, 666, 777]).Select(m => $"{m} {user}\nwords\n"));
            Assert.Equal($"{user}\n777\n0\n{files}777\n1\n{files}shared\n", log);
        }
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod [Conformance]")]
    [Trait("Conformance", "[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of existing file [Conformance]")]
    [Trait("Conformance", "[sig-storage] Subpath Atomic writer volumes should support subpaths with downward pod [Conformance]")]
    [Trait("Conformance", "[sig-storage] Subpath Atomic writer volumes should support subpaths with projected pod [Conformance]")]
    [Trait("Conformance", "[sig-storage] Subpath Atomic writer volumes should support subpaths with secret pod [Conformance]")]
    [Trait("Conformance", "[sig-storage] EmptyDir wrapper volumes should not conflict [Conformance]")]
    public async Task Single_files_of_volumes_can_be_mounted_also_over_files_of_the_image()
    {
        await MakeAsync();
        Assert.Equal("value-1\nsecret-2\nsub\nvalue-2\nvalue-1\n", await ScriptAsync("sub", "for f in /c /s /d /p /etc/group; do cat $f; echo; done", """
            volumeMounts:
            - {name: map, mountPath: /c, subPath: data-1}
            - {name: hidden, mountPath: /s, subPath: data-2}
            - {name: self, mountPath: /d, subPath: dir/name}
            - {name: all, mountPath: /p, subPath: data-2}
            - {name: map, mountPath: /etc/group, subPath: data-1}
            """, """
            volumes:
            - {name: map, configMap: {name: settings}}
            - {name: hidden, secret: {secretName: hidden}}
            - {name: self, downwardAPI: {items: [{path: dir/name, fieldRef: {fieldPath: metadata.name}}]}}
            - {name: all, projected: {sources: [{configMap: {name: settings}}]}}
            """));
        // A link that a container makes leads a later subpath nowhere.
        await ApplyAsync(Script("escape", "true", "volumeMounts: [{name: work, mountPath: /in, subPath: link/etc}]", """
            volumes: [{name: work, emptyDir: {}}]
            initContainers: [{name: trick, image: 'busybox:1', command: [ln, -s, /, /work/link], volumeMounts: [{name: work, mountPath: /work}]}]
            """));
        await UntilAsync("pod/escape", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError");
        Assert.Contains("failed to prepare subPath for volumeMount \"work\"", await ReadAsync("pod/escape", ".status.containerStatuses[0].state.waiting.message"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-storage] EmptyDir wrapper volumes should not cause race condition when used for configmaps [Serial] [Conformance]")]
    public async Task Fifty_volumes_in_one_Pod_are_all_there()
    {
        var yaml = new System.Text.StringBuilder();
        for (int i = 0; i < 50; i++) yaml.Append($"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: racey-{i}}}\ndata: {{data-1: value-{i}}}\n---\n");
        await ApplyAsync(yaml.ToString());
        string mounts = string.Join(", ", Enumerable.Range(0, 50).Select(i => $"{{name: racey-{i}, mountPath: /etc/config-{i}}}"));
        string volumes = string.Join(", ", Enumerable.Range(0, 50).Select(i => $"{{name: racey-{i}, configMap: {{name: racey-{i}, items: [{{key: data-1, path: data-1}}]}}}}"));
        for (int round = 0; round < 3; round++)
            Assert.Equal("50 value-49", await ScriptAsync("racey-" + round, "echo -n $(cat /etc/config-*/data-1 | grep -o value | wc -l) $(cat /etc/config-49/data-1)", $"volumeMounts: [{mounts}]", $"volumes: [{volumes}]"));
    }

    [NodeFact]
    public async Task An_image_can_be_a_volume()
    {
        string log = await ScriptAsync("image", "ls /image/bin/busybox; cat /image/etc/nsswitch.conf; cat /sub/passwd | head -n 1; touch /image/x 2>/dev/null || echo read-only",
            "volumeMounts: [{name: files, mountPath: /image}, {name: files, mountPath: /sub, subPath: etc}]", "volumes: [{name: files, image: {reference: 'busybox:1', pullPolicy: IfNotPresent}}]");
        Assert.Equal("/image/bin/busybox\nhosts: files dns\nroot:x:0:0:root:/root:/bin/sh\nread-only\n", log);
        await KubectlAsync("delete", "pod", "image", "--timeout=60s"); // nothing of it is in the way
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35] [Conformance]")]
    public async Task An_image_that_is_a_volume_is_pulled_as_its_policy_says()
    {
        using var registry = new LittleRegistry(Cluster, ("dir/file", "1"), ("file", "2"));
        int pulls = 0;
        for (int round = 0; round < 2; round++)
        {
            string pod = "pulling-" + round;
            await ApplyAsync(Script(pod, "sleep 100000", "volumeMounts: [{name: files, mountPath: /volume}]", $"volumes: [{{name: files, image: {{reference: '{registry.Image}', pullPolicy: Always}}}}]"));
            await ReadyAsync(pod);
            Assert.Equal("1", await KubectlAsync("exec", pod, "--", "cat", "/volume/dir/file"));
            Assert.Equal("2", await KubectlAsync("exec", pod, "--", "cat", "/volume/file"));
            Assert.True(registry.Pulls > pulls, "the image was not asked for again");
            pulls = registry.Pulls;
        }
    }
}
