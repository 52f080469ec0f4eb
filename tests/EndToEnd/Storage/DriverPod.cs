using System.Runtime.InteropServices;
using Hanbae.EndToEnd.Rig;
using Hanbae.Kit;

namespace Hanbae.EndToEnd.Storage;

/// <summary>The tests' own storage driver as a Pod: this machine's .NET and programs, seen from inside of a container.</summary>
/// <param name="name">Of the driver; one for each test.</param>
sealed class DriverPod(RealCluster cluster, string name)
{
    public string Name => name;

    /// <summary>Short, since the paths of sockets must be.</summary>
    public string State => Path.Combine(cluster.Scratch, name);

    public string Kubelet => Path.Combine(cluster.DataDir, "kubelet");

    public string[] Volumes => Directory.Exists(State + "/volumes") ? [.. Directory.EnumerateDirectories(State + "/volumes").Select(f => Path.GetFileName(f))] : [];

    public string[] Snapshots => Directory.Exists(State + "/snapshots") ? [.. Directory.EnumerateDirectories(State + "/snapshots").Select(f => Path.GetFileName(f))] : [];

    public string DataOf(string volume) => Path.Combine(State, "volumes", volume, "data");

    /// <param name="options">Of the driver: <c>attach</c>, <c>no-stage</c>.</param>
    public string Pod(params string[] options)
    {
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..")), program = Path.Combine(Repository.Root, "tests/CsiDriver/bin", Prerequisites.Configuration, "net10.0");
        Directory.CreateDirectory(State);
        string[] seen = [.. new[] { "/usr", "/lib", "/lib64", dotnet, program }.Where(Directory.Exists)];
        string mounts = string.Join('\n', seen.Select((path, i) => $"    - {{name: seen-{i}, mountPath: '{path}', readOnly: true}}"));
        string volumes = string.Join('\n', seen.Select((path, i) => $"  - {{name: seen-{i}, hostPath: {{path: '{path}'}}}}"));
        string arguments = string.Join(", ", new[] { Path.Combine(dotnet, "dotnet"), Path.Combine(program, "Hanbae.CsiDriver.dll"), name, "node-of-" + name, State, $"{Kubelet}/plugins/{name}/csi.sock", $"{Kubelet}/plugins_registry/{name}.sock" }
            .Concat(options).Select(a => $"'{a}'"));
        return $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: driver}
            spec:
              terminationGracePeriodSeconds: 5
              containers:
              - name: driver
                image: busybox:1
                command: [{{arguments}}]
                env:
                - {name: PATH, value: '/usr/sbin:/usr/bin:/sbin:/bin'}
                - {name: DOTNET_CLI_HOME, value: /tmp}
                securityContext: {privileged: true}
                volumeMounts:
                - {name: kubelet, mountPath: '{{Kubelet}}', mountPropagation: Bidirectional}
                - {name: state, mountPath: '{{State}}'}
                - {name: dev, mountPath: /dev}
            {{mounts}}
              volumes:
              - {name: kubelet, hostPath: {path: '{{Kubelet}}'} }
              - {name: state, hostPath: {path: '{{State}}'} }
              - {name: dev, hostPath: {path: /dev} }
            {{volumes}}
            """;
    }

    public string Declared(string spec = "attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: [Persistent, Ephemeral], storageCapacity: true") => $$$"""
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: {name: {{{name}}} }
        spec: { {{{spec}}} }
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: {{{name}}} }
        provisioner: {{{name}}}
        volumeBindingMode: WaitForFirstConsumer
        allowVolumeExpansion: true
        parameters: {colour: blue}
        """;

    public string Claim(string claim, string more = "") => $$$"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: {{{claim}}} }
        spec: {storageClassName: {{{name}}}, accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Mi} }{{{(more.Length > 0 ? ", " + more : "")}}} }
        """;

    public static string User(string pod, string claim, string more = "") => $$$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{pod}}} }
        spec:
          terminationGracePeriodSeconds: 1
          securityContext: {fsGroup: 2345}
          containers: [{name: main, image: 'busybox:1', command: [sleep, '100000']{{{(more.Length > 0 ? more : ", volumeMounts: [{name: data, mountPath: /data}]")}}} }]
          volumes: [{name: data, persistentVolumeClaim: {claimName: {{{claim}}} } }]
        """;

    /// <summary>Volumes of the driver that the kubelet still has something of.</summary>
    public string[] Left() => [.. File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')).Where(l => l[4].StartsWith(Kubelet, StringComparison.Ordinal) && l[3].Contains("/" + name + "/", StringComparison.Ordinal)).Select(l => l[4]),
        .. Directory.Exists($"{Kubelet}/plugins/kubernetes.io/csi/{name}") ? Directory.EnumerateFiles($"{Kubelet}/plugins/kubernetes.io/csi/{name}", "vol_data.json", SearchOption.AllDirectories) : []];
}
